import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { topicGeneration } from '../schema/tables.ts';

const here = sql`topic = ${sql.placeholder('topic')}`;

/** All generations of a topic, the newest first. */
export const readGenerations = statement<
  { topic: string },
  { generation: number; topic_id: string | null }
>(
  'read_generations',
  sql`SELECT generation, topic_id FROM ${topicGeneration} WHERE ${here} ORDER BY generation DESC`,
);

/** Adds a generation; no row when there is one of that number. */
export const addGeneration = statement<
  { topic: string; generation: number; topicId: string | null },
  { generation: number }
>(
  'add_generation',
  sql`INSERT INTO ${topicGeneration} (topic, generation, topic_id)
    VALUES (${sql.placeholder('topic')}, ${sql.placeholder('generation')},
      ${sql.placeholder('topicId')})
    ON CONFLICT DO NOTHING
    RETURNING generation`,
);

/** Fills in the id of a generation that was begun without one. */
export const nameGeneration = statement<{ topic: string; generation: number; topicId: string }>(
  'name_generation',
  sql`UPDATE ${topicGeneration} SET topic_id = ${sql.placeholder('topicId')}
    WHERE ${here} AND generation = ${sql.placeholder('generation')} AND topic_id IS NULL`,
);

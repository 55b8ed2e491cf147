import type { Queryable } from '../postgres/statement.ts';
import { addGeneration, nameGeneration, readGenerations } from './statements/generations.ts';

/**
 * The generation of a topic that the brokers name by `topicId`; added when it is seen for the first
 * time. Where they name none, it is the newest one.
 */
export async function generationOf(
  connection: Queryable,
  topic: string,
  topicId: string | undefined,
): Promise<number> {
  const known = await readGenerations.run(connection, { topic });
  const [newest] = known;
  if (newest === undefined) return add(connection, topic, topicId, 0);
  if (topicId === undefined) return newest.generation;
  const named = known.find((row) => row.topic_id === topicId);
  if (named !== undefined) return named.generation;
  if (newest.topic_id !== null) return add(connection, topic, topicId, newest.generation + 1);
  // Begun before the brokers named ids.
  await nameGeneration.run(connection, { topic, generation: newest.generation, topicId });
  return newest.generation;
}

/**
 * A generation for a log that is another one than that of `than`: the one that another partition or
 * group already began for it, else a new one.
 */
export async function generationAfter(
  connection: Queryable,
  topic: string,
  topicId: string | undefined,
  than: number,
): Promise<number> {
  const known = await readGenerations.run(connection, { topic });
  const begun = known.find(
    ({ generation, topic_id }) =>
      generation > than && (topicId === undefined || topic_id === topicId),
  );
  if (begun !== undefined) return begun.generation;
  const newest = known[0]?.generation ?? than;
  return add(connection, topic, topicId, Math.max(newest, than) + 1);
}

async function add(
  connection: Queryable,
  topic: string,
  topicId: string | undefined,
  generation: number,
): Promise<number> {
  const parameters = { topic, generation, topicId: topicId ?? null };
  const [added] = await addGeneration.run(connection, parameters);
  // Somebody else was faster: what was added is looked at.
  return added === undefined ? generationOf(connection, topic, topicId) : generation;
}

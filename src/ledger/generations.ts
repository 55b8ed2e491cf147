import type { Queryable } from '../postgres/statement.ts';
import { addGeneration, nameGeneration, readGenerations } from './statements/generations.ts';

/**
 * The generation of a topic with the brokers' id `topicId`, added when it is seen for the first time;
 * the newest one where the brokers have no ids.
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
  // It was begun when the brokers had no ids.
  await nameGeneration.run(connection, { topic, generation: newest.generation, topicId });
  return newest.generation;
}

/**
 * A generation after `than`, whose log is gone: the one that another partition or group has begun
 * already, else a new one.
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
  // Another transaction added one of that number first: that may be the one.
  return added === undefined ? generationOf(connection, topic, topicId) : generation;
}

import { InvalidArgumentError } from 'commander';
import { CheckFailedError } from '../errors.ts';

/**
 * The id of a dead letter or conflict: topic/partition/offset. A recreated topic reuses its offsets, so
 * its generation is appended: topic/partition/offset@1.
 */
export interface Coordinates {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** `undefined`: the only one that has the offset. */
  readonly generation: number | undefined;
}

interface Located {
  readonly kafka_topic: string;
  readonly kafka_partition: number;
  readonly kafka_offset: string;
  readonly generation: number;
  readonly newest_generation: number;
}

export function parseCoordinates(text: string): Coordinates {
  const match = /^([A-Za-z0-9._-]+)\/(\d+)\/(\d+)(?:@(\d+))?$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError(
      'Expected topic/partition/offset or topic/partition/offset@generation.',
    );
  }
  const [, topic = '', partition, offset, generation] = match;
  return {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    generation: generation === undefined ? undefined : Number(generation),
  };
}

/** For arguments that may be repeated. */
export function collectCoordinates(text: string, earlier: Coordinates[] = []): Coordinates[] {
  return [...earlier, parseCoordinates(text)];
}

export function formatCoordinates(row: Located): string {
  const generation = row.newest_generation > 0 ? `@${row.generation}` : '';
  return `${row.kafka_topic}/${row.kafka_partition}/${row.kafka_offset}${generation}`;
}

/**
 * The one row that matches the id.
 *
 * @param rows those at the offset, of any generation
 * @throws {CheckFailedError} when none matches, or several do
 */
export function theOne<R extends Located>(id: Coordinates, rows: readonly R[], what: string): R {
  const { topic, partition, offset, generation } = id;
  const found = rows.filter((row) => generation === undefined || row.generation === generation);
  const [one, ...others] = found;
  if (one === undefined) {
    const suffix = generation === undefined ? '' : `@${generation}`;
    throw new CheckFailedError(`no ${what} ${topic}/${partition}/${offset}${suffix} exists`);
  }
  if (others.length > 0) {
    const names = found.map(formatCoordinates).join(', ');
    throw new CheckFailedError(`several ${what}s have that offset; pass one of: ${names}`);
  }
  return one;
}

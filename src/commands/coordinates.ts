import { InvalidArgumentError } from 'commander';

/** Where a message lies: the id of dead letters and conflicts, written topic/partition/offset. */
export interface Coordinates {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export function parseCoordinates(text: string): Coordinates {
  const match = /^([A-Za-z0-9._-]+)\/(\d+)\/(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected topic/partition/offset.');
  const [, topic = '', partition, offset] = match;
  return { topic, partition: Number(partition), offset: Number(offset) };
}

/** For arguments that may be repeated. */
export function collectCoordinates(text: string, earlier: Coordinates[] = []): Coordinates[] {
  return [...earlier, parseCoordinates(text)];
}

export function formatCoordinates(row: {
  kafka_topic: string;
  kafka_partition: number;
  kafka_offset: string;
}): string {
  return `${row.kafka_topic}/${row.kafka_partition}/${row.kafka_offset}`;
}

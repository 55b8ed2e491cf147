export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A partition's name, as a key and for people: `topic/0`. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** The offsets that a partition holds: `earliest` is the first, `latest` the one after the last. */
export interface PartitionBounds {
  readonly earliest: number;
  readonly latest: number;
}

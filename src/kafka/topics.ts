import type { Admin } from 'kafkajs';

/** A topic that cannot be read now. */
export interface MissingTopic {
  readonly topic: string;
  /** For a person. */
  readonly why: string;
}

/** By the type of kafkajs's error. Any other one is about the brokers, not about the topic. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['UNKNOWN_TOPIC_OR_PARTITION', 'the brokers have no such topic'],
  ['TOPIC_AUTHORIZATION_FAILED', 'the brokers do not permit to read it'],
  ['INVALID_TOPIC_EXCEPTION', 'the brokers do not take its name'],
]);

/**
 * Looks at each topic by itself, so that none of the cluster's other topics matters.
 *
 * @throws when the brokers cannot be reached
 */
export async function missingTopics(
  admin: Admin,
  topics: readonly string[],
): Promise<MissingTopic[]> {
  const missing: MissingTopic[] = [];
  for (const topic of topics) {
    try {
      await admin.fetchTopicMetadata({ topics: [topic] });
    } catch (error) {
      const type = typeOf(error);
      const why = REASONS.get(type);
      if (why !== undefined) missing.push({ topic, why });
      // A partition without a leader is one: the topic is there.
      else if (type !== 'LEADER_NOT_AVAILABLE') throw error;
    }
  }
  return missing;
}

/** Whether an error is about one of the topics that were asked for. */
export function isAboutTopics(error: unknown): boolean {
  return REASONS.has(typeOf(error));
}

function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('type' in error && typeof error.type === 'string') return error.type;
  return typeOf(error.cause);
}

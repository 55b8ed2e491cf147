import type { Kafka } from 'kafkajs';
import type { Logger } from '../../config/logger.ts';
import { messageOf } from '../../errors.ts';
import { withAdmin } from '../../kafka/admin.ts';
import { type MissingTopic, missingTopics } from '../../kafka/topics.ts';

/** How often missing topics are looked for. */
const LOOK_MS = 10_000;

export interface SubscriptionOptions {
  readonly kafka: Kafka;
  /** All that are to be read. */
  readonly topics: readonly string[];
  readonly logger: Logger;
  /** Called with the topics that are not read, whenever those change. */
  readonly missing: (topics: readonly MissingTopic[]) => void;
  /** Called when one of those exists again. */
  readonly appeared: () => void;
}

/**
 * Which topics a member subscribes to: those that exist. kafkajs, subscribed to one that does not,
 * reads none of them.
 */
export class Subscription {
  readonly #options: SubscriptionOptions;
  #missing: readonly MissingTopic[] = [];
  #mustLook = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#lookForMissing(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Something failed, and a missing topic may be the reason. */
  lookAgain(): void {
    this.#mustLook = true;
  }

  /** @throws when the brokers cannot be reached */
  async topics(): Promise<string[]> {
    if (this.#mustLook) {
      this.#know(await this.#look());
      this.#mustLook = false;
    }
    const missing = new Set(this.#missing.map(({ topic }) => topic));
    return this.#options.topics.filter((topic) => !missing.has(topic));
  }

  async #lookForMissing(): Promise<void> {
    if (this.#missing.length === 0 || this.#mustLook) return;
    try {
      const before = this.#missing;
      this.#know(await this.#look());
      const missing = new Set(this.#missing.map(({ topic }) => topic));
      if (before.some(({ topic }) => !missing.has(topic))) this.#options.appeared();
    } catch (error) {
      this.#options.logger.debug({ error: messageOf(error) }, 'cannot look for missing topics');
    }
  }

  #look(): Promise<MissingTopic[]> {
    const { kafka, topics } = this.#options;
    return withAdmin(kafka, (admin) => missingTopics(admin, topics));
  }

  #know(missing: readonly MissingTopic[]): void {
    const names = (topics: readonly MissingTopic[]) => topics.map(({ topic }) => topic).join();
    if (names(missing) === names(this.#missing)) return;
    for (const { topic, why } of missing) {
      this.#options.logger.warn({ topic }, `${why}; the other topics are read`);
    }
    this.#missing = missing;
    this.#options.missing(missing);
  }
}

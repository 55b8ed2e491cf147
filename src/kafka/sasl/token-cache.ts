import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../config/logger.ts';
import { messageOf } from '../../errors.ts';
import { type BearerToken, TokenRefusedError } from './bearer-token.ts';

export interface TokenCacheOptions {
  /**
   * @throws {TokenRefusedError} when asking again will not help
   * @throws {NoTokenError} when it may
   */
  readonly fetchToken: () => Promise<BearerToken>;
  /** What a person is to look at when brokers refuse the tokens. */
  readonly toCheck: string;
  readonly logger: Logger;
  readonly now?: () => number;
}

/** The share of its lifetime after which a token is replaced. As Kafka's Java client does. */
const REFRESH_AFTER = 0.8;
/**
 * A session ends with its token, is renewed `REAUTHENTICATION_MS` before, and brokers refuse to renew one
 * twice within a second. So no session begins with a token that ends sooner than this, if there is another.
 */
const LEAST_LEFT_MS = 3_000;
/** Servers count in whole seconds: a token may end so much earlier than they say. */
const ROUNDING_MS = 1_000;
/** How long a caller without a token is kept waiting. kafkajs does not wait for longer than 20 s. */
const PATIENCE_MS = 8_000;
const RETRY_MS = { first: 250, most: 15_000 };

interface Held {
  readonly value: string;
  readonly refreshAt: number;
  readonly expiresAt: number;
  isUsed: boolean;
}

/**
 * The current token of some credentials. It is replaced in the background before it ends, so that an
 * outage of the token server goes unnoticed for a fifth of a lifetime; one that nobody used is not. The
 * clock is the wall clock: tokens end while a machine is suspended.
 */
export class TokenCache {
  readonly #options: TokenCacheOptions;
  readonly #now: () => number;
  #held: Held | undefined;
  #fetching: Promise<Held> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get toCheck(): string {
    return this.#options.toCheck;
  }

  /**
   * A token that is valid for a while. Waits for some seconds while there is none.
   *
   * @throws {TokenRefusedError | NoTokenError} as `fetchToken`
   */
  async get(): Promise<string> {
    const deadline = this.#now() + PATIENCE_MS;
    let wait = RETRY_MS.first;
    for (;;) {
      try {
        return await this.ask();
      } catch (error) {
        if (error instanceof TokenRefusedError || this.#now() + wait > deadline) throw error;
      }
      await delay(wait);
      wait *= 2;
    }
  }

  /** The same, without waiting for another attempt. */
  async ask(): Promise<string> {
    const held = this.#held;
    if (held !== undefined && this.#now() < held.refreshAt) return used(held);
    try {
      return used(await this.#fetch());
    } catch (error) {
      // A token that still holds is as good as before, whatever the server says of the next one.
      if (held !== undefined && held.expiresAt - this.#now() > LEAST_LEFT_MS) return used(held);
      throw error;
    }
  }

  /** A broker has refused it: the next caller gets another one. */
  discard(value: string): void {
    if (this.#held?.value === value) this.#held = undefined;
  }

  #fetch(): Promise<Held> {
    this.#fetching ??= this.#fetchNow().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchNow(): Promise<Held> {
    clearTimeout(this.#timer);
    const askedAt = this.#now();
    try {
      const { value, lifetimeMs } = await this.#options.fetchToken();
      const validMs = Math.max(lifetimeMs - ROUNDING_MS, 0);
      const freshMs = Math.max(Math.min(validMs * REFRESH_AFTER, validMs - LEAST_LEFT_MS), 0);
      this.#held = {
        value,
        refreshAt: askedAt + freshMs,
        expiresAt: askedAt + validMs,
        isUsed: false,
      };
      this.#failures = 0;
      // Of a token that hardly lasts for one session, each session asks for its own.
      if (freshMs > 0) this.#refreshIn(freshMs);
      return this.#held;
    } catch (error) {
      this.#failures += 1;
      const held = this.#held;
      if (held !== undefined) {
        const wait = Math.min(RETRY_MS.first * 2 ** this.#failures, RETRY_MS.most);
        const leftMs = Math.max(held.expiresAt - askedAt, 0);
        const fields = { error: messageOf(error), validForMs: leftMs };
        this.#options.logger.warn(fields, 'no new token for the brokers; the current one is used');
        // After its end those who need a token ask for it themselves.
        if (leftMs > 0) this.#refreshIn(wait);
      }
      throw error;
    }
  }

  #refreshIn(ms: number): void {
    // Longer timers overflow.
    const timer = setTimeout(() => this.#refresh(), Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    this.#timer = timer;
  }

  #refresh(): void {
    if (this.#held?.isUsed) this.#fetch().catch(() => {});
  }
}

function used(held: Held): string {
  held.isUsed = true;
  return held.value;
}

/** A token that a broker takes in place of a password. */
export interface BearerToken {
  readonly value: string;
  /** Milliseconds of its validity, from when it was asked for. */
  readonly lifetimeMs: number;
}

/** RFC 6750, section 2.1. Anything else could end the SASL message early. */
const FORM = /^[A-Za-z0-9\-._~+/]+=*$/;

export function isBearerToken(value: unknown): value is string {
  return typeof value === 'string' && FORM.test(value);
}

/**
 * There is no token, or the brokers refuse it, and no waiting will change that. kafkajs reads
 * `retriable`.
 */
export class TokenRefusedError extends Error {
  readonly retriable = false;
  /** For a person. */
  readonly toCheck: string;

  constructor(message: string, toCheck: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.toCheck = toCheck;
  }
}

/** There is no token now. */
export class NoTokenError extends Error {
  readonly retriable = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

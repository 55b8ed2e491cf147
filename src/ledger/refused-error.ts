import type { RefusedMessage } from './message.ts';

/** A single message, which no batch is waiting for, cannot be applied. */
export class RefusedError extends Error {
  readonly reason: RefusedMessage['reason'];

  constructor({ reason, detail }: RefusedMessage) {
    super(detail);
    this.reason = reason;
  }
}

import type { DeadLetterMessage } from '../records/message.ts';

/** A single message, which no batch is waiting for, cannot be applied. */
export class RefusedError extends Error {
  readonly reason: DeadLetterMessage['reason'];

  constructor({ reason, detail }: DeadLetterMessage) {
    super(detail);
    this.reason = reason;
  }
}

import type { DeadLetterMessage, Message } from '../records/message.ts';

/** A dead letter of a message that decoded well, and that only the ledger found impossible to apply. */
export function deadLetterOf(
  message: Exclude<Message, DeadLetterMessage>,
  reason: DeadLetterMessage['reason'],
  detail: string,
): DeadLetterMessage {
  const { offset, record } = message;
  const schemaId = message.kind === 'billable' ? message.schemaId : null;
  return { kind: 'dead_letter', offset, record, reason, detail, schemaId };
}

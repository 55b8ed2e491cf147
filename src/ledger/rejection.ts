import type { DeadLetterMessage, Message } from '../records/message.ts';

/** A message that was found to be impossible to apply only by the ledger. */
export function refusalOf(
  message: Exclude<Message, DeadLetterMessage>,
  reason: DeadLetterMessage['reason'],
  detail: string,
): DeadLetterMessage {
  const { offset, record } = message;
  const schemaId = message.kind === 'billable' ? message.schemaId : null;
  return { kind: 'dead_letter', offset, record, reason, detail, schemaId };
}

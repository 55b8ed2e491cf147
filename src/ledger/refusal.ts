import type { Message, RefusedMessage } from './message.ts';

/** A message that was found to be impossible to apply only by the ledger. */
export function refusalOf(
  message: Exclude<Message, RefusedMessage>,
  reason: RefusedMessage['reason'],
  detail: string,
): RefusedMessage {
  const { offset, record } = message;
  const schemaId = message.kind === 'billable' ? message.schemaId : null;
  return { kind: 'dead_letter', offset, record, reason, detail, schemaId };
}

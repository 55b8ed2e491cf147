import type { IHeaders, Message } from 'kafkajs';
import { recordOfDeadLetter } from '../ledger/dead-letter-record.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';

/** Names of the headers that say where a copy comes from and why it is there: ours alone. */
const HEADER = 'usage_ledger_';
const OMITTED = 'key, value and headers: more than this topic takes';
/** kafkajs encodes headers in a time that grows with the square of their number: seconds, from here. */
const MAX_HEADERS = 1_000;

/** The copy of a dead letter: raw key, value and headers, with coordinates and reason as headers. */
export function copyOf(letter: DeadLetterRow): Message {
  const { key, value, headers: sent } = recordOfDeadLetter(letter);
  if (Object.values(sent).flat().length > MAX_HEADERS) return copyWithoutBytes(letter);
  const headers = withoutPrototype();
  for (const [name, header] of Object.entries(sent)) {
    // The sender's own headers of these names would forge where the message comes from.
    if (header !== undefined && !name.toLowerCase().startsWith(HEADER)) headers[name] = header;
  }
  return { key, value, headers: Object.assign(headers, provenanceOf(letter)) };
}

/** The copy of one that is too large; the table has its bytes. */
export function copyWithoutBytes(letter: DeadLetterRow): Message {
  return {
    key: null,
    value: null,
    headers: { ...provenanceOf(letter), [`${HEADER}omitted`]: OMITTED },
  };
}

/** About what a copy takes on the topic. */
export function bytesOfCopy({ key, value, headers }: DeadLetterRow): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + JSON.stringify(headers).length + 2_000;
}

function provenanceOf(letter: DeadLetterRow): IHeaders {
  return {
    [`${HEADER}reason`]: letter.reason,
    [`${HEADER}detail`]: letter.detail,
    [`${HEADER}topic`]: letter.kafka_topic,
    [`${HEADER}partition`]: String(letter.kafka_partition),
    [`${HEADER}offset`]: letter.kafka_offset,
    ...(letter.schema_id !== null && { [`${HEADER}schema_id`]: letter.schema_id }),
  };
}

/** A header may be named "__proto__". */
function withoutPrototype(): IHeaders {
  return Object.create(null);
}

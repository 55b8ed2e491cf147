import type { IHeaders, Message } from 'kafkajs';
import { recordOfDeadLetter } from '../ledger/dead-letter-record.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';

/** Prefix of the headers with the origin and reason of a copy; senders may not set them. */
const HEADER = 'usage_ledger_';
const OMITTED = 'key, value and headers: more than this topic takes';
/** kafkajs encodes headers in time quadratic in their number: seconds, above this. */
const MAX_HEADERS = 1_000;

/** The copy of a dead letter: raw key, value and headers, with coordinates and reason as headers. */
export function copyOf(deadLetter: DeadLetterRow): Message {
  const { key, value, headers: sent } = recordOfDeadLetter(deadLetter);
  if (Object.values(sent).flat().length > MAX_HEADERS) return copyWithoutBytes(deadLetter);
  const headers = withoutPrototype();
  for (const [name, header] of Object.entries(sent)) {
    // A sender's header of such a name would forge the origin of the message.
    if (header !== undefined && !name.toLowerCase().startsWith(HEADER)) headers[name] = header;
  }
  return { key, value, headers: Object.assign(headers, provenanceOf(deadLetter)) };
}

/** The copy of one that is too large for the topic; the table has its bytes. */
export function copyWithoutBytes(deadLetter: DeadLetterRow): Message {
  return {
    key: null,
    value: null,
    headers: { ...provenanceOf(deadLetter), [`${HEADER}omitted`]: OMITTED },
  };
}

/** An estimate of the size of the copy on the topic. */
export function bytesOfCopy({ key, value, headers }: DeadLetterRow): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + JSON.stringify(headers).length + 2_000;
}

function provenanceOf(deadLetter: DeadLetterRow): IHeaders {
  return {
    [`${HEADER}reason`]: deadLetter.reason,
    [`${HEADER}detail`]: deadLetter.detail,
    [`${HEADER}topic`]: deadLetter.kafka_topic,
    [`${HEADER}partition`]: String(deadLetter.kafka_partition),
    [`${HEADER}offset`]: deadLetter.kafka_offset,
    ...(deadLetter.schema_id !== null && { [`${HEADER}schema_id`]: deadLetter.schema_id }),
  };
}

/** A header may be named "__proto__". */
function withoutPrototype(): IHeaders {
  return Object.create(null);
}

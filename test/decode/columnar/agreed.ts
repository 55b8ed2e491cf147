import { expect } from 'vitest';
import { Arena } from '../../../src/bytes/arena.ts';
import { AvroDecoder } from '../../../src/decode/avro/avro-decoder.ts';
import type { SchemaCache } from '../../../src/decode/avro/schema-cache.ts';
import { ColumnarDecoder } from '../../../src/decode/columnar/columnar-decoder.ts';
import { columnarSchemaOf } from '../../../src/decode/columnar/columnar-schema.ts';
import { readAhead } from '../../../src/decode/columnar/read-ahead.ts';
import { BinaryValues, OID } from '../../../src/postgres/binary-values.ts';
import type { BillableMessage, Message } from '../../../src/records/message.ts';
import { RecordBlock } from '../../../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { elementsOf } from '../../support/binary-array.ts';
import { measuredOf, valuesOf } from '../../support/messages.ts';
import { schemasOf } from '../avro/wire.ts';

const ours = await schemasOf(loadEnvelopeSchema());

/** All that a message says, whether it is a plain object or reads from columns. */
export function seen(message: Message) {
  if (message.kind === 'dead_letter') return message;
  const { kind, offset } = message;
  const note = message.kind === 'billable' ? message : message.session;
  if (note === undefined) return { kind, offset };
  const { sessionId, accountId, attributes, eventUs } = note;
  const session = {
    ...{ kind, offset, sessionId, accountId, attributes: { ...attributes }, eventUs },
    measured: measuredOf(message),
  };
  if (message.kind === 'ignored') return session;
  const { schemaId, metricType, provider, model, requestId } = message;
  const { identityHigh, identityLow, fingerprintHigh, fingerprintLow } = message;
  return {
    ...session,
    ...{ schemaId, metricType, provider, model, requestId, values: valuesOf(message) },
    ...{ identityHigh, identityLow, fingerprintHigh, fingerprintLow },
    written: writtenRequestId(message),
  };
}

/** The request id as the ledger writes it. */
function writtenRequestId(message: BillableMessage): string | null | undefined {
  const { requestId } = message;
  const values = new BinaryValues(16);
  const array = values.array(OID.text, 1, () => {
    if (message.writeRequestId !== undefined) message.writeRequestId(values);
    else if (requestId === null) values.null();
    else values.text(requestId);
  });
  return elementsOf(array)[0];
}

export const readerOf = (cache: SchemaCache) => (id: number) => {
  const entry = cache.get(id);
  return entry && columnarSchemaOf(entry)?.reader;
};

/** An arena whose memory was used before. */
export function usedArena(): Arena {
  const memory = new SharedArrayBuffer(4_096);
  new Uint8Array(memory).fill(0xa5);
  return new Arena(memory, 8);
}

/** The message of the fast path, which must be that of the reference; `undefined`: it declines. */
export function agreed(
  value: Buffer | null,
  cache: SchemaCache = ours,
  fields: { key?: Buffer | null; headers?: Record<string, Buffer> } = {},
) {
  // Not alone in its memory, and not at its beginning.
  const neighbours = [Buffer.alloc(3, 0xff), value, Buffer.alloc(3, 0xff)];
  const timestamp = 1_760_000_000_000;
  const block = RecordBlock.of(
    neighbours.map((bytes, offset) => ({ offset, timestamp, key: null, value: bytes, ...fields })),
  );
  block.columns = readAhead(block, readerOf(cache), usedArena());
  const reference = new AvroDecoder(cache);
  const fast = new ColumnarDecoder(cache, reference).tryDecode(block, 1);
  if (fast === undefined) return undefined;
  const said = seen(fast);
  expect(said).toEqual(seen(reference.decode(block, 1)));
  return said;
}

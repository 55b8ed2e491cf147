import avro from 'avsc';
import { AvroDecoder } from '../../src/decode/avro/avro-decoder.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import { ColumnarDecoder } from '../../src/decode/columnar/columnar-decoder.ts';
import { billedCountOf, measuredFieldsOf } from '../../src/livekit/measured-fields.ts';
import { COLUMNS_OF } from '../../src/livekit/usage-of.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import type { ConsumedRecord } from '../../src/records/consumed-record.ts';
import type { BillableMessage, Message } from '../../src/records/message.ts';
import { RecordBlock } from '../../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { metricRecordName, NAMESPACE } from '../../src/schemas/metric-records.ts';

const SCHEMA_ID = 7;
const schema = loadEnvelopeSchema();
const writer = avro.Type.forSchema(schema as avro.Schema);
const schemas = new SchemaCache(async () => ({ found: true, schema }));
await schemas.load([SCHEMA_ID]);

/** An event as it lies on a topic, without a registry. */
export function encoded(event: EventInput): Buffer {
  const { type, ...fields } = event.metric;
  const payload = writer.toBuffer({
    session_id: event.session_id,
    account_id: event.account_id ?? null,
    attributes: event.attributes ?? {},
    metric: { [`${NAMESPACE}.${metricRecordName(type)}`]: fields },
  });
  const header = Buffer.alloc(5);
  header.writeUInt32BE(SCHEMA_ID, 1);
  return Buffer.concat([header, payload]);
}

export function recordOf(offset: number, value: Buffer | null): ConsumedRecord {
  return { offset, timestamp: 1_760_000_000_000, key: null, value, headers: {} };
}

/** What the worker makes of a record, packed as it waits in memory. */
export function prepareRecord(record: ConsumedRecord, cache: SchemaCache): Message {
  return new ColumnarDecoder(cache, new AvroDecoder(cache)).decode(RecordBlock.of([record]), 0);
}

/** All that a message adds to the columns of its type. */
export function valuesOf(message: Message): number[] {
  if (message.kind !== 'billable') throw new Error(`the message is ${message.kind}`);
  const { metricType, values, valuesFrom } = message;
  return COLUMNS_OF[metricType].map((_, i) => values[valuesFrom + i] as number);
}

/** All that a message measures of its call; `undefined`: its type measures nothing. */
export function measuredOf(message: Message): number[] | undefined {
  if (message.kind === 'dead_letter') return undefined;
  const measured = message.kind === 'billable' ? message : message.measured;
  if (measured === undefined) return undefined;
  const { metricType, values, valuesFrom } = measured;
  const from = valuesFrom + billedCountOf(metricType);
  return measuredFieldsOf(metricType).map((_, i) => values[from + i] as number);
}

/** The whole metric of a message, as the ledger asks for it. */
export const decodedAgain = (message: BillableMessage) =>
  new AvroDecoder(schemas).metricOf(message);

/** An event at an offset, as the ledger is given it. */
export function messageAt(offset: number, value: Buffer | null): Message {
  return prepareRecord(recordOf(offset, value), schemas);
}

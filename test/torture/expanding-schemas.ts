/** A writer's schema, with the bytes of a message that makes it expand. */
export interface Expanding {
  readonly schema: object;
  readonly payload: Buffer;
}

const DOUBLINGS = 45;
const BRANCHES = 3_000;
/** 2^40, as Avro writes a long. */
const MANY = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);

/** Schemas that anybody may register, and that cost whoever reads with them far more than bytes. */
export function expandingSchemas(): Expanding[] {
  return [
    { schema: envelope({ type: 'array', items: 'null' }), payload: MANY },
    { schema: envelope(doubled(DOUBLINGS)), payload: Buffer.alloc(0) },
    {
      schema: envelope(Array.from({ length: BRANCHES }, (_, i) => record(`B${i}`, 'null'))),
      payload: Buffer.from([0]),
    },
  ];
}

export function framed(schemaId: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, payload]);
}

/** With a field before all others that we do not know; the rest of the message is missing. */
function envelope(type: unknown): object {
  return {
    type: 'record',
    name: 'AgentMetricsEvent',
    namespace: 'usage_ledger',
    fields: [
      { name: 'expanding', type },
      { name: 'session_id', type: 'string' },
    ],
  };
}

/** A record of two records of two records and so on, which together take no byte. */
function doubled(times: number): unknown {
  if (times === 0) return record('D0', 'null');
  return {
    type: 'record',
    name: `D${times}`,
    fields: [
      { name: 'a', type: doubled(times - 1) },
      { name: 'b', type: `D${times - 1}` },
    ],
  };
}

function record(name: string, type: unknown): object {
  return { type: 'record', name, fields: [{ name: 'a', type }] };
}

import { expect, test } from 'vitest';
import type { EventInput } from '../../src/produce/encoder.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { framed } from '../decode/avro/wire.ts';
import { encoded } from '../support/messages.ts';
import { breaks, calls, newWorld } from '../support/world.ts';

const billable = calls.events.filter(({ metric }) => metric.type === 'llm_metrics');

/** Registers a schema as any producer may. */
async function register(url: string, subject: string, schema: unknown): Promise<number> {
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  const { id } = (await response.json()) as { id: number };
  expect(response.status).toBe(200);
  return id;
}

// The registry takes both, and Java writes with them: every message of the first was `undecodable`,
// and the second kept the worker busy for ever.
test('a default that is not of the first branch, and a schema made to exhaust the parser, do no harm', async () => {
  const world = await newWorld(1);
  try {
    const url = String(world.env['SCHEMA_REGISTRY_URL']);
    const lenient = loadEnvelopeSchema() as unknown as { fields: Record<string, unknown>[] };
    lenient.fields.push({ name: 'note', type: ['string', 'null'], default: null });
    let nothing: unknown = { type: 'record', name: 'N0', fields: [] };
    for (let i = 1; i <= 45; i += 1) {
      const fields = [
        { name: 'a', type: nothing },
        { name: 'b', type: `N${i - 1}` },
      ];
      nothing = { type: 'record', name: `N${i}`, fields };
    }
    const bomb = loadEnvelopeSchema() as unknown as { fields: Record<string, unknown>[] };
    bomb.fields.push({ name: 'bomb', type: nothing });
    const ids = [
      await register(url, `${world.topic}-lenient`, lenient),
      await register(url, `${world.topic}-bomb`, bomb),
    ];
    const [first, second, third] = billable as [EventInput, EventInput, EventInput];
    const payload = (event: EventInput) => encoded(event).subarray(5);
    const note = Buffer.from([0, 2, 0x78]);
    await world.send([
      { key: null, value: framed(Buffer.concat([payload(first), note]), ids[0]), partition: 0 },
      { key: null, value: framed(payload(second), ids[1]), partition: 0 },
      ...(await world.encode([third])),
    ]);

    const { counts } = await world.run();

    expect(counts).toMatchObject({ applied: 3, dead_letter: 0 });
    expect(await breaks(world.database)).toEqual([]);
  } finally {
    await world.close();
  }
});

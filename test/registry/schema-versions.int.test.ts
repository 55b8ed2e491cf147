import avro from 'avsc';
import { expect, test } from 'vitest';
import { Cursor } from '../../src/decode/avro/cursor.ts';
import { parseSchema } from '../../src/decode/avro/parse-schema.ts';
import { Resolver } from '../../src/decode/avro/resolve.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import { checkCompatibility, registerSchema, subjectOf } from '../../src/registry/subjects.ts';
import { loadMetricSchema } from '../../src/schemas/load.ts';
import { metricRecordName, NAMESPACE } from '../../src/schemas/metric-records.ts';
import { framed, written } from '../decode/avro/wire.ts';
import { llm, stt } from '../identify/samples.ts';
import { schemaV1 } from '../support/schemas-v1.ts';
import { breaks, calls, differencesFromPython, laterCalls, newWorld } from '../support/world.ts';

const json = { 'content-type': 'application/vnd.schemaregistry.v1+json' };

/** Registers a schema as a producer of the version before does. */
async function register(url: string, subject: string, schema: unknown): Promise<number> {
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { id: number }).id;
}

const v1 = avro.Type.forSchema(schemaV1() as avro.Schema);

function encodedV1(
  { session_id, account_id = null, metric }: EventInput,
  schemaId: number,
): Buffer {
  const { type, ...fields } = metric;
  const branch = { [`${NAMESPACE}.${metricRecordName(type)}`]: fields };
  return framed(v1.toBuffer({ session_id, account_id, attributes: {}, metric: branch }), schemaId);
}

test('our schema is the next version of the one before, BACKWARD_TRANSITIVE', async () => {
  const world = await newWorld(1);
  try {
    const url = String(world.env['SCHEMA_REGISTRY_URL']);
    const topic = `${world.topic}-versions`;
    await fetch(`${url}/config/${subjectOf(topic)}`, {
      method: 'PUT',
      headers: json,
      body: JSON.stringify({ compatibility: 'BACKWARD_TRANSITIVE' }),
    });
    const first = await register(url, subjectOf(topic), schemaV1());
    expect(await checkCompatibility(world.settings, topic)).toMatchObject({ compatible: true });
    const second = await registerSchema(createRegistry(world.settings), world.settings, topic);
    expect(second).not.toBe(first);
  } finally {
    await world.close();
  }
});

test('producers of both versions at once: each event is billed once, whoever sends it', async () => {
  const world = await newWorld(3);
  try {
    const url = String(world.env['SCHEMA_REGISTRY_URL']);
    const id = await register(url, `${world.topic}-v1`, schemaV1());
    const today = await world.encode(calls.events);
    await world.send(
      calls.events.flatMap((event, i) => {
        const before = { key: event.session_id, value: encodedV1(event, id) };
        const both = [before, ...today.slice(i, i + 1)];
        // Of every third event both versions come, in either order.
        if (i % 3 === 0) return i % 2 === 0 ? both : both.reverse();
        return both.slice(i % 2, (i % 2) + 1);
      }),
    );
    const { counts } = await world.run();
    expect(counts).toMatchObject({ applied: 2032, conflict: 0, dead_letter: 0 });
    expect(counts.duplicate).toBeGreaterThan(600);
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  } finally {
    await world.close();
  }
});

test('a reader of the version before reads the events of today, without the fields that it lacks', () => {
  const known = new Set(['LLMMetrics', 'STTMetrics', 'TTSMetrics', 'RealtimeModelMetrics']);
  const metrics = [...laterCalls.events.map(({ metric }) => metric), llm(), stt()];
  for (const metric of metrics) {
    const record = metricRecordName(metric.type) as 'LLMMetrics';
    if (!known.has(record)) continue;
    const { type: _, ...fields } = metric;
    const writer = loadMetricSchema(record);
    const ours = schemaV1(record);
    const read = new Resolver(ours).record(ours, parseSchema(writer));
    const seen = read(new Cursor(written(writer, fields), 0)) as object;
    const names = ours.fields.map(({ name }) => name);
    expect(Object.keys(seen)).toEqual(names);
    expect(fields).toMatchObject(seen);
  }
});

import { CompressionTypes } from 'kafkajs';
import { expandingSchemas, framed } from '../expanding-schemas.ts';
import type { Fault, Scene } from './scene.ts';

const FEW = 5;
/** Packed it is what brokers take, unpacked it is more than a worker may hold. */
const BOMB_BYTES = 200_000_000;
const NANOSECONDS = '1760000000000000000';

/** Messages and schemas made to use up memory or time. None is billed; what follows them is. */
export const EXHAUSTING_FAULTS = {
  'events have floods of attributes': async (scene) => {
    const { fleeting, random } = scene;
    for (let i = 0; i < FEW; i += 1) {
      const attributes: Record<string, string> = {};
      for (let n = 0; n < 20_000; n += 1) attributes[`${random.hex(8)}-${n}`] = '';
      await fleeting.sendIgnored(attributes);
    }
    await continues(scene);
  },

  'schemas expand': async (scene) => {
    const { fleeting, registry } = scene;
    for (const { schema, payload } of expandingSchemas()) {
      const id = await registered(registry.url, schema);
      await fleeting.sendRaw({ key: null, value: framed(id, payload) });
    }
    await continues(scene);
  },

  'a message expands': async (scene) => {
    const { fleeting } = scene;
    const value = Buffer.alloc(BOMB_BYTES);
    await fleeting.sendRaw({ key: null, value }, CompressionTypes.GZIP);
    await scene.advance();
    // Its partition may be halted: an operator then deletes the topic.
    await fleeting.delete();
    await fleeting.create();
    await fleeting.send(FEW);
    await fleeting.acceptLosses();
  },

  'a record has a time that no calendar has': async (scene) => {
    const message = { key: null, value: Buffer.from('no event'), timestamp: NANOSECONDS };
    await scene.fleeting.sendRaw(message);
    await continues(scene);
  },
} as const satisfies Record<string, Fault>;

async function continues({ fleeting, advance }: Scene): Promise<void> {
  await advance();
  await fleeting.send(FEW);
  await fleeting.isBooked();
}

async function registered(registryUrl: string, schema: object): Promise<number> {
  const response = await fetch(`${registryUrl}/subjects/torture-expanding/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`the registry answered ${response.status}: ${body}`);
  return (JSON.parse(body) as { id: number }).id;
}

import { describe, expect, test } from 'vitest';
import { type SchemaAnswer, SchemaCache } from '../../../src/decode/avro/schema-cache.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';

const found: SchemaAnswer = { found: true, schema: loadEnvelopeSchema() };
const missing: SchemaAnswer = { found: false, reason: 'unknown_schema', detail: 'HTTP 404' };

/** A registry that answers as scripted, and the ids that it was asked for. */
function registryThat(answer: (id: number, ask: number) => SchemaAnswer) {
  const asked: number[] = [];
  const clock = { now: 1_000_000 };
  const cache = new SchemaCache(
    async (id) => {
      asked.push(id);
      return answer(id, asked.length);
    },
    () => clock.now,
  );
  return { cache, asked, clock };
}

describe('a schema that the registry has', () => {
  test('is asked for once, and its reader is kept for good', async () => {
    const { cache, asked, clock } = registryThat(() => found);
    expect(cache.get(1)).toBeUndefined();
    await cache.load([1, 1]);
    const entry = cache.get(1);
    clock.now += 10 * 365 * 86_400_000;
    await cache.load([1]);
    expect(entry?.reader).toBeTypeOf('function');
    expect(cache.get(1)).toBe(entry);
    expect(asked).toEqual([1]);
  });

  test('is kept as undecodable when it cannot be resolved to ours', async () => {
    const { cache } = registryThat(() => ({ found: true, schema: { type: 'nonsense' } }));
    await cache.load([1]);
    expect(cache.get(1)).toMatchObject({
      reader: undefined,
      reason: 'undecodable',
      detail: expect.stringContaining('the schema cannot be resolved to ours'),
    });
  });
});

test('one fetch at a time for each id, whoever waits for it', async () => {
  const answers = new Map<number, (answer: SchemaAnswer) => void>();
  let fetches = 0;
  const cache = new SchemaCache((id) => {
    fetches += 1;
    return new Promise((resolve) => answers.set(id, resolve));
  });
  const loads = [cache.load([1]), cache.load([1, 2]), cache.load([2])];
  expect(fetches).toBe(2);
  expect(cache.get(1)).toBeUndefined();
  answers.get(1)?.(found);
  answers.get(2)?.(missing);
  await Promise.all(loads);
  expect(fetches).toBe(2);
  expect(cache.get(2)?.reader).toBeUndefined();
});

describe('a "no"', () => {
  test('is believed for half a minute, then asked for again', async () => {
    const { cache, asked, clock } = registryThat((_, ask) => (ask === 1 ? missing : found));
    await cache.load([1]);
    expect(cache.get(1)).toMatchObject({ reader: undefined, reason: 'unknown_schema' });
    clock.now += 29_999;
    await cache.load([1]);
    expect(asked).toEqual([1]);
    clock.now += 1;
    await cache.load([1]);
    expect(asked).toEqual([1, 1]);
    expect(cache.get(1)?.reader).toBeTypeOf('function');
  });

  // A batch that was loaded in the last moment of a "no" once stopped the worker as a bug.
  test('that runs out while a batch is prepared still answers for that batch', async () => {
    const { cache, clock } = registryThat(() => missing);
    await cache.load([1]);
    clock.now += 29_999;
    await cache.load([1]);
    clock.now += 10_000;
    expect(cache.get(1)).toMatchObject({ reason: 'unknown_schema' });
  });

  test('is not forgotten while a load is under way, be it one of 20,000 unknown ids', async () => {
    const { cache } = registryThat(() => missing);
    const ids = Array.from({ length: 20_000 }, (_, i) => i + 1);
    await cache.load(ids);
    expect(ids.filter((id) => cache.get(id) === undefined)).toEqual([]);
  });

  // A registry that took 5 ms for each id outlasted the half minute for which a "no" is believed:
  // the first answers were dropped while the last were loaded, and decoding threw.
  test('is there when the load has ended, be it as slow as it likes', async () => {
    const clock = { now: 0 };
    const cache = new SchemaCache(
      async () => {
        clock.now += 5;
        return missing;
      },
      () => clock.now,
    );
    const ids = Array.from({ length: 20_000 }, (_, i) => i + 1);
    const entries = await cache.load(ids);
    expect(clock.now).toBe(100_000);
    expect(ids.filter((id) => cache.get(id) === undefined)).toEqual([]);
    expect(ids.filter((id) => entries.get(id) === undefined)).toEqual([]);
  });

  test('stays with the batch that loaded it, whatever others load meanwhile', async () => {
    const { cache, clock } = registryThat(() => missing);
    const mine = await cache.load([1]);
    const known = cache.known([1]);
    clock.now += 120_000;
    await cache.load(Array.from({ length: 20_000 }, (_, i) => i + 2));
    await cache.load([30_000]);
    expect(mine.get(1)).toMatchObject({ reason: 'unknown_schema' });
    expect(known?.get(1)).toMatchObject({ reason: 'unknown_schema' });
  });

  test('is forgotten in the end, when there are many', async () => {
    const { cache, clock } = registryThat(() => missing);
    await cache.load(Array.from({ length: 10_000 }, (_, i) => i + 1));
    expect(cache.known([1, 10_000])).toBeDefined();
    clock.now += 60_000;
    expect(cache.known([1])).toBeUndefined();
    await cache.load([20_000]);
    expect(cache.get(1)).toBeUndefined();
    expect(cache.get(20_000)).toBeDefined();
  });
});

describe('no answer', () => {
  test('is thrown, and asked for again by the next load', async () => {
    const { cache, asked } = registryThat((_, ask) => {
      if (ask === 1) throw new Error('connect ECONNREFUSED');
      return found;
    });
    await expect(cache.load([1])).rejects.toThrow('ECONNREFUSED');
    expect(cache.get(1)).toBeUndefined();
    await cache.load([1]);
    expect(cache.get(1)?.reader).toBeTypeOf('function');
    expect(asked).toEqual([1, 1]);
  });

  test('for one id does not cost what was learnt of the others', async () => {
    const { cache, asked } = registryThat((id) => {
      if (id === 2) throw new Error('HTTP 503');
      return found;
    });
    await expect(cache.load([1, 2, 3])).rejects.toThrow('HTTP 503');
    await cache.load([1, 3]);
    expect(asked).toEqual([1, 2, 3]);
  });
});

test('no registry is asked for an id that none gives out', async () => {
  const { cache, asked } = registryThat(() => found);
  await cache.load([0, 0x8000_0000, 0xffff_ffff]);
  expect(asked).toEqual([]);
  expect(cache.get(0x8000_0000)).toMatchObject({
    reason: 'unknown_schema',
    detail: '2147483648 is not a schema id',
  });
});

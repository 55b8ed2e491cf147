import { expect, test } from 'vitest';
import { SourceIds } from '../../src/ledger/source-ids.ts';
import { SourceNames } from '../../src/ledger/source-names.ts';
import type { Database } from '../../src/postgres/database.ts';
import { llm } from '../identify/samples.ts';
import { elementsOf } from '../support/binary-array.ts';
import { billable } from './messages.ts';

/** A database in which the number of a model is what follows its dash. */
function numbering() {
  const asked: string[] = [];
  const query = async ({ name, values }: { name: string; values: Buffer[] }) => {
    if (name !== 'read_sources') return { rows: [], command: 'COMMIT' };
    const [types, providers, models] = values.map((array) => elementsOf(array).map(String));
    asked.push(...(models ?? []));
    const rows = (models ?? []).map((model, i) => ({
      source_id: Number(model.split('-').at(-1)),
      metric_type: types?.[i],
      provider: providers?.[i],
      model,
    }));
    return { rows };
  };
  const connection = { release() {}, query };
  const database = { connect: async () => connection, begin: async () => {}, noteError() {} };
  return { asked, sources: new SourceIds(database as unknown as Database) };
}

const eventOf = (model: string) =>
  billable(llm({ metadata: { model_name: model, model_provider: 'openai' } }));
const sessionsOf = (...models: string[]) => [{ billable: models.map(eventOf) }];

test('names are read once, and each that a batch uses is listed once', async () => {
  const { asked, sources } = numbering();
  await sources.prepare(sessionsOf('m-1', 'm-2', 'm-1'));
  const batch = await sources.prepare(sessionsOf('m-2', 'm-1', 'm-2', 'm-3'));
  expect(asked).toEqual(['m-1', 'm-2', 'm-3']);
  expect(batch.used.map(({ id }) => id)).toEqual([2, 1, 3]);
  expect(batch.idOf(eventOf('m-3'))).toBe(3);
});

test('the cache is cleared when there are too many names, but not for a batch that uses it', async () => {
  const { asked, sources } = numbering();
  const first = await sources.prepare(sessionsOf('m-1'));
  for (let batch = 0; batch < 6; batch += 1) {
    const models = Array.from(
      { length: 2_000 },
      (_, i) => `model-of-a-customer-${batch * 2_000 + i}`,
    );
    const prepared = await sources.prepare(sessionsOf(...models));
    expect(prepared.used).toHaveLength(2_000);
    expect(prepared.idOf(eventOf(models[7] ?? ''))).toBe(batch * 2_000 + 7);
  }
  expect(first.idOf(eventOf('m-1'))).toBe(1);
  await sources.prepare(sessionsOf('m-1'));
  expect(asked.filter((model) => model === 'm-1')).toHaveLength(2);
});

test('a cached name keeps its number: a batch writes the one that it compared', () => {
  const names = new SourceNames();
  const known = { metricType: 'llm_metrics', provider: 'p', model: 'm', id: 1 };
  names.add(known);
  names.add({ ...known, id: 2 });
  expect(names.find({ metricType: 'llm_metrics', provider: 'p', model: 'm' })?.id).toBe(1);
});

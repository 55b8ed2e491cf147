import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importPrices } from '../../src/prices/import-prices.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { llm, realtime, stt, tts } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

const DOCS = resolve(import.meta.dirname, '../../docs');
const page = readFileSync(resolve(DOCS, 'billing.md'), 'utf8');

type Row = Record<string, string>;

/** Worked examples: a heading, a table of usage, a table of costs. */
const [worked = ''] = page.split('## Worked examples')[1]?.split('\n## ') ?? [];
const examples = worked
  .split('\n### ')
  .slice(1)
  .map((section) => {
    const [usage = [], costs = []] = section.split('\n\n').filter(isTable).map(rowsOf);
    return [section.split('\n')[0] ?? '', usage, costs] as const;
  });
const queries = [...page.matchAll(/\n([^\n]+):\n\n```sql\n([\s\S]+?)```/g)].map(
  ([, title = '', sql = '']) => [title, sql] as const,
);

function isTable(block: string): boolean {
  return block.trimStart().startsWith('| ');
}

function rowsOf(table: string): Row[] {
  const [head = [], , ...body] = table.trim().split('\n').map(cellsOf);
  return body.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ''])));
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
  const file = readFileSync(resolve(DOCS, 'examples/prices.csv'), 'utf8');
  await importPrices(world.database, file);
  const partition = await world.partition(0);
  const events = examples.flatMap(([title, usage]) =>
    usage.map((row, i) => encoded(eventOf(title, row, i))),
  );
  await partition.book(
    world.ledger(),
    events.map((value) => (offset) => messageAt(offset, value)),
  );
});
afterAll(async () => {
  await world.close();
});

/** The event of a line of usage. */
function eventOf(session: string, row: Row, i: number): EventInput {
  const { usage_type, model = '', event_at = '', usage = '' } = row;
  const columns = Object.fromEntries(usage.split(', ').map((item) => item.split(' ')));
  const n = (name: string) => Number(columns[name] ?? 0);
  const common = {
    timestamp: Date.parse(event_at) / 1_000,
    request_id: `request ${i}`,
    metadata: { model_provider: 'example', model_name: model },
  };
  const isRealtime = model.startsWith('voice');
  const metric =
    usage_type === 'stt_usage'
      ? stt({ ...common, audio_duration: n('audio_duration') })
      : usage_type === 'tts_usage'
        ? tts({
            ...common,
            characters_count: n('characters_count'),
            audio_duration: n('audio_duration'),
          })
        : isRealtime
          ? realtime({
              ...common,
              input_tokens: n('input_tokens'),
              output_tokens: n('output_tokens'),
              input_token_details: {
                audio_tokens: n('input_audio_tokens'),
                text_tokens: n('input_text_tokens'),
                image_tokens: 0,
                cached_tokens: n('input_cached_tokens'),
                cached_tokens_details: {
                  audio_tokens: n('input_cached_audio_tokens'),
                  text_tokens: n('input_cached_text_tokens'),
                  image_tokens: 0,
                },
              },
              output_token_details: {
                audio_tokens: n('output_audio_tokens'),
                text_tokens: n('output_text_tokens'),
                image_tokens: 0,
              },
            })
          : llm({
              ...common,
              prompt_tokens: n('input_tokens'),
              prompt_cached_tokens: n('input_cached_tokens'),
              cache_creation_tokens: n('input_cache_creation_tokens'),
              completion_tokens: n('output_tokens'),
              reasoning_tokens: n('output_reasoning_tokens'),
            });
  return { session_id: session, account_id: 'acme', metric };
}

describe('a worked example of docs/billing.md', () => {
  test.each(examples)('%s', async (title, _, costs) => {
    const columns = Object.keys(costs[0] ?? {});
    const view = columns.includes('day') ? 'session_daily_cost' : 'session_cost';
    const { rows } = await world.database.query(
      `SELECT ${columns.map((name) => `${name}::text`).join(', ')} FROM ${view} AS c
        WHERE session_id = $1
        ORDER BY ${columns.includes('day') ? 'c.day, ' : ''}c.dimension, c.cost`,
      [title],
    );

    expect(rows).toEqual(costs);
  });

  test('there are ten', () => {
    expect(examples).toHaveLength(10);
  });
});

describe('a query of docs/billing.md', () => {
  test.each(queries)('%s', async (_, sql) => {
    const { fields } = await world.database.query(sql);
    expect(fields.length).toBeGreaterThan(1);
  });

  test('more billed than used is found in the examples that say so', async () => {
    const [, sql = ''] = queries.find(([title]) => title.includes('more input is billed')) ?? [];
    const { rows } = await world.database.query(sql);
    expect(rows.map(({ session_id, used, billed }) => [session_id, used, billed])).toEqual([
      ['More cached than there is input', '100', '400'],
      ['Cached tokens of unknown kind', '100', '130'],
      ['Details that exceed the total', '100', '120'],
    ]);
  });

  test('there are sixteen', () => {
    expect(queries).toHaveLength(16);
  });
});

test('the parts of docs/billing.md are those of usage_part', async () => {
  const { rows } = await world.database.query(
    'SELECT dimension, takes FROM usage_part ORDER BY part',
  );
  expect(rows).toHaveLength(18);
  for (const { dimension, takes } of rows) expect(takes[0]).toBe(dimension);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { llm } from '../identify/samples.ts';
import { cli } from '../support/cli.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

const HEADER = 'usage_type,provider,model,dimension,unit_price,per,currency,valid_from,valid_to';

let world: LedgerWorld;
let directory: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  world = await newLedgerWorld();
  env = { DATABASE_URL: world.settings.DATABASE_URL };
  directory = await mkdtemp(join(tmpdir(), 'prices-'));
});
afterEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

async function imported(...lines: string[]) {
  const file = join(directory, 'prices.csv');
  await writeFile(file, [HEADER, ...lines, ''].join('\n'));
  return await cli(['prices', 'import', file], env);
}

const INPUT = 'llm_usage,provider,mod*,input_tokens,2.50,1000000,USD,2025-01-01,';
const OUTPUT = 'llm_usage,provider,mod*,output_tokens,10,1000000,USD,2025-01-01,';

test('the same file twice changes nothing, and a changed price ends the one before', async () => {
  expect(await imported(INPUT, OUTPUT)).toMatchObject({
    code: 0,
    stdout: '2 added, 0 ended, 0 unchanged\n',
  });
  expect(await imported(INPUT, OUTPUT)).toMatchObject({
    code: 0,
    stdout: '0 added, 0 ended, 2 unchanged\n',
  });
  const changed = INPUT.replace('2.50', '0.1234567890123456789').replace('2025', '2026');
  expect(await imported(INPUT, changed)).toMatchObject({
    code: 0,
    stdout: '1 added, 1 ended, 0 unchanged\n',
  });

  const { code, stdout } = await cli(['prices', 'list', '--json'], env);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([
    { dimension: 'input_tokens', unit_price: '2.5', valid_to: '2026-01-01T00:00:00.000Z' },
    { dimension: 'input_tokens', unit_price: '0.1234567890123456789', valid_to: null },
    { dimension: 'output_tokens', unit_price: '10', per: '1000000', currency: 'USD' },
  ]);
});

test('of a file with a bad line nothing is imported, and every bad line is named', async () => {
  const { code, stdout, stderr } = await imported(
    INPUT,
    INPUT.replace('2.50', '2,50'),
    OUTPUT.replace('USD', 'usd').replace('1000000', '0'),
  );
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/line 3: has 10 fields; expected 9/);
  expect(stderr).toMatch(/line 4: currency "usd"/);
  expect(stderr).toMatch(/line 4: per "0"/);
  expect(await cli(['prices', 'list'], env)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^no prices yet/),
  });
});

test('a file of JSON is imported, with every digit of its numbers', async () => {
  const file = join(directory, 'prices.json');
  await writeFile(
    file,
    `[{"usage_type": "stt_usage", "provider": "", "model": "", "dimension": "audio_duration",
      "unit_price": 0.00000000000000000123, "per": 60, "currency": "EUR",
      "valid_from": "2026-01-01T00:00:00Z", "valid_to": null}]`,
  );
  const { code, stdout } = await cli(['prices', 'import', file, '--json'], env);
  expect({ code, result: JSON.parse(stdout) }).toEqual({
    code: 0,
    result: { added: 1, ended: 0, unchanged: 0 },
  });
  const { rows } = await world.database.query(
    'SELECT unit_price::text, per::text FROM model_price',
  );
  expect(rows).toEqual([{ unit_price: '0.00000000000000000123', per: '60' }]);
});

test('a file that does not exist is named', async () => {
  const { code, stderr } = await cli(['prices', 'import', '/no/such/file'], env);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^usage-ledger: \/no\/such\/file: ENOENT/);
});

test('check finds usage without a price, ambiguous patterns, and prices that are not used', async () => {
  const partition = await world.partition(0);
  const value = encoded({ session_id: 'call', metric: llm({ prompt_cached_tokens: 0 }) });
  await partition.book(world.ledger(), [(offset) => messageAt(offset, value)]);
  const other = INPUT.replace('mod*', '*del').replace('2.50', '3');
  const ended = OUTPUT.replace('mod*', 'old').concat('2025-02-01');
  expect(await imported(INPUT, other, ended)).toMatchObject({ code: 0 });

  const found = await cli(['prices', 'check', '--json'], env);

  expect(found.code).toBe(1);
  expect(found.stderr).toMatch(/usage without a price: 1 kinds/);
  expect(JSON.parse(found.stdout)).toMatchObject({
    ok: false,
    unpriced: [{ model: 'model', dimension: 'output_tokens', quantity: '10', sessions: 1 }],
    ambiguous: [{ model: 'model', used: '*del', ignored: 'mod*' }],
    expired: [{ model: 'old' }],
    unused: [{ model: 'mod*' }, { model: 'old' }],
  });
  const { rows } = await world.database.query('SELECT unit_price FROM session_cost');
  expect(rows).toEqual([{ unit_price: '3' }]);

  await imported(OUTPUT);
  const checked = await cli(['prices', 'check'], env);
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  expect(checked.stdout).toMatch(/of "\*del" and "mod\*" the first is used/);
  expect(checked.stdout).toMatch(/all usage has a price\n$/);
});

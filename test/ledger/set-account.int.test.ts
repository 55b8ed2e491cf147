import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { setAccount } from '../../src/ledger/set-account.ts';
import { verify } from '../../src/verify/verify.ts';
import { llm } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
});

const eventOf = (account_id: string | null, request_id: string) => (offset: number) =>
  messageAt(offset, encoded({ session_id: 'call', account_id, metric: llm({ request_id }) }));

async function query(text: string): Promise<Record<string, unknown>[]> {
  return (await world.database.query(text)).rows;
}
const accountOf = async () => (await query('SELECT account_id FROM session'))[0]?.['account_id'];

test('the account of a session is set, and recorded with who and why', async () => {
  const partition = await world.partition(0);
  await partition.book(world.ledger(), [eventOf('wrong', 'one')]);
  const change = await setAccount(world.database, 'call', 'right', 'a typo of the agent');
  expect(await accountOf()).toBe('right');
  const [{ session_user: user } = {}] = await query('SELECT session_user');
  expect(change).toMatchObject({
    account_before: 'wrong',
    account_after: 'right',
    reason: 'a typo of the agent',
    decided_by: user,
  });
  expect(await query('SELECT * FROM session_account_change')).toEqual([change]);
  expect(await query('SELECT session_id FROM session_change')).toEqual([{ session_id: 'call' }]);
  expect((await verify(world.database)).breaks).toEqual([]);
});

test('no later event changes it, of a worker that has the session cached or of another one', async () => {
  const partition = await world.partition(0);
  const [cached, another] = [world.ledger(), world.ledger()];
  await partition.book(cached, [eventOf('wrong', 'one')]);
  await setAccount(world.database, 'call', 'right', null);
  expect(await partition.book(cached, [eventOf('wrong', 'two')])).toMatchObject({
    counts: { applied: 1 },
    otherAccounts: 1,
  });
  await partition.book(another, [eventOf('wrong', 'three')]);
  expect(await accountOf()).toBe('right');
});

test('a session without an account gets it, and keeps it', async () => {
  const partition = await world.partition(0);
  const ledger = world.ledger();
  await partition.book(ledger, [eventOf(null, 'one')]);
  expect(await setAccount(world.database, 'call', 'right', null)).toMatchObject({
    account_before: null,
  });
  await partition.book(ledger, [eventOf('wrong', 'two')]);
  expect(await accountOf()).toBe('right');
});

test('a replay does not undo it', async () => {
  const partition = await world.partition(0);
  await partition.book(world.ledger(), [eventOf('wrong', 'one')]);
  await setAccount(world.database, 'call', 'right', null);
  const replay = await world.partition(0, 'replay');
  expect(await replay.book(world.ledger(), [eventOf('wrong', 'one')])).toMatchObject({
    counts: { duplicate: 1 },
  });
  expect(await accountOf()).toBe('right');
});

test('setting the account that it has changes and records nothing', async () => {
  const partition = await world.partition(0);
  await partition.book(world.ledger(), [eventOf('right', 'one')]);
  expect(await setAccount(world.database, 'call', 'right', null)).toBe(undefined);
  expect(await query('SELECT * FROM session_account_change')).toEqual([]);
});

test.each<[string, string, string, string | null]>([
  ['a session that is not known', 'nobody', 'right', null],
  ['no session', '', 'right', null],
  ['an account without a name', 'call', '', null],
  ['an account with U+0000', 'call', 'a\0', null],
  ['a session with U+0000', 'call\0', 'right', null],
  ['a reason that is half a character', 'call', 'right', '\ud800'],
])('%s is refused', async (_, session, account, reason) => {
  const partition = await world.partition(0);
  await partition.book(world.ledger(), [eventOf('wrong', 'one')]);
  const setting = setAccount(world.database, session, account, reason);
  await expect(setting).rejects.toMatchObject({ exitCode: 2 });
  expect(await accountOf()).toBe('wrong');
});

import { expect, test } from 'vitest';
import { positionsOf, rewind } from '../../src/ledger/positions.ts';
import { setPosition } from '../../src/ledger/set-position.ts';
import { fakeDatabase, positionRow } from '../support/fake-database.ts';

const where = { groupId: 'group', topic: 'calls', partition: 0 };
/** The log ended before position 10, and has grown over it since. */
const view = { earliest: 0, latest: 20, topicId: 'a' };

function halted() {
  const row = positionRow({ halt_kind: 'lost_offsets', halt_why: 'cut', halted_ms: '1' });
  return fakeDatabase({
    lock_position: () => [row],
    read_positions: () => [row],
    read_generations: () => [{ generation: 0, topic_id: 'a' }],
    add_generation: () => [{ generation: 1 }],
    begin_pass: () => [row],
    note_decision: () => [{ pass: 1 }],
  });
}

test('position set begins another generation of a log that was cut and has grown again', async () => {
  const { database, ran } = halted();
  await setPosition(database, where, view, 5, { skipUnread: false });
  expect(ran).toContain('add_generation');
});

test('a group that is set back begins another generation of a log that was cut', async () => {
  const { database, ran } = halted();
  const from = (await positionsOf(database, 'group', ['calls'])).get('calls/0');
  if (from === undefined) throw new Error('no position');
  await rewind(database, where, 5, from, view);
  expect(ran).toContain('add_generation');
});

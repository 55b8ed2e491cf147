import { haltOf } from '../../ledger/halt.ts';
import { positionsOf } from '../../ledger/positions.ts';
import { type Check, fail, ok, warn } from './finding.ts';

const GROUPS = `
  SELECT group_id, count(*)::int AS partitions FROM consumer_position
  WHERE topic = ANY ($1) GROUP BY group_id ORDER BY group_id`;

/** A group without positions reads everything again. Is its name the right one? */
export const positions: Check = {
  name: 'positions',
  after: 'schema',
  todo: 'run: usage-ledger position show',
  async run({ database, settings }) {
    const { KAFKA_GROUP_ID: group, KAFKA_TOPICS: topics } = settings;
    const { rows } = await database.query(GROUPS, [topics]);
    const own = rows.find(({ group_id: id }) => id === group);
    const others = rows.filter((row) => row !== own).map(({ group_id: id }) => `"${id}"`);
    if (own !== undefined) {
      const also = others.length === 0 ? '' : `; so have ${others.join(', ')}`;
      return [ok(group, `has positions in ${own.partitions} partitions${also}`)];
    }
    if (others.length === 0) return [ok(group, 'has no positions yet, nor has another group')];
    const found = `has no positions, but ${others.join(', ')} have: a worker reads everything again`;
    return [warn(group, found, 'check KAFKA_GROUP_ID')];
  },
};

/** Partitions that wait for a person. */
export const halts: Check = {
  name: 'halts',
  after: 'schema',
  todo: 'run: usage-ledger position show',
  async run({ database, settings }) {
    const { KAFKA_GROUP_ID: group, KAFKA_TOPICS: topics } = settings;
    const stored = await positionsOf(database, group, topics);
    const halted = [...stored].flatMap(([where, { halt }]) => {
      if (halt === undefined) return [];
      const [, topic = '', partition] = /^(.*)\/(\d+)$/.exec(where) ?? [];
      const at = { topic, partition: Number(partition) };
      const { why } = haltOf(halt.kind, at, halt.cause);
      const [found = '', ...todo] = why.split('; ');
      return [fail(where, `is halted: ${found}`, todo.join('; ') || this.todo)];
    });
    return halted.length > 0 ? halted : [ok('', 'no partition is halted')];
  },
};

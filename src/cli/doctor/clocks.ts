import { topicBounds, withAdmin } from '../../kafka/admin.ts';
import { createKafka } from '../../kafka/client.ts';
import { type Check, type Finding, ok, warn } from './finding.ts';

/** Longer than any network takes, and short against what is billed by the clock. */
const MOST_SKEW_MS = 5_000;
/** Records are dated by whoever sent them, or by the broker. */
const MOST_AHEAD_MS = 60_000;
const TODO = 'set the clocks: is NTP running on both?';

export const databaseClock: Check = {
  name: 'clock of the database',
  after: 'database',
  todo: TODO,
  async run({ database }) {
    const before = Date.now();
    const { rows } = await database.query(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms',
    );
    const skew = outsideOf(Number(rows[0].ms), before, Date.now());
    if (Math.abs(skew) <= MOST_SKEW_MS) return [ok('', 'agrees with this machine')];
    const seconds = (Math.abs(skew) / 1_000).toFixed(1);
    const found = `is ${seconds} s ${skew > 0 ? 'ahead of' : 'after'} this machine's`;
    return [warn('', found, TODO)];
  },
};

/** Kafka has no request for the time: what can be seen is a record from the future. */
export const recordClock: Check = {
  name: 'clock of the records',
  after: 'topics',
  todo: TODO,
  run({ settings, logger }) {
    return withAdmin(createKafka(settings, logger), async (admin) => {
      const findings: Finding[] = [];
      for (const topic of settings.KAFKA_TOPICS) {
        const future = Date.now() + MOST_AHEAD_MS;
        const found = await admin.fetchTopicOffsetsByTimestamp(topic, future);
        const bounds = await topicBounds(admin, topic);
        const ahead = found.filter(
          ({ partition, offset }) => Number(offset) < (bounds.get(partition)?.latest ?? 0),
        );
        if (ahead.length === 0) findings.push(ok(topic, 'has no records from the future'));
        for (const { partition, offset } of ahead) {
          const text = `offset ${offset} is dated more than a minute ahead of this machine's clock`;
          const todo = 'set the clocks of this machine, the brokers and what emits';
          findings.push(warn(`${topic}/${partition}`, text, todo));
        }
      }
      return findings;
    });
  },
};

/** How far a time is outside of a range; 0 within it. */
function outsideOf(time: number, from: number, to: number): number {
  if (time < from) return time - from;
  return time > to ? time - to : 0;
}

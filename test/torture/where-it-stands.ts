import type pg from 'pg';
import { createLogger } from '../../src/config/logger.ts';
import { createKafka } from '../../src/kafka/client.ts';
import type { World } from '../support/world.ts';

/** Positions, ends and what the database is busy with, for whoever reads of a failure. */
export async function whereItStands(world: World, observer: pg.Pool): Promise<string> {
  const admin = createKafka(world.settings, createLogger('silent')).admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(world.topic);
  const group = await admin.describeGroups([world.settings.KAFKA_GROUP_ID]);
  await admin.disconnect();
  const positions = await observer.query('SELECT * FROM consumer_position ORDER BY 2, 3');
  const sessions = await observer.query(
    `SELECT pid, state, wait_event_type, wait_event, now() - xact_start AS for, left(query, 120) AS query
     FROM pg_stat_activity WHERE application_name = 'usage-ledger'`,
  );
  const members = group.groups.map(({ state, members }) => ({
    state,
    members: members.map(({ clientId, memberId }) => `${clientId} ${memberId}`),
  }));
  return JSON.stringify(
    { ends, members, positions: positions.rows, sessions: sessions.rows },
    null,
    1,
  );
}

import { withAdmin } from '../../kafka/admin.ts';
import { createKafka } from '../../kafka/client.ts';
import { type Check, fail, ok } from './finding.ts';

/** A group that nobody is in has no protocol. */
const OURS = new Set(['', 'consumer']);

export const group: Check = {
  name: 'group',
  after: 'brokers',
  todo: 'check KAFKA_GROUP_ID, and that the user may read the group',
  async run({ settings, logger }) {
    const name = settings.KAFKA_GROUP_ID;
    const { groups } = await withAdmin(createKafka(settings, logger), (admin) =>
      admin.describeGroups([name]),
    );
    const members = groups[0]?.members.length ?? 0;
    const protocol = groups[0]?.protocolType ?? '';
    if (!OURS.has(protocol)) {
      const found = `is used for "${protocol}", not by consumers`;
      return [fail(name, found, 'choose another KAFKA_GROUP_ID')];
    }
    return [ok(name, members === 0 ? 'no worker is running' : `${members} workers are in it`)];
  },
};

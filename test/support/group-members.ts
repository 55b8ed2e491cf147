import { createLogger } from '../../src/config/logger.ts';
import type { Settings } from '../../src/config/settings.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { until } from './until.ts';

/** Who is in the group; a member that falls out comes back under another id. */
export async function membersOf(settings: Settings): Promise<readonly string[]> {
  let members: readonly string[] = [];
  await until('the group is stable', async () => {
    const { groups } = await withAdmin(createKafka(settings, createLogger('silent')), (admin) =>
      admin.describeGroups([settings.KAFKA_GROUP_ID]),
    );
    members = groups[0]?.members.map(({ memberId }) => memberId) ?? [];
    return groups[0]?.state === 'Stable';
  });
  return members;
}

import type { Kafka } from 'kafkajs';
import type { Settings } from '../../src/config/settings.ts';
import { messageOf } from '../../src/errors.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import type { Database } from '../../src/postgres/database.ts';
import { quoteIdentifier } from '../../src/postgres/session-settings.ts';
import { deleteSubject, subjectOf } from '../../src/registry/subjects.ts';

/**
 * Removes all that a demo made on services of others: group, topic, subject, database schema and
 * its roles.
 *
 * @returns a sentence for everything that could not be removed
 */
export async function removeTraces(
  settings: Settings,
  kafka: Kafka,
  database: Database,
): Promise<string[]> {
  const { KAFKA_GROUP_ID: group, KAFKA_TOPICS: topics, DATABASE_SCHEMA: schema } = settings;
  const left: string[] = [];
  const remove = async (what: string, work: () => Promise<unknown>) => {
    await work().catch((error: unknown) => {
      left.push(`${what} could not be removed: ${messageOf(error)}`);
    });
  };
  await remove(`group ${group}`, () => deleteGroup(kafka, group));
  for (const topic of topics) {
    await remove(`topic ${topic}`, () => deleteTopic(kafka, topic));
    await remove(`subject ${subjectOf(topic)}`, () => deleteSubject(settings, topic));
  }
  await remove(`schema ${schema}`, () =>
    database.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)} CASCADE`),
  );
  await remove('roles', async () => {
    const { rows } = await database.query<{ rolname: string }>(
      'SELECT rolname FROM pg_roles WHERE rolname = ANY($1)',
      [rolesOf(settings)],
    );
    // IF EXISTS would ask for the right to drop them also where there are none.
    for (const { rolname } of rows) await database.query(`DROP ROLE ${quoteIdentifier(rolname)}`);
  });
  return left;
}

/** By a prefix of the demo's own: nobody else has these. */
function rolesOf({ DATABASE_ROLE_PREFIX: prefix }: Settings): string[] {
  return prefix === undefined ? [] : [`${prefix}_writer`, `${prefix}_reader`];
}

async function deleteTopic(kafka: Kafka, topic: string): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] });
  });
}

async function deleteGroup(kafka: Kafka, group: string): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    const { groups } = await admin.listGroups();
    if (groups.some(({ groupId }) => groupId === group)) await admin.deleteGroups([group]);
  });
}

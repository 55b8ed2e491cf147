import type { Kafka } from 'kafkajs';
import type { Settings } from '../config/settings.ts';
import { messageOf } from '../errors.ts';
import { withAdmin } from '../kafka/admin.ts';
import type { Database } from '../ledger/database.ts';
import { quoteIdentifier } from '../ledger/session-settings.ts';
import { deleteSubject, subjectOf } from '../registry/subjects.ts';

/** Roles belong to the server: `migrate` makes them where they are missing. */
const OUR_ROLES = `SELECT rolname FROM pg_roles WHERE rolname LIKE 'usage\\_ledger%'`;

export async function rolesIn(database: Database): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ rolname: string }>(OUR_ROLES);
  return new Set(rows.map(({ rolname }) => rolname));
}

/**
 * Removes all that a demo made on services of others: group, topic, subject, database schema, and
 * the roles that were not there before.
 *
 * @returns a sentence for everything that could not be removed
 */
export async function removeTraces(
  settings: Settings,
  kafka: Kafka,
  database: Database,
  rolesBefore: ReadonlySet<string>,
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
    for (const role of await rolesIn(database)) {
      if (!rolesBefore.has(role)) await database.query(`DROP ROLE ${quoteIdentifier(role)}`);
    }
  });
  return left;
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

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogger } from '../../../src/config/logger.ts';
import { loadSettings } from '../../../src/config/settings.ts';
import { withAdmin } from '../../../src/kafka/admin.ts';
import { createKafka } from '../../../src/kafka/client.ts';
import { openDatabase } from '../../../src/postgres/database.ts';
import { startDemo } from '../../support/cli.ts';
import { recordingListener } from '../../support/recording-listener.ts';
import { freshDatabase, stackUrls } from '../../support/stack.ts';

// In a shell in which production is exported, the demo wrote its schema, topic, subject, group and
// recorded calls there, and left them.
test('the demo reaches nothing that the shell exports', async () => {
  const production = await recordingListener();
  const folder = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
  const secret = join(folder, 'secret');
  await writeFile(secret, `postgres://a:b@127.0.0.1:${production.port}/production`);
  try {
    const { code, stdout, stderr } = await startDemo([], {
      USAGE_LEDGER_STACK: 'environment',
      KAFKA_BROKERS: `127.0.0.1:${production.port}`,
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${production.port}`,
      DATABASE_URL_FILE: secret,
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'production',
      KAFKA_SASL_PASSWORD_FILE: secret,
      KAFKA_GROUP_ID: 'production',
      KAFKA_TOPICS: 'production',
      DATABASE_SCHEMA: 'production',
      HTTP_PORT: String(production.port),
      PGHOST: '127.0.0.1',
      PGPORT: String(production.port),
      PGSSLMODE: 'require',
      PGOPTIONS: '-c search_path=production',
    }).ended;

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/✓ all \d+ rows are what LiveKit's Python collectors answer/);
    expect(stdout).toMatch(/✓ all \d+ sessions with a report agree with it/);
    expect(stdout + stderr).not.toContain('production');
    expect(production.connections).toBe(0);
  } finally {
    await production.close();
    await rm(folder, { recursive: true });
  }
});

test('the demo on services of others, asked for by a flag, has names of its own and removes them', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = stackUrls();
  const database = await freshDatabase();
  const env = {
    KAFKA_BROKERS: kafkaBrokers,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    DATABASE_URL: database.url,
    // None of these may be touched.
    KAFKA_TOPICS: 'demo-of-others',
    KAFKA_GROUP_ID: 'demo-of-others',
    KAFKA_DEAD_LETTER_TOPIC: 'demo-of-others-dead',
    DATABASE_SCHEMA: 'demo_of_others',
    DATABASE_ROLE_PREFIX: 'demo_of_others',
  };
  try {
    const { code, stdout, stderr } = await startDemo(['--use-environment'], env).ended;

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/✓ the books balance/);
    const topic = /topic and group (usage-ledger-demo-\w+)/.exec(stderr)?.[1];
    expect(topic).toBeDefined();
    const left = await everything(env);
    expect(left.schemas).not.toContainEqual(expect.stringMatching(/usage_ledger|demo/));
    expect(left.roles).not.toContainEqual(expect.stringMatching(/demo/));
    const names = [...left.topics, ...left.groups, ...left.subjects].join('\n');
    expect(names).not.toContain(topic);
    expect(names).not.toContain('demo-of-others');
  } finally {
    await database.drop();
  }
});

async function everything(env: NodeJS.ProcessEnv) {
  const settings = loadSettings(env, ['kafka', 'registry', 'database']);
  const database = openDatabase(settings, 1);
  const { rows } = await database.query<{ nspname: string }>('SELECT nspname FROM pg_namespace');
  const roles = await database.query<{ rolname: string }>('SELECT rolname FROM pg_roles');
  await database.end();
  const kafka = createKafka(settings, createLogger('fatal'));
  const subjects = await fetch(`${settings.SCHEMA_REGISTRY_URL}/subjects?deleted=true`);
  return withAdmin(kafka, async (admin) => ({
    schemas: rows.map(({ nspname }) => nspname),
    roles: roles.rows.map(({ rolname }) => rolname),
    topics: await admin.listTopics(),
    groups: (await admin.listGroups()).groups.map(({ groupId }) => groupId),
    subjects: (await subjects.json()) as string[],
  }));
}

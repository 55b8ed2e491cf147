import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BasicAuthProxy, startBasicAuthProxy } from '../support/basic-auth-proxy.ts';
import { type Shown, watchedCli } from '../support/command-lines.ts';
import { type SecuredKafka, startSecuredKafka } from '../support/secured-kafka.ts';
import { stackUrls } from '../support/stack.ts';
import { calls, newWorld, type World } from '../support/world.ts';

const USER = 'meter';
const random = () => randomBytes(6).toString('hex');
const REGISTRY_PASSWORD = `pw-registry-${random()}`;
const DATABASE_PASSWORD = `pw-database-${random()}`;
const WRONG = `pw-wrong-${random()}`;

let kafka: SecuredKafka;
let registry: BasicAuthProxy;
let world: World;
let login: string;
let events: string;
/** Every setting, the secrets among them. */
let env: NodeJS.ProcessEnv;
/** What must not be seen anywhere. */
let secrets: string[];

beforeAll(async () => {
  kafka = await startSecuredKafka();
  registry = await startBasicAuthProxy(stackUrls().schemaRegistryUrl, USER, REGISTRY_PASSWORD);
  world = await newWorld(1, { ...stackUrls(), kafkaBrokers: kafka.brokers });
  login = `test_secrets_${random()}`;
  await world.database.query(`CREATE ROLE ${login} LOGIN PASSWORD '${DATABASE_PASSWORD}'`);
  await world.database.query(`GRANT usage_ledger_writer TO ${login}`);
  const client = kafka.settings['mutual TLS'];
  env = {
    ...world.env,
    ...kafka.settings['scram-sha-512'],
    KAFKA_SSL_CERT_FILE: client['KAFKA_SSL_CERT_FILE'],
    KAFKA_SSL_KEY_FILE: client['KAFKA_SSL_KEY_FILE'],
    SCHEMA_REGISTRY_URL: registry.url,
    SCHEMA_REGISTRY_USERNAME: USER,
    SCHEMA_REGISTRY_PASSWORD: REGISTRY_PASSWORD,
    DATABASE_URL: databaseUrl(DATABASE_PASSWORD),
    LOG_LEVEL: 'trace',
    STARTUP_TIMEOUT_S: '20',
  };
  const key = await readFile(client['KAFKA_SSL_KEY_FILE'] ?? '', 'utf8');
  secrets = [
    env['KAFKA_SASL_PASSWORD'] ?? '',
    REGISTRY_PASSWORD,
    Buffer.from(`${USER}:${REGISTRY_PASSWORD}`).toString('base64'),
    DATABASE_PASSWORD,
    key.split('\n')[1] ?? '',
    WRONG,
    Buffer.from(`${USER}:${WRONG}`).toString('base64'),
  ];
  events = join(kafka.folder, 'events.jsonl');
  const lines = calls.events.slice(0, 40).map((event) => JSON.stringify(event));
  await writeFile(events, lines.join('\n'));
});
afterAll(async () => {
  await world.database.query(`DROP ROLE ${login}`);
  await world.close();
  await registry.close();
  await kafka.stop();
});

function databaseUrl(password: string): string {
  const url = new URL(world.settings.DATABASE_URL);
  [url.username, url.password] = [login, password];
  return url.href;
}

function expectNoSecret({ stdout, stderr, commandLines }: Shown): void {
  if (process.platform === 'linux') expect(commandLines).toMatch(/main\.[jt]s/);
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(10);
    expect(stdout).not.toContain(secret);
    expect(stderr).not.toContain(secret);
    expect(commandLines).not.toContain(secret);
  }
}

/** The same settings, with each secret in a file. */
async function inFiles(settings: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const result = { ...settings };
  for (const name of ['KAFKA_SASL_PASSWORD', 'SCHEMA_REGISTRY_PASSWORD', 'DATABASE_URL']) {
    const file = join(kafka.folder, `${name}-${random()}`);
    await writeFile(file, `${settings[name]}\n`);
    delete result[name];
    result[`${name}_FILE`] = file;
  }
  return result;
}

describe('no secret appears in the output, the trace log and the process list', () => {
  test.each([
    ['variables', async () => env],
    ['files', () => inFiles(env)],
  ])('of commands that receive them as %s', async (_, settings) => {
    const given = await settings();
    const produced = await watchedCli(['produce', '--file', events], given);
    const ran = await watchedCli(['run', '--until-caught-up'], given);
    const others = await Promise.all([
      watchedCli(['verify'], given),
      watchedCli(['position', 'show'], given),
    ]);
    for (const shown of [produced, ran, ...others]) {
      expect(shown).toMatchObject({ code: 0 });
      expectNoSecret(shown);
    }
    expect(ran.stderr).toContain('"level":20');
  });

  test('of commands whose credentials are refused', async () => {
    const wrong = {
      ...env,
      KAFKA_SASL_PASSWORD: WRONG,
      SCHEMA_REGISTRY_PASSWORD: WRONG,
      DATABASE_URL: databaseUrl(WRONG),
    };
    const [kafkaRefuses, registryRefuses, databaseRefuses, filed] = await Promise.all([
      watchedCli(['run'], { ...env, KAFKA_SASL_PASSWORD: WRONG }),
      watchedCli(['run'], { ...env, SCHEMA_REGISTRY_PASSWORD: WRONG }),
      watchedCli(['run'], { ...env, DATABASE_URL: databaseUrl(WRONG) }),
      watchedCli(['run'], await inFiles(wrong)),
    ]);
    expect(kafkaRefuses.stderr).toContain(`Kafka at ${env['KAFKA_BROKERS']} refused: `);
    expect(registryRefuses.stderr).toContain(`the schema registry at ${registry.url} refused: `);
    expect(databaseRefuses.stderr).toMatch(/Postgres at [\d.]+:\d+\/test_\w+ refused: /);
    for (const shown of [kafkaRefuses, registryRefuses, databaseRefuses, filed]) {
      expect(shown.code).toBe(2);
      expectNoSecret(shown);
    }
  });

  // Most of them were once shown, in full or in part.
  test.each<[string, () => NodeJS.ProcessEnv]>([
    ['given twice', () => ({ SCHEMA_REGISTRY_PASSWORD_FILE: events })],
    ['half given', () => ({ KAFKA_SASL_USERNAME: '' })],
    ['of another scheme', () => ({ DATABASE_URL: `mysql://${USER}:${WRONG}@host/db` })],
    ['with a slash in it', () => ({ DATABASE_URL: `postgres://${USER}:12/${WRONG}@host/db` })],
    ['with an @ and a slash in it', () => ({ DATABASE_URL: `postgres://u:p@${WRONG}/w@host/db` })],
    ['with an @ and a ? in it', () => ({ DATABASE_URL: `postgres://u:p@${WRONG}?w@host/db` })],
    ['with an @ and a # in it', () => ({ DATABASE_URL: `postgres://u:p@${WRONG}#w@host/db` })],
    ['in the path of the registry', () => ({ SCHEMA_REGISTRY_URL: `http://x:80/${WRONG}@host/` })],
    ['before a broker', () => ({ KAFKA_BROKERS: `${WRONG}@host:9092` })],
    ['in the URL of the registry', () => ({ SCHEMA_REGISTRY_URL: `http://x:${WRONG}@host/` })],
    ['among the brokers', () => ({ KAFKA_BROKERS: `x:${WRONG}@host:9092` })],
  ])('of a command with a secret %s', async (_, mistake) => {
    const shown = await watchedCli(['run'], { ...env, ...mistake() });
    expect(shown.code).toBe(2);
    expect(shown.stderr).toMatch(/(KAFKA_|SCHEMA_REGISTRY_|DATABASE_URL)/);
    expectNoSecret(shown);
  });
});

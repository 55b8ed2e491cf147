import { randomBytes } from 'node:crypto';
import { loadSettings, SETTINGS, type Settings } from '../../src/config/settings.ts';

const NEEDS = ['kafka', 'registry', 'database'] as const;
/** Of the shell's settings the demo keeps this one: it reaches nothing. */
const KEPT = 'LOG_LEVEL';

/** Services that the demo has for itself. */
export interface OwnServices {
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
  readonly databaseUrl: string;
}

/**
 * Takes everything out of `env` that leads to services, or to a part of them, that are not the demo's
 * own: our settings, and the variables that the Postgres driver reads by itself.
 */
export function forgetServices(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    const isSetting = name.replace(/_FILE$/, '') in SETTINGS || name in SETTINGS;
    if ((isSetting && name !== KEPT) || name.startsWith('PG')) delete env[name];
  }
}

/** Settings for a stack of the demo's own: the default names. */
export function settingsForOwn(services: OwnServices, env: NodeJS.ProcessEnv): Settings {
  return loadSettings(
    {
      HTTP_PORT: '0',
      LOG_LEVEL: env[KEPT] || 'error',
      KAFKA_BROKERS: services.kafkaBrokers,
      SCHEMA_REGISTRY_URL: services.schemaRegistryUrl,
      DATABASE_URL: services.databaseUrl,
    },
    NEEDS,
  );
}

/** Settings for services of others: the environment's, but for names of the demo's own. */
export function settingsForOthers(env: NodeJS.ProcessEnv): Settings {
  const suffix = randomBytes(3).toString('hex');
  const name = `usage_ledger_demo_${suffix}`;
  return loadSettings(
    {
      LOG_LEVEL: 'error',
      ...env,
      HTTP_PORT: '0',
      KAFKA_TOPICS: `usage-ledger-demo-${suffix}`,
      KAFKA_GROUP_ID: `usage-ledger-demo-${suffix}`,
      DATABASE_SCHEMA: name,
      // Roles belong to the whole server, and are removed with the schema.
      DATABASE_ROLE_PREFIX: name,
      // The demo's malformed messages are nobody's dead letters.
      KAFKA_DEAD_LETTER_TOPIC: undefined,
    },
    NEEDS,
  );
}

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, WrongUsageError } from '../errors.ts';
import { MEMORY_BUDGET } from './memory-budget.ts';
import { problemsTogether } from './settings-together.ts';

/** What a setting is for; a command lists the groups that it needs. */
export type SettingGroup = 'kafka' | 'registry' | 'database' | 'worker' | 'general';

export interface SettingSpec {
  readonly group: SettingGroup;
  readonly schema: z.ZodType;
  /** Text form of the default; `undefined`: none. */
  readonly fallback?: string;
  /** Whether it must be set when its group is used; only without a default. */
  readonly required?: boolean;
  /** A secret is never printed and may be given as NAME_FILE. */
  readonly secret?: boolean;
  readonly about: string;
}

const text = z.string().min(1, 'expected a non-empty text');

const brokers = z.string().transform((value, ctx) => {
  const list = value.split(',').map((part) => part.trim());
  for (const broker of list) {
    const port = /^(?:\[[0-9a-fA-F:]+\]|[^\s:/@]+):(\d{1,5})$/.exec(broker)?.[1];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      ctx.addIssue({ code: 'custom', message: 'expected host:port, several separated by commas' });
      return z.NEVER;
    }
  }
  return list;
});

const topics = z.string().transform((value, ctx) => {
  const list = value.split(',').map((part) => part.trim());
  if (list.some((topic) => !/^[A-Za-z0-9._-]{1,249}$/.test(topic))) {
    ctx.addIssue({ code: 'custom', message: 'expected topic names, separated by commas' });
    return z.NEVER;
  }
  return [...new Set(list)];
});

const flag = z.enum(['true', 'false'], 'expected true or false').transform((v) => v === 'true');

const integer = (min: number, max: number) =>
  z.string().transform((value, ctx) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value.trim()) || number < min || number > max) {
      ctx.addIssue({ code: 'custom', message: `expected a whole number from ${min} to ${max}` });
      return z.NEVER;
    }
    return number;
  });

const share = z.string().transform((value, ctx) => {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 1)) {
    ctx.addIssue({ code: 'custom', message: 'expected a number from 0 to 1' });
    return z.NEVER;
  }
  return number;
});

const url = (schemes: readonly string[]) =>
  z.string().refine(
    (value) => {
      const scheme = URL.canParse(value) ? new URL(value).protocol.slice(0, -1) : '';
      return schemes.includes(scheme);
    },
    `expected a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  );

const registryUrl = url(['http', 'https']).refine(
  (value) => !value.includes('@'),
  'expected a URL without user and password: SCHEMA_REGISTRY_USERNAME and _PASSWORD are for them',
);

/**
 * A part of a password that is not percent-encoded ends up in the host, path, query or fragment, which
 * errors show. Each of these leaves an @ after the host, or a fragment.
 */
const databaseUrl = url(['postgres', 'postgresql']).refine((value) => {
  if (!URL.canParse(value)) return true;
  const { pathname, search, hash } = new URL(value);
  const parameters = search.split(/[?&]/).filter((pair) => !pair.startsWith('user='));
  return hash === '' && ![pathname, ...parameters].some((part) => part.includes('@'));
}, 'expected user and password to be percent-encoded, such as %40 for @ and %2F for /');

const httpPort = z.string().transform((value, ctx) => {
  if (value === 'off') return 'off' as const;
  const number = Number(value);
  if (!/^\d{1,5}$/.test(value) || number > 65_535) {
    ctx.addIssue({ code: 'custom', message: 'expected a port from 0 to 65535, or off' });
    return z.NEVER;
  }
  return number;
});

const secondsOrOff = (min: number, max: number) =>
  z.string().transform((value, ctx) => {
    if (value === 'off') return 'off' as const;
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      ctx.addIssue({
        code: 'custom',
        message: `expected a whole number from ${min} to ${max}, or off`,
      });
      return z.NEVER;
    }
    return number;
  });

const schemaName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_$]{0,62}$/, 'expected the name of a Postgres schema');

const rolePrefix = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,55}$/, 'expected at most 56 lowercase letters, digits and _');

const logLevel = z.enum(
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  'expected trace, debug, info, warn, error, fatal or silent',
);

const mechanism = z.enum(
  ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'],
  'expected plain, scram-sha-256, scram-sha-512, oauthbearer or aws-msk-iam',
);

const tokenUrl = url(['https', 'http']).refine(
  (value) => !value.includes('@'),
  'expected a URL without user and password: KAFKA_SASL_OAUTH_CLIENT_ID and _CLIENT_SECRET are for them',
);

/** Names and values by RFC 7628, section 3.1: what else they had could end the SASL message early. */
const extensions = z.string().transform((value, ctx) => {
  const pairs = value.split(',').map((part) => /^([A-Za-z]+)=([\x21-\x7e]+)$/.exec(part.trim()));
  if (pairs.some((pair) => pair === null || pair[1]?.toLowerCase() === 'auth')) {
    ctx.addIssue({ code: 'custom', message: 'expected name=value, several separated by commas' });
    return z.NEVER;
  }
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
});
/** Of COMPACT_AFTER_S. */
export const COMPACT_AFTER_DEFAULT_S = 120;

/** Every setting, in the order of the README's table, which is generated from here. */
export const SETTINGS = {
  KAFKA_BROKERS: {
    group: 'kafka',
    schema: brokers,
    required: true,
    about: 'Bootstrap brokers, as host:port ([::1]:9092 for IPv6), separated by commas',
  },
  KAFKA_GROUP_ID: {
    group: 'kafka',
    schema: text,
    fallback: 'usage-ledger',
    about: 'Consumer group; each group has its own positions and books',
  },
  KAFKA_TOPICS: {
    group: 'kafka',
    schema: topics,
    fallback: 'agent-metrics',
    about: 'Topics to read, separated by commas; `produce` and `simulate` write to the first',
  },
  KAFKA_CLIENT_ID: {
    group: 'kafka',
    schema: text,
    fallback: 'usage-ledger',
    about: 'Client id for the logs and quotas of the brokers',
  },
  KAFKA_SSL: { group: 'kafka', schema: flag, fallback: 'false', about: 'TLS to the brokers' },
  KAFKA_SSL_CA_FILE: {
    group: 'kafka',
    schema: text,
    about: 'PEM file of the CA of the brokers; unset: the CAs of Node.js',
  },
  KAFKA_SSL_CERT_FILE: {
    group: 'kafka',
    schema: text,
    about: 'PEM file of the client certificate',
  },
  KAFKA_SSL_KEY_FILE: { group: 'kafka', schema: text, about: 'PEM file of its private key' },
  KAFKA_SASL_MECHANISM: {
    group: 'kafka',
    schema: mechanism,
    about:
      '`plain`, `scram-sha-256`, `scram-sha-512`, `oauthbearer` or `aws-msk-iam`; unset: no SASL',
  },
  KAFKA_SASL_USERNAME: { group: 'kafka', schema: text, about: 'SASL user' },
  KAFKA_SASL_PASSWORD: { group: 'kafka', schema: text, secret: true, about: 'SASL password' },
  KAFKA_SASL_OAUTH_TOKEN_URL: {
    group: 'kafka',
    schema: tokenUrl,
    about: '`oauthbearer`: where tokens are issued (client credentials grant)',
  },
  KAFKA_SASL_OAUTH_CLIENT_ID: { group: 'kafka', schema: text, about: '`oauthbearer`: client id' },
  KAFKA_SASL_OAUTH_CLIENT_SECRET: {
    group: 'kafka',
    schema: text,
    secret: true,
    about: '`oauthbearer`: client secret',
  },
  KAFKA_SASL_OAUTH_SCOPE: {
    group: 'kafka',
    schema: text,
    about:
      '`oauthbearer`: scopes, separated by spaces; unset: those that the server gives by default',
  },
  KAFKA_SASL_OAUTH_EXTENSIONS: {
    group: 'kafka',
    schema: extensions,
    about:
      '`oauthbearer`: SASL extensions, as name=value separated by commas; Confluent Cloud needs `logicalCluster` and `identityPoolId`',
  },
  AWS_REGION: {
    group: 'kafka',
    schema: text,
    about: '`aws-msk-iam`: region of the cluster; the credentials are those that AWS SDKs find',
  },
  KAFKA_SESSION_TIMEOUT_MS: {
    group: 'kafka',
    schema: integer(6_000, 1_800_000),
    fallback: '15000',
    about: 'Time without a heartbeat after which the group reassigns the partitions',
  },
  KAFKA_DEAD_LETTER_TOPIC: {
    group: 'kafka',
    schema: text,
    about: 'Topic to which dead letters are also copied, at least once; unset: none',
  },
  SCHEMA_REGISTRY_URL: {
    group: 'registry',
    schema: registryUrl,
    required: true,
    about: 'Confluent-compatible schema registry, including its base path',
  },
  SCHEMA_REGISTRY_USERNAME: { group: 'registry', schema: text, about: 'Basic auth user' },
  SCHEMA_REGISTRY_PASSWORD: {
    group: 'registry',
    schema: text,
    secret: true,
    about: 'Basic auth password',
  },
  DATABASE_URL: {
    group: 'database',
    schema: databaseUrl,
    required: true,
    secret: true,
    about: 'Postgres, as postgres://user:password@host:port/database',
  },
  DATABASE_SCHEMA: {
    group: 'database',
    schema: schemaName,
    fallback: 'usage_ledger',
    about: 'Postgres schema of all relations',
  },
  DATABASE_ROLE_PREFIX: {
    group: 'database',
    schema: rolePrefix,
    about:
      'Prefix of the roles `…_writer` and `…_reader` that `migrate` grants to; unset: the current one, `usage_ledger` for a new ledger',
  },
  DATABASE_POOL_SIZE: {
    group: 'worker',
    schema: integer(1, 64),
    fallback: '2',
    about:
      'Batches processed concurrently, each on its own connection; two more connections are for other work',
  },
  BATCH_MAX_EVENTS: {
    group: 'worker',
    schema: integer(1, 100_000),
    fallback: '20000',
    about: 'Maximum number of messages in one transaction',
  },
  BATCH_LINGER_MS: {
    group: 'worker',
    schema: integer(0, 10_000),
    fallback: '100',
    about:
      'How long a message waits for others, to share a transaction; a backlog does not wait. `0`: each message is applied immediately',
  },
  BUFFER_MAX_BYTES: {
    group: 'worker',
    schema: integer(65_536, 1_073_741_824),
    fallback: String(MEMORY_BUDGET.buffered),
    about: 'Bytes fetched and not yet applied, over all partitions, at which fetching pauses',
  },
  DEAD_LETTER_LIMIT: {
    group: 'worker',
    schema: share,
    fallback: '0.2',
    about:
      "Share of dead letters among a partition's last 10,000 messages (once 1,000 have been seen) above which it is halted; `1`: never",
  },
  COMPACT_AFTER_S: {
    group: 'worker',
    schema: secondsOrOff(1, 31_536_000),
    fallback: String(COMPACT_AFTER_DEFAULT_S),
    about:
      'Time without an event after which the ledger pages of a session are merged, by workers and by `compact`; `off`: not by workers',
  },
  COMPACT_MAX_PAGES_PER_S: {
    group: 'worker',
    schema: integer(1, 1_000_000),
    fallback: '5000',
    about: 'Maximum number of ledger pages that a worker merges per second',
  },
  SHUTDOWN_TIMEOUT_S: {
    group: 'worker',
    schema: integer(1, 3_600),
    fallback: '30',
    about: 'How long a drain waits for running transactions before it cancels them',
  },
  HTTP_HOST: {
    group: 'worker',
    schema: text,
    fallback: '127.0.0.1',
    about: 'Address of /healthz, /readyz and /metrics',
  },
  HTTP_PORT: {
    group: 'worker',
    schema: httpPort,
    fallback: '9464',
    about: 'Port of the HTTP server; `0`: any free port; `off`: none',
  },
  STARTUP_TIMEOUT_S: {
    group: 'general',
    schema: integer(0, 86_400),
    fallback: '60',
    about: 'How long a command waits for each dependency at start before it exits with 3',
  },
  LOG_LEVEL: {
    group: 'general',
    schema: logLevel,
    fallback: 'info',
    about: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`',
  },
} as const satisfies Record<string, SettingSpec>;

export type SettingName = keyof typeof SETTINGS;

type Parsed<N extends SettingName> = z.output<(typeof SETTINGS)[N]['schema']>;
type Present<N extends SettingName> = (typeof SETTINGS)[N] extends
  | { fallback: string }
  | { required: true }
  ? Parsed<N>
  : Parsed<N> | undefined;

/** Checked settings, by the name of their variable. */
export type Settings = { readonly [N in SettingName]: Present<N> };

const NAMES = Object.keys(SETTINGS) as SettingName[];

/**
 * Reads the settings from `env`, checks every one and reports all problems at once.
 *
 * @param needs the groups whose required settings must be present; the required settings of other
 *   groups may be absent and must then not be read
 * @throws {WrongUsageError} naming each variable, what it holds and what is expected
 */
export function loadSettings(env: NodeJS.ProcessEnv, needs: readonly SettingGroup[]): Settings {
  const problems: string[] = [];
  const settings: Record<string, unknown> = {};
  for (const name of NAMES) {
    const spec: SettingSpec = SETTINGS[name];
    const raw = rawValue(name, env, problems) ?? spec.fallback;
    if (raw === undefined) {
      if (spec.required && needs.includes(spec.group)) {
        problems.push(`${name}: not set; expected: ${spec.about}`);
      }
      continue;
    }
    const result = spec.schema.safeParse(raw);
    // Present as undefined: set, but invalid.
    settings[name] = result.success ? result.data : undefined;
    if (!result.success) {
      const got = spec.secret ? '(a secret, not shown)' : shown(raw);
      problems.push(`${name}: ${result.error.issues[0]?.message ?? 'invalid value'}, got ${got}`);
    }
  }
  problems.push(...problemsTogether(settings));
  if (problems.length > 0) {
    throw new WrongUsageError(
      `the configuration is invalid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
  return settings as Settings;
}

/** The text before an @ may be a password where none is expected. */
function shown(raw: string): string {
  return JSON.stringify(raw.replace(/^.*@/s, '(not shown)@'));
}

function rawValue(name: SettingName, env: NodeJS.ProcessEnv, problems: string[]) {
  // Compose files and shells use an empty variable for "not set".
  const direct = env[name] || undefined;
  const spec: SettingSpec = SETTINGS[name];
  const file = spec.secret ? env[`${name}_FILE`] || undefined : undefined;
  if (file === undefined) return direct;
  if (direct !== undefined)
    problems.push(`${name}: set together with ${name}_FILE; expected only one of them`);
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    problems.push(`${name}_FILE: ${messageOf(error)}`);
    return direct;
  }
}

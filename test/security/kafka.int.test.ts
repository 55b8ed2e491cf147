import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { reachKafka } from '../../src/cli/reach-kafka.ts';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { UnreachableError, WrongUsageError } from '../../src/errors.ts';
import { EventProducer } from '../../src/produce/event-producer.ts';
import {
  KAFKA_PASSWORD,
  type KafkaMode,
  type SecuredKafka,
  startSecuredKafka,
} from '../support/secured-kafka.ts';
import { stackUrls } from '../support/stack.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

const EVENTS = 40;

let kafka: SecuredKafka;
beforeAll(async () => {
  kafka = await startSecuredKafka();
});
afterAll(async () => {
  await kafka.stop();
});

describe('Kafka over', () => {
  let world: World;
  beforeEach(async () => {
    world = await newWorld(2, { ...stackUrls(), kafkaBrokers: kafka.brokers });
  });
  afterEach(async () => {
    await world.close();
  });

  test.each<KafkaMode>(['tls', 'mutual TLS', 'plain', 'scram-sha-256', 'scram-sha-512'])(
    '%s is written to and read from, and the books balance',
    async (mode) => {
      const env = kafka.settings[mode];
      const settings = loadSettings({ ...world.env, ...env }, ['kafka', 'registry', 'database']);
      const client = await reachKafka(settings, createLogger('fatal'));
      const producer = new EventProducer(client, world.topic);
      await producer.connect();
      for (const message of await world.encode(calls.events.slice(0, EVENTS))) {
        await producer.add(message);
      }
      await producer.flush();
      await producer.disconnect();

      const { counts } = await world.run({ env });

      expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(EVENTS);
      expect(counts).toMatchObject({ conflict: 0, dead_letter: 0 });
      expect(await breaks(world.database)).toEqual([]);
    },
  );
});

/** What is wrong, by name: the mode that it is a variation of, the settings, the reason given. */
type Mistake = [string, KafkaMode, (kafka: SecuredKafka) => NodeJS.ProcessEnv, RegExp];

const MISTAKES: readonly Mistake[] = [
  ['password of PLAIN', 'plain', wrongPassword, /authentication failed/i],
  ['password of SCRAM-SHA-256', 'scram-sha-256', wrongPassword, /authentication failed/i],
  ['password of SCRAM-SHA-512', 'scram-sha-512', wrongPassword, /authentication failed/i],
  [
    'mechanism',
    'scram-sha-256',
    () => ({ KAFKA_SASL_MECHANISM: 'scram-sha-512' }),
    /authentication failed/i,
  ],
  [
    'authority',
    'tls',
    ({ otherAuthority }) => ({ KAFKA_SSL_CA_FILE: otherAuthority.caFile }),
    /unable to verify|self-signed certificate|unable to get/i,
  ],
  [
    'name of the host',
    'tls',
    ({ settings }) => ({
      KAFKA_BROKERS: settings.tls['KAFKA_BROKERS']?.replace('127.0.0.1', 'localhost'),
    }),
    /does not match certificate's altnames/,
  ],
  [
    'missing client certificate',
    'mutual TLS',
    () => ({ KAFKA_SSL_CERT_FILE: '', KAFKA_SSL_KEY_FILE: '' }),
    /certificate/,
  ],
  ['missing TLS', 'tls', () => ({ KAFKA_SSL: 'false', KAFKA_SSL_CA_FILE: '' }), /connection/i],
  [
    'missing SASL',
    'plain',
    () => ({ KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '' }),
    /connection|SASL/i,
  ],
  ['TLS to a plain listener', 'tls', ({ brokers }) => ({ KAFKA_BROKERS: brokers }), /connection/i],
];

/** What no waiting would change, and so ends a command at once. */
const REFUSED = /^(password|mechanism|authority|name of the host|missing client)/;

describe('a broker that refuses, or is not trusted, is named with the reason:', () => {
  const outcomes = new Map<string, unknown>();
  beforeAll(async () => {
    // Side by side: each takes as long as a command is to wait.
    await Promise.all(
      MISTAKES.map(async ([name, mode, mistake]) => {
        outcomes.set(name, await reach(envOf(mode, mistake)).catch((error: unknown) => error));
      }),
    );
  });

  test.each(MISTAKES)('wrong %s', (name, mode, mistake, reason) => {
    const error = outcomes.get(name);
    const isRefused = REFUSED.test(name);
    expect(error).toBeInstanceOf(isRefused ? WrongUsageError : UnreachableError);
    const { message } = error as Error;
    const brokers = envOf(mode, mistake)['KAFKA_BROKERS'];
    const what = isRefused ? 'refused: ' : 'was not reached within 2 s: ';
    expect(message).toContain(`Kafka at ${brokers} ${what}`);
    expect(message).toMatch(reason);
    expect(message).not.toContain(KAFKA_PASSWORD);
  });

  function envOf(mode: KafkaMode, mistake: Mistake[2]): NodeJS.ProcessEnv {
    return { ...kafka.settings[mode], ...mistake(kafka), STARTUP_TIMEOUT_S: '2' };
  }
});

function reach(env: NodeJS.ProcessEnv): Promise<unknown> {
  return reachKafka(loadSettings(env, ['kafka']), createLogger('fatal'));
}

function wrongPassword(): NodeJS.ProcessEnv {
  return { KAFKA_SASL_PASSWORD: `${KAFKA_PASSWORD}-wrong` };
}

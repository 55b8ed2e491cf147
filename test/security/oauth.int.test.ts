import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, type RunningCli, startCli } from '../support/cli.ts';
import { type OauthKafka, startOauthKafka } from '../support/oauth-kafka.ts';
import { stackUrls } from '../support/stack.ts';
import { CLIENT_SECRET, startTokenServer, type TokenServer } from '../support/token-server.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

const PART = 40;
const LIFETIME_S = 6;

let tokens: TokenServer;
let kafka: OauthKafka;
let world: World;
let worker: RunningCli | undefined;
beforeAll(async () => {
  tokens = await startTokenServer();
  kafka = await startOauthKafka(tokens);
  world = await newWorld(1, { ...stackUrls(), kafkaBrokers: kafka.brokers });
});
afterAll(async () => {
  worker?.process.kill('SIGKILL');
  await world.close();
  await kafka.stop();
  await tokens.close();
});

const env = () => ({ ...world.env, ...kafka.settings, STARTUP_TIMEOUT_S: '20' });

test('a worker authenticates again and again while it reads, through an outage of the token server', async () => {
  tokens.lifetimeS = LIFETIME_S;
  worker = startCli(['run'], { ...env(), LOG_LEVEL: 'debug' });
  let sent = 0;
  const isApplied = async () => {
    const { rows } = await world.database.query('SELECT next_offset FROM consumer_position');
    return Number(rows[0]?.next_offset ?? 0) === sent;
  };
  const sendAndRead = async () => {
    await world.send(await world.encode(calls.events.slice(sent, sent + PART)));
    sent += PART;
    await until(`${sent} messages are applied`, isApplied);
  };

  // Each thread of the worker has tokens of its own.
  for (let wanted = 2; wanted <= 8; wanted += 2) {
    await sendAndRead();
    await until(`${wanted} tokens are issued`, () => tokens.seen.issued >= wanted);
  }
  // Every session was renewed on its connection before it ended.
  expect(worker.log()).not.toMatch(/closed connection|SASL state|refused the token/i);
  await sendAndRead();

  const begun = Date.now();
  const wasRefused = tokens.seen.refused;
  tokens.mode = 'overloaded';
  await until(
    'the last token has ended during an outage',
    () => Date.now() - begun > (LIFETIME_S + 1) * 1_000 && tokens.seen.refused > wasRefused + 2,
  );
  tokens.mode = 'well';
  await sendAndRead();

  worker.process.kill('SIGTERM');
  const { code, stderr } = await worker.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/temporarily_unavailable.*no new token for the brokers/);
  expect(stderr).not.toContain(CLIENT_SECRET);
  // The header of a JWT.
  expect(stderr).not.toMatch(/eyJ/);
  expect(await breaks(world.database)).toEqual([]);
});

test('a wrong secret exits with 2, naming the token server, its reason and the settings', async () => {
  const wrong = { ...env(), KAFKA_SASL_OAUTH_CLIENT_SECRET: 'pw-wrong-3f6a' };
  const { code, stderr } = await cli(['run'], wrong);
  expect(code).toBe(2);
  expect(stderr).toContain(`the token server at ${tokens.tokenUrl} answered 401, invalid_client`);
  expect(stderr).toContain('check KAFKA_SASL_OAUTH_CLIENT_ID and KAFKA_SASL_OAUTH_CLIENT_SECRET');
  expect(stderr).not.toContain('pw-wrong');
});

// kafkajs takes the broker's refusal for a success: it was reported as a closed connection, and retried.
test('a token that the brokers refuse exits with 2, with what they say', async () => {
  tokens.lifetimeS = 3_600;
  tokens.audience = 'others';
  try {
    const { code, stderr } = await cli(['run'], env());
    expect(code).toBe(2);
    expect(stderr).toMatch(/Kafka at .* refused: the brokers refused the token: .*invalid_token/);
    expect(stderr).toContain('check KAFKA_SASL_OAUTH_SCOPE, and the audience and issuer');
  } finally {
    tokens.audience = 'kafka';
  }
});

test('a token server that does not answer exits with 3 after STARTUP_TIMEOUT_S', async () => {
  tokens.mode = 'overloaded';
  try {
    const { code, stderr } = await cli(['run'], { ...env(), STARTUP_TIMEOUT_S: '1' });
    expect(code).toBe(3);
    expect(stderr).toMatch(/was not reached within 1 s: the token server at .* answered 503/);
  } finally {
    tokens.mode = 'well';
  }
});

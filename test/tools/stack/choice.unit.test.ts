import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StackUnavailableError } from '../../../tools/stack/errors.ts';
import { startStack } from '../../../tools/stack/stack.ts';

const ADDRESSES = {
  KAFKA_BROKERS: 'a.example:9092,b.example:9092',
  SCHEMA_REGISTRY_URL: 'https://schemas.example',
  DATABASE_URL: 'postgres://user@db.example/usage',
};

describe('startStack', () => {
  let empty: string;
  beforeAll(async () => {
    empty = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
  });
  afterAll(async () => {
    await rm(empty, { recursive: true });
  });

  it('takes services that the environment names as they are, when asked to', async () => {
    const env = { ...ADDRESSES, USAGE_LEDGER_STACK: 'environment' };
    const stack = await startStack({ progress: () => {}, env });
    expect(stack).toMatchObject({
      kafkaBrokers: ADDRESSES.KAFKA_BROKERS,
      schemaRegistryUrl: ADDRESSES.SCHEMA_REGISTRY_URL,
      databaseUrl: ADDRESSES.DATABASE_URL,
      how: 'Kafka as KAFKA_BROKERS says; schema registry as SCHEMA_REGISTRY_URL says; Postgres as DATABASE_URL says',
      processes: {},
    });
    await stack.stop();
  });

  // A shell in which they are exported is, most of the time, one for work on production.
  it('takes nothing that is merely exported', async () => {
    const env = {
      ...ADDRESSES,
      PATH: empty,
      XDG_CACHE_HOME: empty,
      USAGE_LEDGER_STACK: 'local',
    };
    await expect(startStack({ progress: () => {}, env })).rejects.toThrow(StackUnavailableError);
  });

  it('says in one message what to install where nothing can serve', async () => {
    const env = { PATH: empty, XDG_CACHE_HOME: empty, USAGE_LEDGER_STACK: 'local' };
    const failure = await startStack({ progress: () => {}, env }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StackUnavailableError);
    const { message } = failure as StackUnavailableError;
    for (const part of [
      'Java was not found',
      'Maven was not found',
      'Java 17 or newer and Maven',
      'Docker engine',
      'set KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL',
    ]) {
      expect(message).toContain(part);
    }
  });

  it('refuses a way of starting that it does not know', async () => {
    const env = { USAGE_LEDGER_STACK: 'podman' };
    await expect(startStack({ progress: () => {}, env })).rejects.toThrow(
      'USAGE_LEDGER_STACK is "podman"; it can be "local", "docker", "environment" or unset',
    );
  });
});

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ManagedProcess, ServiceName, Stack } from '../../../tools/stack/stack.ts';
import { freshTopic, ownStack } from '../../support/stack.ts';

describe('a service that fails and is started again', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await ownStack();
  });
  afterAll(async () => {
    await stack.stop();
  });

  function service(name: ServiceName): ManagedProcess {
    const found = stack.processes[name];
    if (found === undefined) throw new Error(`${name} is not a local process`);
    return found;
  }

  async function query<T extends pg.QueryResultRow>(sql: string): Promise<T[]> {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<T>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  it('Postgres: killed, it comes back at the same address with what was committed', async () => {
    await query('CREATE TABLE kept AS SELECT 42 AS answer');
    const bystander = new pg.Client({ connectionString: stack.databaseUrl });
    bystander.on('error', () => {});
    await bystander.connect();
    const broken = once(bystander, 'error');
    const before = service('postgres').pid;
    await service('postgres').kill();
    await broken;
    await expect(query('SELECT 1')).rejects.toThrow();
    await service('postgres').start();
    expect(service('postgres').pid).not.toBe(before);
    expect(await query('SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('Postgres: stopped and started', async () => {
    await service('postgres').stop();
    await expect(query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await service('postgres').start();
    expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('Postgres: paused, it answers only once it is resumed', async () => {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    await service('postgres').pause();
    let answered = false;
    const answer = client.query('SELECT 1').then(() => {
      answered = true;
    });
    await sleep(300);
    expect(answered).toBe(false);
    await service('postgres').resume();
    await answer;
    await client.end();
  });

  it('Kafka: killed, it comes back at the same address with its messages', async () => {
    const topic = await freshTopic(1, stack.kafkaBrokers);
    const kafka = new Kafka({ brokers: [stack.kafkaBrokers], logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'one' }, { value: 'two' }] });
    await producer.disconnect();
    await service('kafka').kill();
    await service('kafka').start();
    const admin = kafka.admin();
    await admin.connect();
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, offset: '2' }]);
    await admin.disconnect();
  });

  it('the registry: killed, it comes back at the same address with its schemas', async () => {
    const subjects = `${stack.schemaRegistryUrl}/subjects`;
    const registered = await fetch(`${subjects}/kept-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: '{"type":"record","name":"Kept","fields":[]}' }),
    });
    const { id } = (await registered.json()) as { id: number };
    await service('registry').kill();
    await expect(fetch(subjects)).rejects.toThrow();
    await service('registry').start();
    const read = await fetch(`${stack.schemaRegistryUrl}/schemas/ids/${id}`);
    expect(read.status).toBe(200);
  });
});

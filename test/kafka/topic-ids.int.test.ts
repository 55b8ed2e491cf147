import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { TopicIds, withTopicIds } from '../../src/kafka/topic-ids.ts';
import { recreateTopic } from '../support/recreate-topic.ts';
import { freshTopic, stackUrls } from '../support/stack.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const kafka = (brokers = stackUrls().kafkaBrokers) =>
  createKafka(loadSettings({ KAFKA_BROKERS: brokers }, ['kafka']), createLogger('fatal'));

let ids: TopicIds;
beforeAll(() => {
  ids = new TopicIds(kafka());
});
afterAll(async () => {
  await ids.close();
});

test('a topic has the same id for everybody, and another one when it is recreated', async () => {
  const topic = await freshTopic(3);
  const before = await ids.of(topic);
  expect(before).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const other = new TopicIds(kafka());
  expect(await other.of(topic)).toBe(before);
  await other.close();

  await recreateTopic(kafka(), topic);

  const after = await ids.of(topic);
  expect(after).toMatch(/^[0-9a-f-]{36}$/);
  expect(after).not.toBe(before);
});

test('a topic that does not exist has none, and is not created', async () => {
  expect(await ids.of('there-is-no-such-topic')).toBeUndefined();
  expect(await ids.of('there-is-no-such-topic')).toBeUndefined();
});

test('a connection that was lost is made again', async () => {
  const topic = await freshTopic(1);
  const [host = '', port] = stackUrls().kafkaBrokers.split(':');
  const proxy = await TcpProxy.to(host, Number(port));
  const through = new TopicIds(kafka(`127.0.0.1:${proxy.port}`));
  const id = await through.of(topic);
  proxy.cut();
  await through.of(topic).catch(() => {});
  expect(await through.of(topic)).toBe(id);
  await through.close();
  await proxy.close();
});

// A worker that looked up two topics at once ended with "Cannot read properties of null".
test('a call that finds the broker connected, but not yet asked for its versions, waits for them', async () => {
  const [host = '', port] = stackUrls().kafkaBrokers.split(':');
  const proxy = await TcpProxy.to(host, Number(port));
  await withTopicIds(kafka(`127.0.0.1:${proxy.port}`), async (client) => {
    let second: Promise<string | undefined> | undefined;
    // With its first request, kafkajs asks for the versions.
    proxy.judge = () => {
      second ??= client.of('there-is-no-such-topic');
      return 'pass';
    };
    expect(await client.of('there-is-no-such-topic')).toBeUndefined();
    expect(await second).toBeUndefined();
  });
  await proxy.close();
});

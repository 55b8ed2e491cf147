import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { kafkaTool } from '../../support/kafka-tool.ts';
import { freshDatabase, freshTopic, stackUrls } from '../../support/stack.ts';

describe('the stack that the tests share', () => {
  it('gives each caller a database of its own', async () => {
    const one = await freshDatabase();
    const two = await freshDatabase();
    expect(one.url).not.toBe(two.url);
    const client = new pg.Client({ connectionString: one.url });
    await client.connect();
    await client.query('CREATE TABLE t (id int)');
    const { rows } = await client.query<{ fsync: string }>('SHOW fsync');
    expect(rows).toEqual([{ fsync: 'on' }]);
    await client.end();
    await Promise.all([one.drop(), two.drop()]);
    const gone = new pg.Client({ connectionString: one.url });
    await expect(gone.connect()).rejects.toThrow('does not exist');
  });

  it("makes topics, which Kafka's own tools see", async () => {
    const topic = await freshTopic(3);
    const { stdout } = await kafkaTool('org.apache.kafka.tools.TopicCommand', [
      ...['--bootstrap-server', stackUrls().kafkaBrokers],
      ...['--describe', '--topic', topic],
    ]);
    expect(stdout).toContain('PartitionCount: 3');
  });

  it('has a registry that speaks the Confluent protocol', async () => {
    const response = await fetch(`${stackUrls().schemaRegistryUrl}/schemas/ids/2147483647`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error_code: 40403 });
  });
});

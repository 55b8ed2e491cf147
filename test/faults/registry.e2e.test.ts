import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultScene, withScene } from '../support/fault-scene.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { stackUrls } from '../support/stack.ts';
import { until } from '../support/until.ts';

const OUTAGE_MS = 1_500;

const scene = (run: (scene: FaultScene) => Promise<void>, urls = stackUrls()) =>
  withScene(urls, 2, run);

describe('a registry that is down when the first schema is needed', () => {
  let registry: OwnService;
  beforeAll(async () => {
    registry = await ownService('registry');
  });
  afterAll(async () => {
    await registry.stop();
  });

  test('is retried, and no message becomes a dead letter', async () => {
    await scene(async ({ work, send, booked, recovers, allBooked }) => {
      await registry.process.kill();
      work();
      await send(100);
      await delay(OUTAGE_MS);
      expect(await booked()).toBe(0);
      await registry.process.start();
      await recovers();
      await allBooked();
    }, registry.urls);
  });
});

const page = '<!doctype html><title>Sign in</title>';
const html = { 'content-type': 'text/html' };
const json = { 'content-type': 'application/json' };

describe.concurrent('a registry that answers', () => {
  test.each([
    // A proxy that answers in its place: each once made a permanent dead letter of every message.
    {
      what: '200 with a page',
      answer: (response: ServerResponse) => response.writeHead(200, html).end(page),
    },
    {
      what: '200 with JSON that is cut',
      answer: (response: ServerResponse) =>
        response.writeHead(200, json).end('{"schema":"{\\"type\\":\\"rec'),
    },
    { what: '500', answer: (response: ServerResponse) => response.writeHead(500).end('{}') },
    {
      what: '503 without a body',
      answer: (response: ServerResponse) => response.writeHead(503).end(),
    },
    { what: '429', answer: (response: ServerResponse) => response.writeHead(429).end('{}') },
    { what: 'nothing at all', answer: () => {} },
    {
      what: 'with a connection that breaks',
      answer: (response: ServerResponse) => response.destroy(),
    },
  ])('$what is retried, and no message becomes a dead letter', async ({ answer }) => {
    await scene(async ({ work, send, booked, recovers, allBooked }) => {
      const fake = await FakeRegistry.start(answer);
      try {
        work({ env: { SCHEMA_REGISTRY_URL: fake.url } });
        await send(100);
        // A second time: the first answer was not believed.
        await until('the registry was asked for the schema again', () => fake.asked > 1);
        expect(await booked()).toBe(0);
        fake.answer = undefined;
        await recovers();
        await allBooked();
      } finally {
        await fake.close();
      }
    });
  });

  test('404 makes dead letters of the messages with that schema only', async () => {
    await scene(async ({ world, work, send, allBooked }) => {
      const [unknown] = await world.encode([
        { session_id: 'unknown', metric: { type: 'vad_metrics', ...VAD } },
      ]);
      const value = Buffer.from(unknown?.value ?? Buffer.alloc(0));
      value.writeUInt32BE(0x7000_0001, 1);
      work();
      await send(50);
      await world.send([{ key: 'unknown', value }]);
      await allBooked();
      const { rows } = await world.database.query('SELECT reason, value FROM dead_letter');
      expect(rows).toEqual([{ reason: 'unknown_schema', value }]);
    });
  });
});

const VAD = {
  label: 'silero',
  timestamp: 1_790_000_000,
  idle_time: 1,
  inference_duration_total: 0.1,
  inference_count: 3,
  metadata: null,
};

type Answer = (response: ServerResponse) => unknown;

/** Stands before the real registry and answers in its place, as long as `answer` is set. */
class FakeRegistry {
  answer: Answer | undefined;
  /** How often for a schema by its id. */
  asked = 0;
  readonly #server: Server;

  private constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(answer: Answer): Promise<FakeRegistry> {
    const fake = new FakeRegistry(answer);
    await new Promise<void>((resolve) => {
      fake.#server.listen(0, '127.0.0.1', resolve);
    });
    return fake;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith('/schemas/ids/')) this.asked += 1;
    if (this.answer !== undefined) {
      this.answer(response);
      return;
    }
    const real = await fetch(stackUrls().schemaRegistryUrl + (request.url ?? ''));
    const headers = { 'content-type': real.headers.get('content-type') ?? 'application/json' };
    response.writeHead(real.status, headers).end(await real.text());
  }
}

import { afterAll, beforeAll, expect, test } from 'vitest';
import { UsageEmitter } from '../../clients/node/src/index.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { newWorld, type World } from '../support/world.ts';

const FLUSH_MS = 60_000;

let kafka: OwnService;
let world: World;

beforeAll(async () => {
  kafka = await ownService('kafka');
  world = await newWorld(2, kafka.urls);
});

afterAll(async () => {
  await world?.close();
  await kafka.stop();
});

test('what an agent emits while the broker is down is in the ledger after it, once', async () => {
  const warnings: string[] = [];
  const emitter = new UsageEmitter({
    brokers: [kafka.urls.kafkaBrokers],
    schemaRegistryUrl: kafka.urls.schemaRegistryUrl,
    topic: world.topic,
    warn: (message) => warnings.push(message),
  });
  let emitted = 0;
  const emit = (count: number) => {
    for (let i = 0; i < count; i += 1) {
      emitted += 1;
      emitter.emit(speech(emitted), { sessionId: `call-${emitted % 3}` });
    }
  };

  emit(100);
  expect(await emitter.flush(FLUSH_MS)).toBe(true);
  await kafka.process.kill();
  emit(500);
  expect(await emitter.flush(3_000)).toBe(false);
  expect(emitter.stats).toEqual({ sent: 100, failed: 0, dropped: 0 });
  await kafka.process.start();
  emit(100);
  expect(await emitter.flush(FLUSH_MS)).toBe(true);
  await emitter.close();
  expect(emitter.stats).toEqual({ sent: emitted, failed: 0, dropped: 0 });
  expect(warnings).not.toEqual([]);
  // One for each way in which it failed, not one for each attempt.
  expect(new Set(warnings).size).toBe(warnings.length);

  await world.run();
  const { rows } = await world.database.query(
    'SELECT sum(event_count)::int AS events, sum(characters_count)::int AS characters FROM session_model_usage',
  );
  expect(rows).toEqual([{ events: emitted, characters: emitted * 121 }]);
});

const speech = (id: number) => ({
  type: 'tts_metrics',
  label: 'fake.TTS',
  requestId: `speech-4b7ae91f0c5d2e6a8-${id}`,
  timestamp: 1_795_000_000_000 + id,
  ttfbMs: 180,
  durationMs: 950,
  audioDurationMs: 3_120,
  charactersCount: 121,
  cancelled: false,
  streamed: true,
  metadata: { modelProvider: 'fake', modelName: 'voice' },
});

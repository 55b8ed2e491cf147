import { EventEmitter } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { UsageEmitter } from '../src/emitter.ts';

const NOWHERE = { brokers: ['127.0.0.1:1'], schemaRegistryUrl: 'http://127.0.0.1:1' };
const open: UsageEmitter[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((emitter) => emitter.close()));
});

function emitterWith(warn: (message: string) => void, options = {}): UsageEmitter {
  const emitter = new UsageEmitter({ ...NOWHERE, closeTimeoutMs: 1, warn, ...options });
  open.push(emitter);
  return emitter;
}

const vad = () => ({ type: 'vad_metrics', label: 'v', timestamp: 1 });

test('nothing that a session emits makes its emitter throw, nor does a logger that fails', () => {
  const session = new EventEmitter();
  const emitter = emitterWith(() => {
    throw new Error('no space left on device');
  });
  emitter.attach(session, { sessionId: 's' });
  for (const argument of [undefined, null, {}, { metrics: 7 }, { metrics: { type: 'future' } }]) {
    session.emit('metrics_collected', argument);
    session.emit('session_usage_updated', argument);
    session.emit('close', argument);
  }
  session.emit('session_usage_updated', { usage: { modelUsage: 'none' } });
  session.emit('close');
  expect(emitter.stats.failed).toBe(6);
});

test('a metric that reaches two sessions is warned of once', () => {
  const warnings: string[] = [];
  const emitter = emitterWith((message) => warnings.push(message));
  const sessions = ['one', 'two'].map((sessionId) => {
    const session = new EventEmitter();
    emitter.attach(session, { sessionId });
    return session;
  });
  for (const metrics of [vad(), vad()]) {
    for (const session of sessions) session.emit('metrics_collected', { metrics });
  }
  expect(warnings).toEqual([
    expect.stringContaining('sessions one and two receive the same metrics'),
  ]);
});

test('close may be called twice and at once, and says what was lost', async () => {
  const warnings: string[] = [];
  const emitter = emitterWith((message) => warnings.push(message), { bufferMaxBytes: 1_000 });
  for (let i = 0; i < 10; i += 1) emitter.emit(vad(), { sessionId: 's' });
  const { dropped } = emitter.stats;
  expect(dropped).toBeGreaterThan(0);
  await Promise.all([emitter.close(), emitter.close()]);
  await emitter.close();
  expect(emitter.stats).toEqual({ sent: 0, failed: 0, dropped: 10 });
  expect(warnings).toEqual([
    'the buffer of usage events is full: dropping the oldest',
    `${dropped} usage events were dropped because the buffer was full`,
    `${10 - dropped} usage events were not acknowledged within 0.001 s and are lost`,
  ]);
});

test('options that cannot work are refused before the call', () => {
  expect(() => new UsageEmitter({ ...NOWHERE, brokers: [] })).toThrow('brokers');
  expect(() => new UsageEmitter({ ...NOWHERE, schemaRegistryUrl: 'here' })).toThrow(
    'schemaRegistryUrl is not an address: here',
  );
  const emitter = emitterWith(() => {});
  expect(() => emitter.attach(new EventEmitter(), { sessionId: '' })).toThrow('sessionId');
});

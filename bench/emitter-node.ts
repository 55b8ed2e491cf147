/**
 * What the Node emitter costs the agent that it runs in: microseconds of the event loop per event (the
 * median of bursts of 1,000), of the processor with everything until the acknowledgement, and for how long the
 * loop is held while events come at a pace that no call has: without an emitter, with a broker and without
 * one. [events] may be given.
 */
import { EventEmitter } from 'node:events';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { UsageEmitter } from '../clients/node/src/index.ts';
import { startStack } from '../tools/stack/stack.ts';

const TOPIC = 'bench-emitter';
const BURST = 1_000;
const PACED_EVENTS = 5_000;
const EVENTS_PER_10_MS = 5;

const events = Number(process.argv[2] ?? 100_000);
const stack = await startStack({ progress: (line) => process.stderr.write(`${line}\n`) });
const brokers = stack.kafkaBrokers.split(',');
const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 4 }] });
await admin.disconnect();
const { schemaRegistryUrl } = stack;
try {
  const line = (name: string, value: string) => console.log(`${name.padEnd(46)}${value}`);
  console.log(`${events} events, Node ${process.version}\n`);
  const { loop, cpu } = await burst(events);
  line('event loop, per event', `${loop.toFixed(1)} µs`);
  line('processor, per event, until acknowledged', `${cpu.toFixed(1)} µs`);
  line('loop held at 500 events/s, no emitter', await paced(new EventEmitter()));
  for (const [name, to] of Object.entries({ 'a broker': brokers, 'no broker': ['127.0.0.1:1'] })) {
    const { emitter, session } = attached(to);
    line(`loop held at 500 events/s, ${name}`, await paced(session));
    await emitter.close();
  }
} finally {
  await stack.stop();
}

function attached(to: readonly string[]) {
  const emitter = new UsageEmitter({
    brokers: to,
    schemaRegistryUrl,
    topic: TOPIC,
    bufferMaxBytes: 256 * 1_048_576,
    closeTimeoutMs: 1,
    warn: () => {},
  });
  const session = new EventEmitter();
  emitter.attach(session, { sessionId: 'AJ_3yT9kQ2mZxUw', accountId: 'acct-1' });
  return { emitter, session };
}

async function burst(count: number): Promise<{ loop: number; cpu: number }> {
  const { emitter, session } = attached(brokers);
  const run = async (upTo: number) => {
    const cpuBefore = process.cpuUsage();
    const bursts: number[] = [];
    for (let i = 0; i < upTo; i += BURST) {
      const metrics = Array.from({ length: BURST }, (_, j) => metricOf(i + j));
      const began = performance.now();
      for (const metric of metrics) session.emit('metrics_collected', { metrics: metric });
      bursts.push(((performance.now() - began) * 1_000) / BURST);
      await nextTurn();
    }
    if (!(await emitter.flush(60_000))) throw new Error('not acknowledged within a minute');
    const { user, system } = process.cpuUsage(cpuBefore);
    bursts.sort((one, other) => one - other);
    return { loop: bursts[bursts.length >> 1] ?? 0, cpu: (user + system) / upTo };
  };
  await run(count / 5);
  const measured = await run(count);
  await emitter.close();
  return measured;
}

async function paced(session: EventEmitter): Promise<string> {
  const held = monitorEventLoopDelay({ resolution: 1 });
  held.enable();
  for (let i = 0; i < PACED_EVENTS; i += 1) {
    session.emit('metrics_collected', { metrics: metricOf(i) });
    if (i % EVENTS_PER_10_MS === 0) await delay(10);
  }
  held.disable();
  const ms = (nanoseconds: number) => `${(nanoseconds / 1e6).toFixed(1)} ms`;
  return `p99 ${ms(held.percentile(99))}, max ${ms(held.max)}`;
}

function metricOf(i: number): object {
  const common = { label: 'openai.LLM', requestId: `chatcmpl-9bN${i}`, timestamp: Date.now() };
  const metadata = { modelProvider: 'api.openai.com', modelName: 'gpt-4.1-mini' };
  switch (i % 4) {
    case 0:
      return {
        ...common,
        type: 'llm_metrics',
        durationMs: 812,
        ttftMs: 301,
        cancelled: false,
        completionTokens: 42,
        promptTokens: 1_337,
        promptCachedTokens: 1_024,
        totalTokens: 1_379,
        tokensPerSecond: 51.7,
        speechId: 'speech_2f1c',
        metadata,
      };
    case 1:
      return {
        ...common,
        type: 'tts_metrics',
        ttfbMs: 180,
        durationMs: 950,
        audioDurationMs: 3_120,
        charactersCount: 121,
        cancelled: false,
        streamed: true,
        speechId: 'speech_2f1c',
        metadata,
      };
    case 2:
      return {
        ...common,
        type: 'stt_metrics',
        durationMs: 0,
        audioDurationMs: 5_040,
        streamed: true,
        metadata,
      };
    default:
      return {
        type: 'eou_metrics',
        timestamp: Date.now(),
        endOfUtteranceDelayMs: 412,
        transcriptionDelayMs: 230,
        onUserTurnCompletedDelayMs: 1,
        lastSpeakingTimeMs: Date.now(),
        speechId: 'speech_2f1c',
      };
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { encodeEvent } from '../produce/encoder.ts';
import { EventProducer, type ProducedMessage } from '../produce/event-producer.ts';
import { registerSchema } from '../registry/subjects.ts';
import { simulateEvents } from '../simulate/simulate-events.ts';
import { command, context, JSON_OPTION, note, printResult } from './command.ts';
import { share, wholeNumber } from './options.ts';
import { ProgressBar } from './progress-bar.ts';
import { together } from './reach.ts';
import { reachKafka } from './reach-kafka.ts';
import { reachRegistry } from './reach-registry.ts';

/** Duplicates are picked from this many recent messages, as from a retrying producer. */
const RECENT = 1_000;
const TICK_MS = 20;

interface SimulateOptions {
  sessions: number;
  rate?: number;
  duplicates: number;
  seed: number;
  topic?: string;
  json: boolean;
}

export function simulateCommand() {
  return command('simulate', 'produce synthetic call traffic')
    .option('--sessions <n>', 'number of calls', wholeNumber(1), 100)
    .option('--rate <n>', 'events per second (default: unlimited)', wholeNumber(1))
    .option('--duplicates <share>', 'share of events that are sent a second time, 0 to 1', share, 0)
    .option('--seed <n>', 'the same seed gives the same calls', wholeNumber(0, 0xffff_ffff), 1)
    .option('--topic <topic>', 'topic to send to (default: the first of KAFKA_TOPICS)')
    .option(...JSON_OPTION)
    .action(async (options: SimulateOptions) => {
      const { settings, logger } = context(['kafka', 'registry']);
      const topic = options.topic ?? settings.KAFKA_TOPICS[0] ?? '';
      const [kafka, registry] = await together([
        reachKafka(settings, logger),
        reachRegistry(settings),
      ]);
      const schemaId = await registerSchema(registry, settings, topic);
      // Simulated calls are billed like real ones: name the target, in case it is the wrong one.
      note(`sending simulated calls to ${topic} at ${settings.KAFKA_BROKERS.join(', ')}`);
      const producer = new EventProducer(kafka, topic);
      const pace = paceOf(options.rate);
      const recent: ProducedMessage[] = [];
      let events = 0;
      let duplicates = 0;
      const bar = new ProgressBar('sending');
      // Calls begin one after another, and a few are under way at a time.
      const begun = new Set<string>();
      await producer.connect();
      try {
        for (const event of simulateEvents({ sessions: options.sessions, seed: options.seed })) {
          const message = await encodeEvent(registry, schemaId, event);
          await producer.add(message);
          events += 1;
          recent[events % RECENT] = message;
          // By the running share, so that a seed reproduces its duplicates too.
          if (duplicates < Math.floor(events * options.duplicates)) {
            const again = recent[(events * 7919) % recent.length] ?? message;
            await producer.add(again);
            duplicates += 1;
          }
          begun.add(event.session_id);
          bar.update(begun.size, options.sessions, events + duplicates);
          await pace(events + duplicates, () => producer.flush());
        }
        await producer.flush();
      } finally {
        bar.clear();
        await producer.disconnect();
      }
      printResult(
        options.json,
        { topic, sessions: options.sessions, events, duplicates },
        `${events} events of ${options.sessions} calls and ${duplicates} duplicates sent to ${topic}`,
      );
    });
}

/** Limits production to a rate, in steps of 20 ms; flushes before each pause. */
function paceOf(rate: number | undefined) {
  const begun = performance.now();
  return async (sent: number, flush: () => Promise<void>): Promise<void> => {
    if (rate === undefined) return;
    const ahead = (sent / rate) * 1_000 - (performance.now() - begun);
    if (ahead < TICK_MS) return;
    await flush();
    await delay(ahead);
  };
}

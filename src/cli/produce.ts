import { statSync } from 'node:fs';
import { type EventInput, encodeEvent } from '../produce/encoder.ts';
import { EventProducer } from '../produce/event-producer.ts';
import { sendFile } from '../produce/send-file.ts';
import { registerSchema } from '../registry/subjects.ts';
import { command, context, JSON_OPTION, note, printResult } from './command.ts';
import { ProgressBar } from './progress-bar.ts';
import { together } from './reach.ts';
import { reachKafka } from './reach-kafka.ts';
import { reachRegistry } from './reach-registry.ts';

export function produceCommand() {
  return command('produce', 'encode events as Avro and send them; stops at the first invalid line')
    .requiredOption(
      '--file <events.jsonl>',
      'lines of {"session_id": "…", "metric": {"type": "…", …}}; account_id and attributes are optional',
    )
    .option('--topic <topic>', 'topic to send to (default: the first of KAFKA_TOPICS)')
    .option(...JSON_OPTION)
    .action(async (options: { file: string; topic?: string; json: boolean }) => {
      const { settings, logger } = context(['kafka', 'registry']);
      const topic = options.topic ?? settings.KAFKA_TOPICS[0] ?? '';
      const [kafka, registry] = await together([
        reachKafka(settings, logger),
        reachRegistry(settings),
      ]);
      const schemaId = await registerSchema(registry, settings, topic);
      const producer = new EventProducer(kafka, topic);
      await producer.connect();
      const bar = new ProgressBar('sending');
      const size = statSync(options.file, { throwIfNoEntry: false })?.size ?? 0;
      try {
        const encode = (event: EventInput) => encodeEvent(registry, schemaId, event);
        const warn = (message: string) => note(`warning: ${message}`);
        await sendFile(options.file, producer, encode, warn, (bytes) =>
          bar.update(bytes, size, producer.sent),
        );
      } finally {
        bar.clear();
        await producer.disconnect();
      }
      const { sent } = producer;
      printResult(
        options.json,
        { topic, sent, schema_id: schemaId },
        `${sent} events sent to ${topic}, encoded with schema ${schemaId}`,
      );
    });
}

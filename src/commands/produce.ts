import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { messageOf, WrongUsageError } from '../errors.ts';
import { encodeEvent, parseEventLine } from '../produce/encoder.ts';
import { EventProducer } from '../produce/event-producer.ts';
import { registerSchema } from '../registry/subjects.ts';
import { command, context, print } from './command.ts';
import { reachKafka, reachRegistry, together } from './dependencies.ts';

export function produceCommand() {
  return command('produce', 'encode a file of events to Avro and send them')
    .requiredOption(
      '--file <events.jsonl>',
      'lines of {"session_id": "…", "metric": {"type": "…", …}}; account_id and attributes may follow',
    )
    .option('--topic <topic>', 'topic to send to (default: the first of KAFKA_TOPICS)')
    .action(async (options: { file: string; topic?: string }) => {
      const { settings, logger } = context(['kafka', 'registry']);
      const topic = options.topic ?? settings.KAFKA_TOPICS[0] ?? '';
      const [kafka, registry] = await together([
        reachKafka(settings, logger),
        reachRegistry(settings),
      ]);
      const schemaId = await registerSchema(registry, settings, topic);
      const producer = new EventProducer(kafka, topic);
      await producer.connect();
      try {
        for await (const { number, text } of linesOf(options.file)) {
          try {
            await producer.add(await encodeEvent(registry, schemaId, parseEventLine(text)));
          } catch (error) {
            if (!(error instanceof WrongUsageError)) throw error;
            await producer.flush();
            throw new WrongUsageError(
              `${options.file}, line ${number}: ${error.message}; ` +
                `the ${producer.sent} events before it were sent`,
            );
          }
        }
        await producer.flush();
      } finally {
        await producer.disconnect();
      }
      print(`${producer.sent} events sent to ${topic}, encoded with schema ${schemaId}`);
    });
}

async function* linesOf(file: string): AsyncGenerator<{ number: number; text: string }> {
  const input = createReadStream(file, 'utf8');
  const failed = new Promise<never>((_, reject) => {
    input.on('error', (error) => reject(new WrongUsageError(`--file: ${messageOf(error)}`)));
  });
  const opened = new Promise<void>((resolve) => {
    input.once('open', () => resolve());
  });
  await Promise.race([opened, failed]);
  if (statSync(file).isDirectory()) throw new WrongUsageError(`--file ${file} is a directory`);
  let number = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (text.trim() !== '') yield { number, text };
  }
}

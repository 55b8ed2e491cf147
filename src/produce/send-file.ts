import { WrongUsageError } from '../errors.ts';
import { checkEvent } from './check-event.ts';
import { type EncodedEvent, type EventInput, parseEventLine } from './encoder.ts';
import { type EventLine, linesOf } from './event-lines.ts';
import {
  type EventProducer,
  MessageTooLargeError,
  type ProducedMessage,
} from './event-producer.ts';
import { unknownFields } from './unknown-fields.ts';

type Encode = (event: EventInput) => Promise<EncodedEvent>;

/**
 * Sends the events of a file in order, up to the first invalid line.
 *
 * @param warn called once for each field that the schema does not have, with the first line of it
 * @param progress called after each event with the bytes of the file so far
 * @throws {WrongUsageError} with that line, its field, and how many events before it were sent
 */
export async function sendFile(
  file: string,
  producer: EventProducer,
  encode: Encode,
  warn: (message: string) => void,
  progress: (bytes: number) => void = () => {},
): Promise<void> {
  const warned = new Set<string>();
  const warnOf = (event: EventInput, line: number) => {
    const unknown = unknownFields(event).filter((name) => !warned.has(name));
    for (const name of unknown) warned.add(name);
    if (unknown.length > 0) {
      warn(
        `${file}, line ${line}: not sent, since the schema has no such field: ${unknown.join(', ')}`,
      );
    }
  };
  // A message that is too large is only detected when its batch is sent.
  const numbers = new WeakMap<ProducedMessage, number>();
  let bytes = 0;
  try {
    for await (const line of linesOf(file)) {
      const message = await messageOf(file, line, encode, warnOf);
      numbers.set(message, line.number);
      await producer.add(message);
      bytes += Buffer.byteLength(line.text) + 1;
      progress(bytes);
    }
    await producer.flush();
  } catch (error) {
    if (!(error instanceof WrongUsageError)) throw error;
    const first = (await tooLargeBefore(producer)) ?? error;
    const isTooLarge = first instanceof MessageTooLargeError;
    const where = isTooLarge ? `${file}, line ${numbers.get(first.rejected)}: ` : '';
    throw new WrongUsageError(
      `${where}${first.message}; the ${producer.sent} events before it were sent`,
      { cause: first },
    );
  }
}

async function messageOf(
  file: string,
  { number, text }: EventLine,
  encode: Encode,
  warnOf: (event: EventInput, line: number) => void,
): Promise<EncodedEvent> {
  try {
    const event = parseEventLine(text);
    const encoded = await encode(event);
    checkEvent(event, encoded);
    warnOf(event, number);
    return encoded;
  } catch (error) {
    if (!(error instanceof WrongUsageError)) throw error;
    throw new WrongUsageError(`${file}, line ${number}: ${error.message}`, { cause: error });
  }
}

/** Sends the buffered messages, one of which may be too large and so the first invalid one. */
async function tooLargeBefore(producer: EventProducer): Promise<MessageTooLargeError | undefined> {
  try {
    await producer.flush();
    return undefined;
  } catch (error) {
    if (error instanceof MessageTooLargeError) return error;
    throw error;
  }
}

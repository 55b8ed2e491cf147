import { WrongUsageError } from '../errors.ts';
import { checkEvent } from './check-event.ts';
import { type EncodedEvent, type EventInput, parseEventLine } from './encoder.ts';
import { type EventLine, linesOf } from './event-lines.ts';
import {
  type EventProducer,
  MessageTooLargeError,
  type ProducedMessage,
} from './event-producer.ts';

type Encode = (event: EventInput) => Promise<EncodedEvent>;

/**
 * Sends the events of a file in order, up to the first invalid line.
 *
 * @throws {WrongUsageError} with that line, its field, and how many events before it were sent
 */
export async function sendFile(
  file: string,
  producer: EventProducer,
  encode: Encode,
): Promise<void> {
  // A message that is too large is only detected when its batch is sent.
  const numbers = new WeakMap<ProducedMessage, number>();
  try {
    for await (const line of linesOf(file)) {
      const message = await messageOf(file, line, encode);
      numbers.set(message, line.number);
      await producer.add(message);
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
): Promise<EncodedEvent> {
  try {
    const event = parseEventLine(text);
    const encoded = await encode(event);
    checkEvent(event, encoded);
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

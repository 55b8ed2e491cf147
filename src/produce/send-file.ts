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
 * Sends the events of a file, in its order, up to the first line that is wrong.
 *
 * @throws {WrongUsageError} naming that line and its field, and how many events before it were sent
 */
export async function sendFile(
  file: string,
  producer: EventProducer,
  encode: Encode,
): Promise<void> {
  // That a message is too large is found out when its batch is sent.
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

/** Sends what still waits; one of those may turn out to be the first that is wrong. */
async function tooLargeBefore(producer: EventProducer): Promise<MessageTooLargeError | undefined> {
  try {
    await producer.flush();
    return undefined;
  } catch (error) {
    if (error instanceof MessageTooLargeError) return error;
    throw error;
  }
}

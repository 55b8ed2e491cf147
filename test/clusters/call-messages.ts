import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EventInput, encodeEvent } from '../../src/produce/encoder.ts';
import { recordedCalls } from '../../tools/demo/recorded-calls.ts';
import type { Scene } from './bill.ts';
import type { Lab } from './combination.ts';

const EVENTS_BETWEEN = 300;
const EVENTS_ABORTED = 50;

/** An event of the calls, or one that must never be billed, since its transaction is aborted. */
interface Line {
  readonly event: EventInput;
  readonly aborted: boolean;
}

/** The calls, with events of sessions that there never were in between. */
function lines(): Line[] {
  const { events } = recordedCalls();
  const found: Line[] = [];
  for (let start = 0; start < events.length; start += EVENTS_BETWEEN) {
    const chunk = events.slice(start, start + EVENTS_BETWEEN);
    found.push(...chunk.map((event) => ({ event, aborted: false })));
    found.push(
      ...chunk.slice(0, EVENTS_ABORTED).map((event) => ({
        event: { ...event, session_id: `aborted-${event.session_id}` },
        aborted: true,
      })),
    );
  }
  return found;
}

/** The calls as JSON lines, for a producer that encodes them itself. */
export async function writeEvents({ context }: Lab): Promise<string> {
  const file = join(context.watchdog.scratch, 'events.jsonl');
  await writeFile(
    file,
    lines().map((line) => `${JSON.stringify(line)}\n`),
  );
  return file;
}

/** The calls encoded: a line has key and value in base64 and 0 or 1, "aborted", between tabs. */
export async function writeMessages({ context }: Lab, scene: Scene): Promise<string> {
  const file = join(context.watchdog.scratch, 'messages.tsv');
  const { registry, schemaId } = scene;
  const encoded = await Promise.all(
    lines().map(async ({ event, aborted }) => {
      const { key, value } = await encodeEvent(registry, schemaId, event);
      const columns = [Buffer.from(key).toString('base64'), value.toString('base64')];
      return `${[...columns, aborted ? '1' : '0'].join('\t')}\n`;
    }),
  );
  await writeFile(file, encoded);
  return file;
}

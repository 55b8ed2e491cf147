import { readFileSync } from 'node:fs';
import { messageOf, WrongUsageError } from '../../src/errors.ts';
import type { EventInput } from '../../src/produce/encoder.ts';

// The recorded calls are test fixtures: the demo runs in a checkout.
const VECTORS = new URL('../../test/fixtures/vectors/', import.meta.url);

/** A row that must stand in `session_model_usage` or `session_usage_summary` afterwards. */
export type ExpectedRow = Readonly<Record<string, string | number>>;

/** Calls with what the Python implementation made of them. */
export interface RecordedCalls {
  readonly events: readonly EventInput[];
  readonly modelUsage: readonly ExpectedRow[];
  readonly usageSummary: readonly ExpectedRow[];
}

export function recordedCalls(directory: 'calls' | 'livekit-1.8.9/calls' = 'calls'): RecordedCalls {
  const lines = <T>(file: string) => linesOf<T>(new URL(`${directory}/${file}`, VECTORS));
  return {
    events: lines<EventInput>('events.jsonl'),
    modelUsage: lines<ExpectedRow>('expected_session_model_usage.jsonl'),
    usageSummary: lines<ExpectedRow>('expected_session_usage_summary.jsonl'),
  };
}

function linesOf<T>(file: URL): T[] {
  try {
    const text = readFileSync(file, 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  } catch (error) {
    throw new WrongUsageError(
      `the demo needs a checkout with its test fixtures: ${messageOf(error)}`,
    );
  }
}

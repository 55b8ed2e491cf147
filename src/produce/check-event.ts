import { decode } from '../decode/avro/decode.ts';
import { readerFor } from '../decode/avro/reader.ts';
import type { SchemaEntry } from '../decode/avro/schema-cache.ts';
import { WrongUsageError } from '../errors.ts';
import { loadEnvelopeSchema } from '../schemas/load.ts';
import { validate } from '../validate/validate.ts';
import type { EncodedEvent, EventInput } from './encoder.ts';

let entry: SchemaEntry | undefined;

/**
 * Refuses an event that the worker would refuse, by decoding and validating it with the worker's own
 * code.
 *
 * @throws {WrongUsageError} naming the field
 */
export function checkEvent(event: EventInput, { value }: EncodedEvent): void {
  // Checked before encoding, which replaces half a surrogate pair by another character.
  const problem = textProblem(event, '');
  if (problem !== undefined) throw new WrongUsageError(problem);
  entry ??= readerFor(loadEnvelopeSchema());
  const record = { offset: 0, timestamp: 0, key: null, value, headers: {} };
  const decoded = decode(record, { get: () => entry });
  if (decoded.outcome === 'dead_letter') throw new WrongUsageError(decoded.detail);
  if (decoded.outcome !== 'event') return;
  const validated = validate(decoded);
  if (!validated.valid) throw new WrongUsageError(validated.detail);
}

/** What JSON may have and an event may not: numbers out of range, ill-formed Unicode. */
function textProblem(value: unknown, path: string): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return `${path} is ${value}; expected a finite number`;
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    return `${path} is not well-formed Unicode`;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const problem =
      textProblem(name, `the name ${JSON.stringify(name)}`) ??
      textProblem(inner, path === '' ? name : `${path}.${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { messageOf, WrongUsageError } from '../errors.ts';
import { metricRecordName, NAMESPACE } from '../schemas/metric-records.ts';

/** An event before encoding: a line of a file for `produce`, or an event of `simulate`. */
export interface EventInput {
  readonly session_id: string;
  readonly account_id?: string | null;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly metric: { readonly type: string };
}

/** A message of the topic. */
export interface EncodedEvent {
  readonly key: string;
  readonly value: Buffer;
}

/**
 * Encodes an event with the registered schema; absent fields take their defaults.
 *
 * @throws {WrongUsageError} with the fields that are missing or invalid
 */
export async function encodeEvent(
  registry: SchemaRegistry,
  schemaId: number,
  event: EventInput,
): Promise<EncodedEvent> {
  const { type, ...fields } = event.metric;
  const record = metricRecordName(type);
  if (record === undefined)
    throw new WrongUsageError(`metric.type ${JSON.stringify(type)} is unknown`);
  const payload = {
    session_id: event.session_id,
    account_id: event.account_id ?? null,
    attributes: event.attributes ?? {},
    metric: { [`${NAMESPACE}.${record}`]: fields },
  };
  try {
    return { key: event.session_id, value: await registry.encode(schemaId, payload) };
  } catch (error) {
    throw new WrongUsageError(`${describe(error)}`, { cause: error });
  }
}

function describe(error: unknown): string {
  const isList = typeof error === 'object' && error !== null && 'paths' in error;
  const paths = isList && Array.isArray(error.paths) ? (error.paths as string[][]) : [];
  if (paths.length === 0) return messageOf(error);
  const names = paths.map((path) => path.join('.').replace(`${NAMESPACE}.`, ''));
  return `invalid, or missing without a default: ${[...new Set(names)].join(', ')}`;
}

/**
 * Parses one line of a file of events.
 *
 * @throws {WrongUsageError} when it is not JSON or not an event
 */
export function parseEventLine(line: string): EventInput {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw new WrongUsageError(`not JSON: ${messageOf(error)}`);
  }
  if (!isEvent(event)) {
    throw new WrongUsageError('expected {"session_id": "…", "metric": {"type": "…", …}}');
  }
  refuseUnknownFields(event);
  return event;
}

const EVENT_FIELDS = new Set(['session_id', 'account_id', 'attributes', 'metric']);

/** A misspelt account would be dropped silently. Those of the metric may be of a later version. */
function refuseUnknownFields(event: EventInput): void {
  const unknown = Object.keys(event).filter((name) => !EVENT_FIELDS.has(name));
  if (unknown.length > 0) throw new WrongUsageError(`unknown fields: ${unknown.join(', ')}`);
}

function isEvent(value: unknown): value is EventInput {
  if (typeof value !== 'object' || value === null) return false;
  const { session_id, metric } = value as Partial<EventInput>;
  return (
    typeof session_id === 'string' &&
    typeof metric === 'object' &&
    metric !== null &&
    typeof metric.type === 'string'
  );
}

import type { WireMetric } from './wire.ts';

/** Milliseconds without the suffix. */
const MILLISECONDS = new Set([
  'timestamp',
  'totalDuration',
  'predictionDuration',
  'detectionDelay',
]);
/** Names of the Node SDK that are other words than ours, all of them milliseconds. */
const RENAMED: Readonly<Record<string, string>> = {
  sessionStartedAt: 'session_started_time',
  avatarJoinedAt: 'avatar_joined_time',
};
/** Known to the Node SDK alone, of no account to a ledger. */
const LEFT_OUT = new Set(['lastSpeakingTimeMs']);
/** -1 stands for "never", in either unit. */
const NEVER = -1;

/**
 * A metric of `@livekit/agents` in our names and units: camelCase to snake_case, milliseconds to seconds.
 * What is undefined is left out.
 */
export function toWire({ type: _, ...metric }: Readonly<Record<string, unknown>>): WireMetric {
  return converted(metric);
}

function converted(metric: Readonly<Record<string, unknown>>): WireMetric {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(metric)) {
    if (value === undefined || LEFT_OUT.has(name)) continue;
    const renamed = RENAMED[name];
    if (renamed !== undefined) wire[renamed] = seconds(value);
    else if (name.endsWith('Ms')) wire[snake(name.slice(0, -2))] = seconds(value);
    else wire[snake(name)] = MILLISECONDS.has(name) ? seconds(value) : nested(value);
  }
  return wire;
}

function nested(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nested);
  return typeof value === 'object' && value !== null
    ? converted(value as Record<string, unknown>)
    : value;
}

function seconds(value: unknown): unknown {
  return typeof value === 'number' && value !== NEVER ? value / 1_000 : value;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

import { messageOf } from '../errors.ts';
import type { MissingTopic } from '../kafka/topics.ts';
import type { PartitionStatus } from '../worker/partition-status.ts';

/** A partition with lag must advance within this time. */
const STALLED_MS = 60_000;
/** More assignments than this within a minute mean that members rejoin repeatedly. */
const MANY_ASSIGNMENTS = 10;
/** A dependency must answer a probe within this time. */
const PROBE_MS = 2_000;

export interface ReadinessProbes {
  /** Whether the group has assigned partitions to this worker (possibly none). */
  readonly isAssigned: () => boolean;
  readonly status: () => readonly PartitionStatus[];
  /** Number of assignments within the last minute. */
  readonly assignments: () => number;
  readonly missingTopics: () => readonly MissingTopic[];
  readonly database: () => Promise<unknown>;
  readonly registry: () => Promise<unknown>;
}

/** The reasons why the worker is not ready; empty when it is. */
export async function readinessProblems(
  probes: ReadinessProbes,
  now = Date.now(),
): Promise<string[]> {
  const [database, registry] = await Promise.all([
    problemOf('database', probes.database),
    problemOf('schema registry', probes.registry),
  ]);
  return [
    ...groupProblems(probes),
    ...database,
    ...registry,
    ...partitionProblems(probes.status(), now),
  ];
}

function groupProblems({ isAssigned, assignments, missingTopics }: ReadinessProbes): string[] {
  const problems = isAssigned() ? [] : ['the group has not assigned partitions yet'];
  const count = assignments();
  if (count > MANY_ASSIGNMENTS) {
    problems.push(`the group assigned partitions ${count} times within the last minute`);
  }
  for (const { topic, why } of missingTopics()) problems.push(`topic ${topic} is not read: ${why}`);
  return problems;
}

function partitionProblems(status: readonly PartitionStatus[], now: number): string[] {
  const problems: string[] = [];
  for (const { topic, partition, state, position, lag, advancedAt, starts, detail } of status) {
    const where = `${topic}/${partition}`;
    const seconds = Math.round((now - advancedAt) / 1_000);
    const isStalled = now - advancedAt > STALLED_MS && (lag > 0 || state === 'starting');
    if (state === 'halted') problems.push(`${where} is halted at offset ${position}: ${detail}`);
    else if (isStalled) {
      const again = starts > 1 ? ` and was started ${starts} times` : '';
      const why = detail === undefined ? '' : `: ${detail}`;
      problems.push(`${where} has not advanced for ${seconds} s${again}, lag ${lag}${why}`);
    }
  }
  return problems;
}

async function problemOf(name: string, probe: () => Promise<unknown>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PROBE_MS} ms`)), PROBE_MS);
  });
  try {
    await Promise.race([probe(), late]);
    return [];
  } catch (error) {
    return [`${name}: ${messageOf(error)}`];
  } finally {
    clearTimeout(timer);
  }
}

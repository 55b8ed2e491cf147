import type { ReportedModelUsage, SessionUsageReport } from '../livekit/types.ts';
import { COUNT_COLUMNS, DURATION_COLUMNS } from '../livekit/usage-columns.ts';
import { countProblem, durationProblem, nameProblem, timestampProblem } from './value-problems.ts';

/** Of one report. A call uses a handful of models; the sum of so many counts is still a bigint. */
export const MAX_REPORTED_MODELS = 1_000;

/** What is wrong with a report of an agent's own count; `undefined`: nothing is. */
export function reportProblem({ timestamp, model_usage }: SessionUsageReport): string | undefined {
  const problem = timestampProblem(timestamp);
  if (problem !== undefined) return problem;
  if (model_usage.length > MAX_REPORTED_MODELS) {
    return `model_usage has ${model_usage.length} elements; expected at most ${MAX_REPORTED_MODELS}`;
  }
  for (const [i, usage] of model_usage.entries()) {
    const problem = usageProblem(usage);
    if (problem !== undefined) return `model_usage[${i}].${problem}`;
  }
  return undefined;
}

function usageProblem(usage: ReportedModelUsage): string | undefined {
  for (const name of ['type', 'provider', 'model'] as const) {
    const problem = nameProblem(name, usage[name]);
    if (problem !== undefined) return problem;
  }
  for (const name of COUNT_COLUMNS) {
    const problem = countProblem(name, usage[name]);
    if (problem !== undefined) return problem;
  }
  for (const name of DURATION_COLUMNS) {
    const problem = durationProblem(name, usage[name]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

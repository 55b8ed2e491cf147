import { EXHAUSTING_FAULTS } from './exhausting.ts';
import { POSTGRES_FAULTS } from './postgres-state.ts';
import { REGISTRY_FAULTS } from './registry-nonsense.ts';
import type { Fault } from './scene.ts';
import { SERVICE_FAULTS } from './services.ts';
import { TOPIC_FAULTS } from './topics.ts';
import { WORKER_FAULTS } from './workers.ts';

export const FAULTS = {
  ...WORKER_FAULTS,
  ...SERVICE_FAULTS,
  ...POSTGRES_FAULTS,
  ...REGISTRY_FAULTS,
  ...TOPIC_FAULTS,
  ...EXHAUSTING_FAULTS,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** How often a fault is drawn for once that each of the others is. */
const WEIGHTS: Readonly<Partial<Record<FaultName, number>>> = {
  'kill at a step': 8,
  'kill at a step of the drain': 3,
  'kill at any time': 3,
  'Postgres is restored to an earlier moment': 2,
};

/** The cards of the long torture. */
export const ALL_FAULTS: readonly FaultName[] = (Object.keys(FAULTS) as FaultName[]).flatMap(
  (name) => Array<FaultName>(WEIGHTS[name] ?? 1).fill(name),
);

/** @throws when there is no such fault */
export function faultsNamed(list: string): FaultName[] {
  return list.split(',').map((text) => {
    const name = text.trim();
    if (name in FAULTS) return name as FaultName;
    throw new Error(`there is no fault "${name}"; there are: ${Object.keys(FAULTS).join(', ')}`);
  });
}

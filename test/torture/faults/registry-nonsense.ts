import { setTimeout as delay } from 'node:timers/promises';
import { NONSENSE } from '../nonsense-proxy.ts';
import type { Fault } from './scene.ts';

export const REGISTRY_FAULTS = {
  'something else answers for the registry': async ({ fleet, registry, random, killed }) => {
    registry.says = random.pick(NONSENSE);
    // Who has just started knows no schema.
    for (const victim of fleet.workers) {
      await fleet.kill(victim);
      killed('registry talks nonsense');
    }
    fleet.refill();
    const before = registry.answered;
    while (registry.answered < before + 3) await delay(50);
    await delay(random.integer(0, 2_000));
    registry.says = undefined;
  },
} as const satisfies Record<string, Fault>;

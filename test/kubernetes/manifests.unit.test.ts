import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SETTINGS } from '../../src/config/settings.ts';
import { METRICS } from '../../src/http/metrics/metric-list.ts';
import { textOf } from '../containers/compose.ts';
import { type KubernetesObject, rendered, settingsOf, written } from './documents.ts';
import { renderCommand } from './kustomize.ts';
import { unknownFields, validate } from './schemas.ts';

const { version } = JSON.parse(textOf('package.json')) as { version: string };
const OVERLAYS = ['plain', 'operators'] as const;
type Overlay = (typeof OVERLAYS)[number];

let command: string[] | undefined;
let objectsOf: (overlay: Overlay) => KubernetesObject[];
beforeAll(async () => {
  const found = await renderCommand();
  if (found === undefined) {
    process.stderr.write('no kustomize, kubectl or Go here: the files are validated as written\n');
  }
  const objects = OVERLAYS.map((overlay) =>
    found === undefined ? written(overlay) : rendered(overlay, found),
  );
  objectsOf = (overlay) => objects[OVERLAYS.indexOf(overlay)] ?? [];
  command = found;
}, 600_000);

const container = z.looseObject({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  resources: z.looseObject({
    requests: z.unknown(),
    limits: z.looseObject({ memory: z.string() }),
  }),
  securityContext: z.unknown(),
});
const podSpec = z.looseObject({
  containers: z.array(container),
  initContainers: z.array(container).default([]),
  securityContext: z.unknown(),
  automountServiceAccountToken: z.boolean(),
  terminationGracePeriodSeconds: z.number().optional(),
});
const withPods = z.looseObject({ spec: z.looseObject({ template: z.object({ spec: podSpec }) }) });

/** The pods of Deployments and Jobs. */
function podsOf(objects: readonly KubernetesObject[]) {
  return objects
    .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
    .map((object) => ({
      name: object.metadata.name,
      ...withPods.parse(object).spec.template.spec,
    }));
}

describe.each(OVERLAYS)('the overlay %s', (overlay) => {
  test('is what the schemas of Kubernetes, KEDA and the Prometheus Operator describe', async () => {
    const objects = objectsOf(overlay);
    await Promise.all(objects.map(async (object) => await validate(object)));
    expect(unknownFields(objects)).toEqual([]);
  });

  test('has what the restricted Pod Security Standard asks for, and a read-only file system', () => {
    const pods = podsOf(objectsOf(overlay));
    expect(pods).toHaveLength(2);
    for (const pod of pods) {
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const { securityContext } of [...pod.containers, ...pod.initContainers]) {
        expect(securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  test('lets a worker drain before it is killed', () => {
    const worker = podsOf(objectsOf(overlay)).find(({ name }) => name === 'usage-ledger-worker');
    const drain = worker?.containers[0]?.env.find(({ name }) => name === 'SHUTDOWN_TIMEOUT_S');
    expect(drain?.value).toBe(SETTINGS.SHUTDOWN_TIMEOUT_S.fallback);
    expect(worker?.terminationGracePeriodSeconds).toBe(Number(drain?.value) + 15);
  });

  test('runs the version of the package, and migrates under its name', () => {
    const pods = podsOf(objectsOf(overlay));
    expect(pods.map(({ name }) => name).sort()).toEqual([
      `usage-ledger-migrate-${version.replaceAll('.', '-')}`,
      'usage-ledger-worker',
    ]);
    if (command === undefined) return;
    for (const { containers, initContainers } of pods) {
      for (const { image } of [...containers, ...initContainers]) {
        expect(image).toBe(`usage-ledger:${version}`);
      }
    }
  });

  test('has no Secret, and sets only known settings', () => {
    const objects = objectsOf(overlay);
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const names = [
      ...Object.keys(settingsOf(overlay)),
      ...podsOf(objects).flatMap(({ containers, initContainers }) =>
        [...containers, ...initContainers].flatMap(({ env }) => env.map(({ name }) => name)),
      ),
    ];
    for (const name of names) {
      const setting = Object.entries(SETTINGS).find(
        ([known, spec]) => known === name || ('secret' in spec && `${known}_FILE` === name),
      );
      expect(setting, name).toBeDefined();
      expect(setting?.[0] === name && 'secret' in (setting?.[1] ?? {}), name).toBe(false);
    }
  });
});

test('a field that no schema knows is found', () => {
  const [deployment] = objectsOf('plain').filter(({ kind }) => kind === 'Deployment');
  const misspelled = { ...(deployment as KubernetesObject), spek: {} };
  expect(unknownFields([misspelled])).toEqual([
    expect.stringContaining('\'"spek"\' does not exist'),
  ]);
});

test('the scaler reads what it needs from the settings of the worker', () => {
  const { spec } = z
    .looseObject({
      spec: z.looseObject({
        triggers: z.array(z.object({ metadata: z.record(z.string(), z.string()) })),
      }),
    })
    .parse(objectsOf('operators').find(({ kind }) => kind === 'ScaledObject'));
  const read = Object.entries(spec.triggers[0]?.metadata ?? {}).filter(([key]) =>
    key.endsWith('FromEnv'),
  );
  expect(read).toHaveLength(3);
  for (const [, name] of read) expect(Object.keys(settingsOf('operators'))).toContain(name);
});

test('every metric that the alerts use is one of the worker', () => {
  const text = textOf('deploy/kubernetes/overlays/operators/prometheus-rule.yaml');
  const used = [...text.matchAll(/usage_ledger_([a-z_]+)/g)].map(([, name = '']) => name);
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((name) => !(name in METRICS))).toEqual([]);
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

const FOLDER = fileURLToPath(new URL('../../deploy/kubernetes', import.meta.url));

const document = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const kustomization = z.object({
  resources: z.array(z.string()),
  configMapGenerator: z.array(z.object({ literals: z.array(z.string()) })).default([]),
});

export type KubernetesObject = z.output<typeof document>;

/** Objects of a rendered overlay. */
export function rendered(overlay: string, command: readonly string[]): KubernetesObject[] {
  const [file = '', ...args] = command;
  return parseObjects(
    execFileSync(file, [...args, join(FOLDER, 'overlays', overlay)], { encoding: 'utf8' }),
  );
}

/** Objects of an overlay and its base as they are written: before patches, without namespace. */
export function written(overlay: string): KubernetesObject[] {
  const collect = (folder: string): KubernetesObject[] =>
    readKustomization(folder).resources.flatMap((resource) => {
      const path = join(folder, resource);
      return resource.endsWith('.yaml') ? parseObjects(readFileSync(path, 'utf8')) : collect(path);
    });
  return collect(join(FOLDER, 'overlays', overlay));
}

/** What an overlay sets for the workers. */
export function settingsOf(overlay: string): Record<string, string> {
  const { configMapGenerator } = readKustomization(join(FOLDER, 'overlays', overlay));
  const pairs = configMapGenerator.flatMap(({ literals }) => literals);
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)));
}

function readKustomization(folder: string) {
  return kustomization.parse(parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')));
}

function parseObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((one) => document.parse(one.toJS()));
}

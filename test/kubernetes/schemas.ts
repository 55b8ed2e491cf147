import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { KubernetesObject } from './documents.ts';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const COMPILER = join(MODULES, 'typescript', 'bin', 'tsc');
const OPTIONS = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];

const model = z.custom<new (data: unknown) => { validate(): void }>((x) => typeof x === 'function');

/** The npm package with the schemas of an API, which its authors generated from the published ones. */
function packageOf(apiVersion: string): string {
  if (apiVersion.startsWith('keda.sh/')) return `@kubernetes-models/keda/${apiVersion}`;
  if (apiVersion.startsWith('monitoring.coreos.com/')) {
    return `@kubernetes-models/prometheus-operator/${apiVersion}`;
  }
  return `kubernetes-models/${apiVersion}`;
}

/** @throws where a field is missing or its value is not of the schema */
export async function validate(object: KubernetesObject): Promise<void> {
  const models: unknown = await import(packageOf(object.apiVersion));
  const Model = model.parse(z.record(z.string(), z.unknown()).parse(models)[object.kind]);
  new Model(object).validate();
}

/**
 * What the compiler says of the objects as literals of their types: fields that their schemas do not have,
 * which the schemas let through. At most one is found in an object at a time.
 */
export function unknownFields(objects: readonly KubernetesObject[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'usage-ledger-kubernetes-'));
  try {
    symlinkSync(MODULES, join(folder, 'node_modules'));
    const source = objects.map((object, i) => {
      const type = `import('${packageOf(object.apiVersion)}').I${object.kind}`;
      return `export const object${i}: ${type} = ${JSON.stringify(object, null, 1)};\n`;
    });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'objects.ts'), source.join(''));
    execFileSync(process.execPath, [COMPILER, ...OPTIONS, 'objects.ts'], { cwd: folder });
    return [];
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    if (output === '') throw error;
    return output.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

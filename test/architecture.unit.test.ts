import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/**
 * The rooms of src/ from the inside out (docs/architecture.md). A file may import from its own room and
 * from the rows above its own; rooms of one row know nothing of each other.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['errors.ts', 'livekit', 'bytes', 'schemas'],
  ['config', 'identify'],
  ['records'],
  ['kafka', 'postgres', 'validate', 'decode'],
  ['decode/avro'],
  ['decode/columnar'],
  ['source'],
  ['ledger', 'source/kafka'],
  ['migrate'],
  [
    'worker',
    'invoice',
    'prices',
    'produce',
    'reconcile',
    'registry',
    'report',
    'simulate',
    'verify',
  ],
  ['http'],
  ['cli'],
  ['main.ts'],
];
const ROOMS = LAYERS.flat();

/** The rooms that may use a package; whatever stands here is used nowhere else. */
const PACKAGES: Record<string, readonly string[]> = {
  '@node-rs/crc32': ['source/kafka'],
  '@kafkajs/confluent-schema-registry': ['produce', 'registry', 'cli'],
  'aws-msk-iam-sasl-signer-js': ['kafka'],
  commander: ['cli', 'main.ts'],
  'csv-parse': ['prices'],
  'drizzle-orm': ['invoice', 'ledger', 'migrate', 'postgres'],
  fzstd: ['source/kafka'],
  'hyparquet-writer': ['invoice'],
  kafkajs: ['kafka', 'source/kafka', 'produce', 'cli'],
  'lz4-napi': ['source/kafka'],
  pg: ['postgres', 'migrate'],
  pino: ['config'],
  'prom-client': ['http'],
  snappy: ['source/kafka'],
  zod: ['config'],
};

/** What can be computed from its arguments alone must not reach for the outside world. */
const PURE = [
  'livekit',
  'bytes',
  'records',
  'identify',
  'validate',
  'decode',
  'decode/avro',
  'decode/columnar',
];
const PURE_BUILTINS = ['node:buffer', 'node:crypto'];

interface Import {
  readonly from: string;
  /** A file of src/, or the name of a package. */
  readonly to: string;
  readonly isRelative: boolean;
}

/** Imports, types included, and exports from other files, static or not. */
const IMPORT = /(?:\bfrom|\bimport\(|^import)\s*'([.@a-z][\w@:./-]*)'/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, specifier = '']) => {
    const isRelative = specifier.startsWith('.');
    const to = isRelative ? posix.join(posix.dirname(file), specifier) : specifier;
    return { from: file, to, isRelative };
  });
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'));
const imports = files.flatMap(importsOf);
const inner = imports.filter(({ isRelative }) => isRelative);
const outer = imports.filter(({ isRelative }) => !isRelative);

/** The innermost room that a file stands in: `decode/avro` before `decode`. */
function roomOf(file: string): string {
  const [outer = file, inner] = file.split('/');
  const nested = `${outer}/${inner}`;
  return ROOMS.includes(nested) ? nested : outer;
}
const layerOf = (file: string) => LAYERS.findIndex((rooms) => rooms.includes(roomOf(file)));
const shown = ({ from, to }: Import) => `src/${from} imports ${to}`;

/** `drizzle-orm/pg-core` is of the package `drizzle-orm`. */
function packageOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

/** Files that import each other in a circle, as a path; `undefined` when there are none. */
function circle(): readonly string[] | undefined {
  const targets = new Map(files.map((file) => [file, [] as string[]]));
  for (const { from, to } of inner) targets.get(from)?.push(to);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of targets.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found !== undefined) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of files) {
    const found = visit(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

test('imports are found, so that the rules below look at something', () => {
  expect(inner.length).toBeGreaterThan(200);
  expect(inner.map(shown)).toContain(
    'src/decode/avro/avro-decoder.ts imports decode/message-decoder.ts',
  );
  expect(outer.map(shown)).toContain('src/main.ts imports commander');
});

describe('imports point one way', () => {
  test('every room has its layer, and every layer its rooms', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(ROOMS.toSorted());
  });

  test('from the outside in', () => {
    const wrong = inner.filter(
      ({ from, to }) => roomOf(from) !== roomOf(to) && layerOf(to) >= layerOf(from),
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  test('never in a circle', () => {
    expect(circle()).toBeUndefined();
  });

  test('to files of src/ that exist', () => {
    const known = new Set(files);
    expect(inner.filter(({ to }) => !known.has(to)).map(shown)).toEqual([]);
  });
});

describe('the outside world', () => {
  const packages = outer.filter(({ to }) => !to.startsWith('node:'));

  test('is reached through packages only from the rooms that are for it', () => {
    const wrong = packages.filter(
      ({ from, to }) => !PACKAGES[packageOf(to)]?.includes(roomOf(from)),
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  test('is reached by each room that may', () => {
    const used = new Set(packages.map(({ from, to }) => `${packageOf(to)} in ${roomOf(from)}`));
    const allowed = Object.entries(PACKAGES).flatMap(([name, rooms]) =>
      rooms.map((room) => `${name} in ${room}`),
    );
    expect(allowed.filter((use) => !used.has(use))).toEqual([]);
  });

  test('is not reached from the steps that are pure', () => {
    const builtins = outer.filter(
      ({ from, to }) => to.startsWith('node:') && PURE.includes(roomOf(from)),
    );
    expect(builtins.filter(({ to }) => !PURE_BUILTINS.includes(to)).map(shown)).toEqual([]);
  });
});

test('docs/architecture.md lists the rooms by layer', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../docs/architecture.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+) \| `(.+?)` \|/gm)].map(([, layer, room]) => [
    layer,
    room,
  ]);
  const layers = LAYERS.flatMap((rooms, i) => rooms.map((room) => [String(i + 1), room]));
  expect(rows).toEqual(layers);
});

test('each unit test lies in the room of what it tests', () => {
  const tests = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.unit.test.ts') && file.includes('/'))
    .map(roomOf);
  // The torture is a program of its own, that is tested like one; containers, deploy, docs and kubernetes
  // are of files, not of code.
  const others = ['scripts', 'tools', 'torture', 'containers', 'deploy', 'docs', 'kubernetes'];
  const rooms = new Set([...ROOMS, ...others]);
  expect([...new Set(tests)].filter((name) => !rooms.has(name))).toEqual([]);
});

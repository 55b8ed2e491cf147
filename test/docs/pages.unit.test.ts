import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SETTINGS, type SettingSpec } from '../../src/config/settings.ts';
import {
  blocksOf,
  commandsOf,
  inlineCodeOf,
  type Page,
  ROOT,
  readPages,
} from '../support/pages.ts';

/** That what the pages name exists. Commands of `usage-ledger`: test/cli/command-line.unit.test.ts. */

const pages = readPages();

/** Asserts that nothing was found; what was, is shown with its page. */
function expectNone(of: (page: Page) => string[]): void {
  const found = pages.flatMap((page) => of(page).map((what) => `${page.file}: ${what}`));
  expect(found).toEqual([]);
}

const codeOf = (page: Page) => [
  ...commandsOf(page),
  ...blocksOf(page, 'text')
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : [])),
  ...inlineCodeOf(page),
];

test('each npm script', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expectNone((page) =>
    codeOf(page)
      .flatMap((code) => [...code.matchAll(/\bnpm run (?:-s |--silent )?([\w:-]+)/g)])
      .flatMap(([, name = '']) => (name in scripts ? [] : [name])),
  );
});

describe('each file and folder', () => {
  const FOLDERS =
    'bench|clients|deploy|docs|migrations|schemas|scripts|src|test|tools|\\.ci|\\.\\/clients';
  const PATH = new RegExp(`(?<![\\w/.:-])(?:${FOLDERS})/[\\w/.-]*[\\w/](?![\\w/.]*[…{*])`, 'g');

  test('in code and commands', () => {
    expectNone((page) =>
      codeOf(page)
        .flatMap((code) => [...code.matchAll(PATH)])
        .map(([path]) => path)
        .filter((path) => !existsSync(join(ROOT, path))),
    );
  });

  test('that a link leads to, and its heading', () => {
    expectNone(({ file, text }) =>
      [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
        .filter(([, path = '', heading]) => {
          const target = path === '' ? file : join(dirname(file), path);
          if (!existsSync(join(ROOT, target))) return true;
          return heading !== undefined && !headingsOf(target).includes(heading);
        })
        .map(([link]) => link),
    );
  });

  /** As GitHub makes them. */
  function headingsOf(file: string): string[] {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  }
});

describe('each setting', () => {
  /** Of Node.js, and of the development stack. */
  const OTHERS = ['NODE_EXTRA_CA_CERTS', 'USAGE_LEDGER_STACK'];
  const specs: [string, SettingSpec][] = Object.entries(SETTINGS);
  const names = new Set([
    ...OTHERS,
    ...specs.flatMap(([name, { secret }]) => (secret ? [name, `${name}_FILE`] : [name])),
  ]);
  const families = new Set(specs.map(([name]) => name.split('_')[0] ?? ''));

  test('in a sentence', () => {
    expectNone((page) =>
      inlineCodeOf(page)
        .flatMap((code) => code.match(/\b[A-Z]+(?:_[A-Z]+)+\b(?!-)/g) ?? [])
        .filter((name) => families.has(name.split('_')[0] ?? '') && !names.has(name)),
    );
  });

  test('that a block sets', () => {
    expectNone((page) =>
      commandsOf(page)
        .flatMap((line) => [...line.matchAll(/(?:^|^export | )([A-Z]+(?:_[A-Z]+)*)=/g)])
        .flatMap(([, name = '']) => (names.has(name) ? [] : [name])),
    );
  });
});

/**
 * Refuses the words for which docs/glossary.md has the field's term: in comments, strings, prose and
 * as parts of identifiers. Prints file:line, the word and what to use; exits 1 when there is one.
 * With `--count`: how many there are in each folder.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GLOSSARY = 'docs/glossary.md';
const TABLE_HEAD = '| Instead of | Use | Except in |';
const CHECKED = ['src', 'clients/node', 'tools', 'test', 'bench', 'scripts', 'docs', 'README.md'];
/** What was sent, received or measured stays as it was. */
const RECORDED = /^(?:test\/fixtures|bench\/results)\//;
const TEXT_FILE = /\.(?:ts|mjs|md|py|go|java)$/;

interface Rule {
  readonly words: RegExp;
  readonly use: string;
  /** Files in which the words have their common meaning. */
  readonly files: readonly string[];
  /** Phrases in which they have it. */
  readonly phrases: readonly string[];
}

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly word: string;
  readonly use: string;
}

/** The rules in the last table of the glossary. */
export function rulesOf(glossary: string): Rule[] {
  const [, table = ''] = glossary.split(`${TABLE_HEAD}\n| --- | --- | --- |\n`);
  const rules = table.split('\n').filter(Boolean).map(ruleOf);
  if (rules.length === 0) throw new Error(`${GLOSSARY}: no table "${TABLE_HEAD}"`);
  return rules;
}

function ruleOf(row: string): Rule {
  const [, words = '', use = '', exceptions = ''] = row.split('|');
  const except = listOf(exceptions);
  return {
    words: new RegExp(`\\b(?:${listOf(words).map(plain).join('|')})\\b`, 'g'),
    use: use.trim(),
    files: except.filter(isCode).map((file) => file.slice(1, -1)),
    phrases: except.filter((entry) => !isCode(entry)).map(plain),
  };
}

function listOf(cell: string): string[] {
  return cell
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);
}

function isCode(entry: string): boolean {
  return entry.startsWith('`');
}

/** Each refused word of a text, in the order of its lines. */
export function findWords(file: string, text: string, rules: readonly Rule[]): Finding[] {
  // The table of words is the one place that must have them.
  const lines = (file === GLOSSARY ? (text.split(TABLE_HEAD)[0] ?? '') : text)
    .split('\n')
    .map(plain);
  const applied = rules.filter(({ files }) => !files.includes(file));
  return lines.flatMap((line, i) => {
    // A phrase may go over to the next line; it is reported where it begins.
    const both = `${line} ${lines[i + 1] ?? ''}`;
    return applied.flatMap(({ words, phrases, use }) =>
      [...withoutPhrases(both, phrases).matchAll(words)]
        .filter(({ index }) => index < line.length)
        .map(([word]) => ({ file, line: i + 1, word, use })),
    );
  });
}

/** Lower case, identifiers split into words, without what marks a comment or a quotation. */
function plain(line: string): string {
  return line
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_-]/g, ' ')
    .replace(/^\s*(?:\*|\/\/|#|>)\s?/, '')
    .trim()
    .toLowerCase();
}

function withoutPhrases(text: string, phrases: readonly string[]): string {
  return phrases.reduce(
    (rest, phrase) => rest.replaceAll(phrase, (match) => ' '.repeat(match.length)),
    text,
  );
}

function checkedFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...CHECKED];
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter((file) => TEXT_FILE.test(file) && !RECORDED.test(file))
    .filter((file) => existsSync(resolve(ROOT, file)));
}

function main(): void {
  const read = (file: string) => readFileSync(resolve(ROOT, file), 'utf8');
  const rules = rulesOf(read(GLOSSARY));
  const findings = checkedFiles().flatMap((file) => findWords(file, read(file), rules));
  if (process.argv.includes('--count')) {
    const counts = new Map<string, number>();
    for (const { file } of findings)
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    for (const [folder, count] of counts) process.stdout.write(`${folder}: ${count}\n`);
    return;
  }
  for (const { file, line, word, use } of findings) {
    process.stdout.write(`${file}:${line}: "${word}"; use: ${use}\n`);
  }
  if (findings.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();

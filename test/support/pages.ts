import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HISTORY = 'CHANGELOG.md';

/** A page of the repository, by its path in it. */
export interface Page {
  readonly file: string;
  readonly text: string;
}

export function readPage(file: string): Page {
  return { file, text: readFileSync(join(ROOT, file), 'utf8') };
}

/** Every page for readers of this version: what was released may name what is gone. */
export function readPages(): Page[] {
  const below = (folder: string) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
      .map((name) => join(folder, name));
  const atTop = readdirSync(ROOT).filter((name) => name.endsWith('.md') && name !== HISTORY);
  return [...atTop, ...below('docs'), ...below('clients')].sort().map(readPage);
}

/** The fenced blocks of a language. */
export function blocksOf({ text }: Page, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');
  return [...text.matchAll(fence)].map(([, block = '']) => block);
}

/** The command lines of a page's `sh` blocks, without their comments. */
export function commandsOf(page: Page): string[] {
  return blocksOf(page, 'sh')
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/(?:^|\s+)# .*/, '').trim())
    .filter(Boolean);
}

/** What stands in backticks in the prose of a page, on one line each. */
export function inlineCodeOf({ text }: Page): string[] {
  const prose = text.replace(/^ *```.*?^ *```$/gms, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replace(/\s+/g, ' '));
}

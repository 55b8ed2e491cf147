import { expect, test } from 'vitest';
import { printable, printableJson, printableLines } from '../../src/config/printable.ts';

test.each([
  ['plain ünïcode 漢字 🙂', 'plain ünïcode 漢字 🙂'],
  ['\x1b[2J\x1b]0;title\x07', '\\x1b[2J\\x1b]0;title\\x07'],
  ['two\nlines\r\tend', 'two\\nlines\\r\\tend'],
  ['\u202egpj.exe\u202c', '\\u202egpj.exe\\u202c'],
  ['\u2066isolate\u2069\u200b\ufeff', '\\u2066isolate\\u2069\\u200b\\ufeff'],
  ['\x9b31m\x7f', '\\x9b31m\\x7f'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['tag \u{e0041}', 'tag \\u{e0041}'],
  ['half \ud800', 'half \\ud800'],
])('the name %j is printed as %j', (name, shown) => {
  expect(printable(name)).toBe(shown);
});

test('printableLines keeps line feeds', () => {
  expect(printableLines('one\ntwo\x1b[1m')).toBe('one\ntwo\\x1b[1m');
});

test('printableJson escapes control characters and parses to the same value', () => {
  const value = { name: '\x1b[1m\u202e\x9b\u{e0041}\n', list: ['\u2028'] };
  const shown = printableJson(JSON.stringify(value, undefined, 2));
  expect(shown).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(shown)).toEqual(value);
});

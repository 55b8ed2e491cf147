import { expect, test } from 'vitest';
import { findWords, rulesOf } from '../../scripts/check-words.ts';

const GLOSSARY = `# Glossary

| Instead of | Use | Except in |
| --- | --- | --- |
| gizmo | after, lagging | |
| widget, widgets | partition loop | \`docs/shapes.md\` |
| stamp, stamps | dead stamp | dead stamp, dead stamps |
| carry over, carries over | resume | |
`;
const RULES = rulesOf(GLOSSARY);

const wordsIn = (text: string, file = 'src/x.ts') =>
  findWords(file, text, RULES).map(({ line, word }) => `${line} ${word}`);

test.each([
  ['a word of a comment', '// one\n// Gizmo the end.', ['2 gizmo']],
  ['a part of an identifier', 'const firstWidget = WIDGETS_LEFT;', ['1 widget', '1 widgets']],
  ['a part of the name of an import', "from './next-widget.ts'", ['1 widget']],
  ['a phrase that a line break splits', ' * partitions carry\n * over after it', ['1 carry over']],
  ['a word of another phrase than the allowed one', 'a stamp', ['1 stamp']],
])('the check of words finds %s', (_, text, found) => {
  expect(wordsIn(text)).toEqual(found);
});

test.each([
  ['a longer word', 'beholden; pwidgets'],
  ['an allowed phrase, as words or as an identifier', 'dead stamps; const deadStamp = 1;'],
])('the check of words passes %s', (_, text) => {
  expect(wordsIn(text)).toEqual([]);
});

test('the check of words passes a word in a file that the glossary names for it', () => {
  expect(wordsIn('a widget', 'docs/shapes.md')).toEqual([]);
});

test('the check of words passes the table of the glossary itself, and reads what is before it', () => {
  const text = GLOSSARY.replace('# Glossary', '# Gizmo');
  expect(wordsIn(text, 'docs/glossary.md')).toEqual(['1 gizmo']);
});

test('the check of words names what to use', () => {
  expect(findWords('src/x.ts', 'widget', RULES)).toEqual([
    { file: 'src/x.ts', line: 1, word: 'widget', use: 'partition loop' },
  ]);
});

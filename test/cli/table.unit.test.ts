import { describe, expect, test } from 'vitest';
import { alignedTable, grouped } from '../../src/cli/table.ts';
import { csvField, csvName } from '../../src/config/csv.ts';

describe('a table', () => {
  test('has titles, a rule, columns as wide as their widest cell, and no trailing blanks', () => {
    const columns = [{ title: 'model' }, { title: 'tokens', align: 'right' as const }];
    const rows = [
      ['gpt-4o', '1,234,567'],
      ['a', '8'],
    ];
    expect(alignedTable(columns, rows)).toBe(
      ['model      tokens', '──────  ─────────', 'gpt-4o  1,234,567', 'a               8'].join(
        '\n',
      ),
    );
  });

  test('without rows has its titles and a rule', () => {
    expect(alignedTable([{ title: 'a' }, { title: 'bc' }], [])).toBe('a  bc\n─  ──');
  });

  // A name could move the cursor over other rows, or forge one.
  test('escapes control characters', () => {
    expect(alignedTable([{ title: 'a' }], [['\x1b[1A\n\u202e']])).toBe(
      ['a', '─'.repeat(15), '\\x1b[1A\\n\\u202e'].join('\n'),
    );
  });

  test('fits a terminal by breaking the widest texts, at blanks where there are some', () => {
    const columns = [{ title: 'id' }, { title: 'n', align: 'right' as const }, { title: 'detail' }];
    const rows = [
      ['a', '1', 'the offsets were deleted before they were read'],
      ['b', '22', 'abcdefghijklmnopqrstuvwxyz'],
    ];
    expect(alignedTable(columns, rows, 30).split('\n')).toEqual([
      'id   n  detail',
      '──  ──  ──────────────────────',
      'a    1  the offsets were',
      '        deleted before they',
      '        were read',
      'b   22  abcdefghijklmnopqrstuv',
      '        wxyz',
    ]);
  });

  test('stays readable on a terminal that is too narrow', () => {
    const [line = ''] = alignedTable([{ title: 'a' }], [['abcdefghijkl']], 3)
      .split('\n')
      .slice(2);
    expect(line).toBe('abcdefgh');
  });

  test('shows a missing cell as empty', () => {
    expect(alignedTable([{ title: 'a' }, { title: 'b' }], [['x']])).toBe('a  b\n─  ─\nx');
  });
});

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\nlines', '"two\nlines"'],
  ['return\r', '"return\r"'],
  [' blank ', ' blank '],
])('the field %j is %j in CSV', (value, expected) => {
  expect(csvField(value)).toBe(expected);
});

// Names come from whoever sends events, and a spreadsheet runs what looks like a formula.
test.each([
  ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
  ['+1', `"'+1"`],
  ['-2+3', `"'-2+3"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['\t=1', `"'\t=1"`],
  ['\r=1', `"'\r=1"`],
  ['＝1', `"'＝1"`],
  ['gpt-4o', 'gpt-4o'],
  ['a,b', '"a,b"'],
])('the name %j is escaped in CSV as %j', (value, expected) => {
  expect(csvName(value)).toBe(expected);
});

test('a negative number in CSV is not escaped', () => {
  expect(csvField('-12.5')).toBe('-12.5');
});

test.each<[string | number | bigint, string]>([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [1_234_567, '1,234,567'],
  [-123_456, '-123,456'],
  [-1_234, '-1,234'],
  [9_007_199_254_740_993n, '9,007,199,254,740,993'],
  ['12345.678901', '12,345.678901'],
  ['0.5', '0.5'],
])('%s is grouped as %s', (value, expected) => {
  expect(grouped(value)).toBe(expected);
});

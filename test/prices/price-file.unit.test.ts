import { describe, expect, test } from 'vitest';
import { linesOf } from '../../src/prices/price-file.ts';
import { readDecimal } from '../../src/prices/read-decimal.ts';
import { readLine } from '../../src/prices/read-line.ts';
import { readTime } from '../../src/prices/read-time.ts';

const HEADER = 'usage_type,provider,model,dimension,unit_price,per,currency,valid_from,valid_to';
const LINE = 'llm_usage,openai,gpt-4o,input_tokens,2.50,1000000,USD,2026-01-01,';

describe('a price file', () => {
  test('is CSV with a header: quoted fields, empty lines and a byte order mark are understood', () => {
    const lines = linesOf(`\uFEFF${HEADER}\r\n\r\n${LINE}\r\nllm_usage,"a ""b"", c",m\r\n`);
    expect(lines).toEqual([
      { at: 'line 3', text: expect.objectContaining({ model: 'gpt-4o', valid_to: '' }) },
      {
        at: 'line 4',
        text: expect.objectContaining({ provider: 'a "b", c' }),
        problem: 'has 3 fields; expected 9',
      },
    ]);
  });

  test('is JSON: no digit of a number is lost', () => {
    const text = `[{"usage_type": "llm_usage", "unit_price": 0.1234567890123456789, "per": 1e6,
      "model": "say \\"1.50\\" 2", "valid_to": null}]`;
    expect(linesOf(text)).toEqual([
      {
        at: 'item 1',
        text: {
          usage_type: 'llm_usage',
          unit_price: '0.1234567890123456789',
          per: '1e6',
          model: 'say "1.50" 2',
        },
      },
    ]);
  });

  test.each([
    ['', /the header is ""/],
    ['usage_type,provider\n', /the header is "usage_type,provider"; expected usage_type,/],
    [`${HEADER}\n"open`, /this is no CSV/],
    ['[{"a": 01}]', /this is no JSON/],
    ['[', /this is no JSON/],
  ])('%j is refused', (text, message) => {
    expect(() => linesOf(text)).toThrow(message);
  });

  test.each([
    ['[1]', 'is no object'],
    ['[{"prize": "1"}]', expect.stringMatching(/^has prize; expected/)],
    ['[{"per": true}]', 'per is neither text nor number'],
  ])('%s has a problem', (text, problem) => {
    expect(linesOf(text)[0]?.problem).toEqual(problem);
  });
});

test('every column of a line that is wrong is named', () => {
  const { problems } = readLine({
    usage_type: 'llm',
    dimension: 'tokens',
    unit_price: '-1',
    per: '0',
    currency: 'usd',
    valid_from: '2026-02-30',
    valid_to: 'soon',
  });
  expect(problems.map((problem) => problem.split(':')[0])).toEqual([
    'usage_type "llm"',
    'dimension "tokens"',
    'unit_price "-1"',
    'per "0"',
    'currency "usd"',
    'valid_from "2026-02-30"',
    'valid_to "soon"',
  ]);
});

test.each([
  ['2.50', '2.5'],
  ['0.10', '0.1'],
  ['.5', '0.5'],
  ['00012.', '12'],
  ['1e-7', '0.0000001'],
  ['1.5E3', '1500'],
  ['-0', '0'],
  ['0.1234567890123456789', '0.1234567890123456789'],
  ['', undefined],
  ['.', undefined],
  ['NaN', undefined],
  ['1,000', undefined],
  ['1e-31', undefined],
])('the decimal %j is read as %j', (text, expected) => {
  expect(readDecimal(text)).toBe(expected);
});

test.each([
  ['2026-01-01', Date.UTC(2026, 0, 1)],
  ['2026-01-01T02:30Z', Date.UTC(2026, 0, 1, 2, 30)],
  ['2026-01-01T00:00:00.5+02:00', Date.UTC(2025, 11, 31, 22, 0, 0, 500)],
  ['2026-01-01 00:00:00+00', Date.UTC(2026, 0, 1)],
  ['2026-01-01 00:00:00-0530', Date.UTC(2026, 0, 1, 5, 30)],
  ['2026-01-01T00:00:00', undefined],
  ['2026-01-01T00:00:00.0001Z', undefined],
  ['2026-02-29', undefined],
  ['', undefined],
])('the time %j is read as %j', (text, expected) => {
  expect(readTime(text)).toBe(expected);
});

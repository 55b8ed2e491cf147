import { describe, expect, test } from 'vitest';
import { planImport } from '../../src/prices/plan-import.ts';
import type { Price, StoredPrice } from '../../src/prices/price.ts';

const DAY = 86_400_000;

function price(fields: Partial<Price> = {}): Price {
  return {
    usageType: 'llm_usage',
    provider: 'openai',
    model: 'gpt-4o',
    dimension: 'input_tokens',
    unitPrice: '2.5',
    per: '1000000',
    currency: 'USD',
    validFrom: 0,
    validTo: null,
    ...fields,
  };
}

/** The plan for lines of a file, numbered from 2. */
function plan(stored: readonly Price[], lines: readonly Price[]) {
  const rows: StoredPrice[] = stored.map((row, i) => ({ ...row, priceId: String(i + 1) }));
  return planImport(
    rows,
    lines.map((line, i) => ({ at: `line ${i + 2}`, price: line })),
  );
}

describe('an import', () => {
  test('adds prices, and changes nothing the second time', () => {
    const lines = [price(), price({ dimension: 'output_tokens' }), price({ currency: 'EUR' })];
    const first = plan([], lines);
    expect(first).toMatchObject({ added: lines, ended: [], unchanged: 0, problems: [] });
    expect(plan(first.added, lines)).toEqual({ added: [], ended: [], unchanged: 3, problems: [] });
  });

  test('of a changed price ends the one before at its valid_from', () => {
    const changed = price({ unitPrice: '3', validFrom: DAY });
    const second = plan([price()], [changed]);
    expect(second).toEqual({
      added: [changed],
      ended: [{ priceId: '1', validTo: DAY }],
      unchanged: 0,
      problems: [],
    });
    const now = [price({ validTo: DAY }), changed];
    // Neither file changes anything now.
    expect(plan(now, [changed])).toMatchObject({ added: [], ended: [], unchanged: 1 });
    expect(plan(now, [price()])).toMatchObject({
      added: [],
      ended: [],
      unchanged: 1,
      problems: [],
    });
  });

  test('of a price between two others ends the first and lasts until the second', () => {
    const now = [price({ validTo: 4 * DAY }), price({ unitPrice: '4', validFrom: 4 * DAY })];
    const between = price({ unitPrice: '3', validFrom: DAY });
    expect(plan(now, [price(), between])).toEqual({
      added: [{ ...between, validTo: 4 * DAY }],
      ended: [{ priceId: '1', validTo: DAY }],
      unchanged: 0,
      problems: [],
    });
  });

  test('of a price before all others lasts until the first of them', () => {
    const earlier = price({ unitPrice: '1', validFrom: -DAY });
    const { added, ended } = plan([price()], [earlier]);
    expect(added).toEqual([{ ...earlier, validTo: 0 }]);
    expect(ended).toEqual([]);
  });

  test('takes several prices of a key in any order of lines', () => {
    const lines = [
      price({ unitPrice: '3', validFrom: DAY, validTo: 2 * DAY }),
      price({ validFrom: 2 * DAY }),
      price(),
    ];
    const { added, problems } = plan([], lines);
    expect(problems).toEqual([]);
    expect(added.map(({ validFrom, validTo }) => [validFrom, validTo])).toEqual([
      [0, DAY],
      [DAY, 2 * DAY],
      [2 * DAY, null],
    ]);
    expect(plan(added, lines)).toMatchObject({ added: [], ended: [], unchanged: 3, problems: [] });
  });

  test('ends a price that has no end yet', () => {
    expect(plan([price()], [price({ validTo: DAY })]).ended).toEqual([
      { priceId: '1', validTo: DAY },
    ]);
  });
});

describe('an import is refused', () => {
  test.each([
    [
      'of another price with the same valid_from',
      [price()],
      [price({ unitPrice: '3' })],
      'line 2: the price from 1970-01-01T00:00:00.000Z on is 2.5 per 1000000 already; a changed price takes a later valid_from',
    ],
    [
      'of two lines with the same key and valid_from',
      [],
      [price(), price()],
      'line 3: has the key and the valid_from of line 2',
    ],
    [
      'of a price whose end is after the next one begins',
      [price({ validFrom: DAY })],
      [price({ unitPrice: '1', validTo: 2 * DAY })],
      'line 2: valid_to is 1970-01-03T00:00:00.000Z, but a price of the ledger with the same key begins at 1970-01-02T00:00:00.000Z; end it there',
    ],
    [
      'of two lines that apply at one time',
      [],
      [price({ validTo: 2 * DAY }), price({ validFrom: DAY })],
      'line 2: valid_to is 1970-01-03T00:00:00.000Z, but line 3 with the same key begins at 1970-01-02T00:00:00.000Z; end it there',
    ],
    [
      'of a price without an end that has ended, with none after it',
      [price({ validTo: DAY })],
      [price()],
      'line 2: this price has ended at 1970-01-02T00:00:00.000Z; give it that valid_to, or begin another price there',
    ],
  ])('%s', (_, stored, lines, problem) => {
    expect(plan(stored, lines).problems).toEqual([problem]);
  });
});

import { isSamePrice, keyOf, type Price, type StoredPrice } from './price.ts';

/** A price of a file, and where it is in it. */
export interface PricedLine {
  readonly at: string;
  readonly price: Price;
}

/** What an import changes: nothing, when there are problems. */
export interface ImportPlan {
  readonly added: readonly Price[];
  /** Prices that end, or end at another time. */
  readonly ended: readonly { readonly priceId: string; readonly validTo: number }[];
  readonly unchanged: number;
  readonly problems: readonly string[];
}

/** A price as it will be: of the ledger, of the file, or of both. */
interface Entry {
  price: Price;
  readonly stored?: StoredPrice;
  /** Where it is in the file, and whether it has a valid_to there. */
  readonly at?: string;
  readonly isEnded?: boolean;
}

/**
 * What is to be done so that the ledger has the prices of a file. A price without `valid_to` applies
 * until the next one of its key begins, and a price that applies when another begins ends there. A file
 * does not change what a price was: that would change what was invoiced.
 */
export function planImport(
  stored: readonly StoredPrice[],
  lines: readonly PricedLine[],
): ImportPlan {
  const problems: string[] = [];
  const byKey = new Map<string, Entry[]>();
  const entriesOf = (price: Price): Entry[] => {
    const key = keyOf(price);
    const entries = byKey.get(key) ?? [];
    byKey.set(key, entries);
    return entries;
  };
  for (const price of stored) entriesOf(price).push({ price, stored: price });
  for (const line of lines) {
    const problem = enter(entriesOf(line.price), line);
    if (problem !== undefined) problems.push(`${line.at}: ${problem}`);
  }
  const all = [...byKey.values()];
  for (const entries of all) problems.push(...endAtNext(entries));
  const entries = all.flat();
  return {
    added: entries.filter((entry) => entry.stored === undefined).map(({ price }) => price),
    ended: entries.flatMap(({ price, stored }) =>
      stored === undefined || price.validTo === null || price.validTo === stored.validTo
        ? []
        : [{ priceId: stored.priceId, validTo: price.validTo }],
    ),
    unchanged: entries.filter(
      ({ price, stored, at }) => at !== undefined && price.validTo === stored?.validTo,
    ).length,
    problems,
  };
}

/** Puts a line among the prices of its key; returns why it cannot be. */
function enter(entries: Entry[], { at, price }: PricedLine): string | undefined {
  const isEnded = price.validTo !== null;
  const place = entries.findIndex(({ price: other }) => other.validFrom === price.validFrom);
  const known = entries[place];
  if (known === undefined) {
    entries.push({ price, at, isEnded });
    return undefined;
  }
  if (known.at !== undefined) return `has the key and the valid_from of ${known.at}`;
  if (!isSamePrice(known.price, price)) {
    const { unitPrice, per } = known.price;
    return (
      `the price from ${shown(price.validFrom)} on is ${unitPrice} per ${per} already; a changed ` +
      'price takes a later valid_from'
    );
  }
  entries[place] = { ...known, price: isEnded ? price : known.price, at, isEnded };
  return undefined;
}

/** Ends each price where the next one begins; returns what the file says otherwise. */
function endAtNext(entries: Entry[]): string[] {
  const problems: string[] = [];
  entries.sort((a, b) => a.price.validFrom - b.price.validFrom);
  entries.forEach((entry, i) => {
    const { price, at, isEnded } = entry;
    const next = entries[i + 1];
    const begins = next?.price.validFrom ?? Number.POSITIVE_INFINITY;
    const end = price.validTo ?? Number.POSITIVE_INFINITY;
    if (at !== undefined && !isEnded && end < begins) {
      const fix = 'give it that valid_to, or begin another price there';
      problems.push(`${at}: this price has ended at ${shown(end)}; ${fix}`);
    }
    if (end <= begins) return;
    if (at !== undefined && isEnded) {
      problems.push(
        `${at}: valid_to is ${shown(end)}, but ${next?.at ?? 'a price of the ledger'} with the same ` +
          `key begins at ${shown(begins)}; end it there`,
      );
    }
    entry.price = { ...price, validTo: begins };
  });
  return problems;
}

function shown(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString() : String(time);
}

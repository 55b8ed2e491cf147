import { type Check, ok, warn } from './finding.ts';

/** Partitions of this month and the next; without one, its pages go to the default partition. */
const MONTHS = `
  SELECT 'ledger_page_' || to_char(month, 'YYYY_MM') AS name
  FROM generate_series(0, 1) AS i,
    LATERAL (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i)) AS m (month)
  WHERE to_regclass(quote_ident(current_schema()) || '.ledger_page_' || to_char(month, 'YYYY_MM')) IS NULL`;

export const months: Check = {
  name: 'months',
  after: 'schema',
  todo: 'run: usage-ledger migrate',
  async run({ database }) {
    const { rows } = await database.query(MONTHS);
    if (rows.length === 0) return [ok('', 'this month and the next have their partitions')];
    const names = rows.map(({ name }) => name).join(', ');
    return [warn('', `${names}: not made, so rows go to the default partition`, this.todo)];
  },
};

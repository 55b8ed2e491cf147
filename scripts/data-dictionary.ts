import type { Database } from '../src/postgres/database.ts';
import { inTransaction } from '../src/postgres/database.ts';

interface Column {
  readonly relation: string;
  readonly isView: boolean;
  readonly about: string | null;
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
  readonly meaning: string | null;
}

const COLUMNS = `
SELECT relation.relname AS relation, relation.relkind = 'v' AS "isView",
  obj_description(relation.oid, 'pg_class') AS about, attribute.attname AS name,
  format_type(attribute.atttypid, attribute.atttypmod) AS type,
  NOT attribute.attnotnull AND relation.relkind <> 'v' AS "isNullable",
  col_description(relation.oid, attribute.attnum) AS meaning
FROM pg_class AS relation
JOIN pg_attribute AS attribute
  ON attribute.attrelid = relation.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
WHERE relation.relnamespace = quote_ident(current_schema())::regnamespace
  AND relation.relkind IN ('r', 'p', 'v') AND NOT relation.relispartition
  AND relation.relname <> 'schema_migration'
ORDER BY relation.relname COLLATE "C", attribute.attnum`;

const INTERNAL = /^Internal\. /;

const HEAD = `# Data dictionary

Every relation of the schema \`DATABASE_SCHEMA\`, and every column with its unit and meaning. Made from the
comments in the database by \`npm run generate:dictionary\`; in psql, \`\\d+ usage_event\` shows the same.
[billing.md](billing.md) has the queries.

- Times are \`timestamptz\`. Days are days of UTC, by \`event_at\`.
- Token counts and requests are whole numbers; durations are exact decimals in seconds.
- \`input_cached_tokens\`, \`input_audio_tokens\` and the like are _parts_ of \`input_tokens\`: do not add them to
  it. A cached audio token is in \`input_tokens\`, \`input_cached_tokens\`, \`input_audio_tokens\` and
  \`input_cached_audio_tokens\`.
- \`metric_type\` is what LiveKit emitted, \`usage_type\` what it is billed as: \`llm_metrics\` and
  \`realtime_model_metrics\` are both \`llm_usage\`.
- The first account that an event of a session names is the account of the whole session.
- A correction has the time of the event that it corrects, and so belongs to that event's day.
`;

/**
 * The page docs/data-dictionary.md of a migrated database.
 *
 * @throws when a relation or a column has no comment, naming it
 */
export async function dataDictionary(database: Database): Promise<string> {
  const { rows } = await inTransaction(database, (connection) => connection.query<Column>(COLUMNS));
  const missing = rows.filter(({ about, meaning }) => about === null || meaning === null);
  if (missing.length > 0) {
    const places = missing.map(({ relation, name }) => `${relation}.${name}`);
    throw new Error(`without a comment, or in a relation without one: ${places.join(', ')}`);
  }
  const names = [...new Set(rows.map(({ relation }) => relation))];
  const relations = names.map((name) => rows.filter(({ relation }) => relation === name));
  const isInternal = ([first]: Column[]) => INTERNAL.test(first?.about ?? '');
  const sections = [
    '## For reading',
    ...relations.filter((columns) => !isInternal(columns)).map(section),
    '## Internal',
    'May change with any version.',
    ...relations.filter(isInternal).map(section),
  ];
  return `${HEAD}\n${sections.join('\n\n')}\n`;
}

function section(columns: Column[]): string {
  const [first] = columns;
  if (first === undefined) return '';
  const rows = columns.map(({ name, type, isNullable, meaning }) => {
    const kind = isNullable ? `${type}, or null` : type;
    return `| \`${name}\` | ${kind} | ${cell(meaning)} |`;
  });
  const kind = first.isView ? 'View. ' : 'Table. ';
  return [
    `### ${first.relation}`,
    '',
    `${kind}${(first.about ?? '').replace(INTERNAL, '')}`,
    '',
    '| Column | Type | Meaning |',
    '| --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function cell(text: string | null): string {
  return (text ?? '').replace(INTERNAL, '').replaceAll('|', '\\|').replaceAll('\n', ' ');
}

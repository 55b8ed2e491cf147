import { type Database, inTransaction } from '../src/postgres/database.ts';

interface Grant {
  readonly item: string;
  readonly privileges: string;
  readonly grantees: string;
}

const GRANTS = `
WITH item AS (
  SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || relname AS item, relacl AS acl,
    CASE relkind WHEN 'S' THEN 2 ELSE 1 END AS kind
  FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace AND NOT relispartition
  UNION ALL
  SELECT 'FUNCTION ' || proname || '(' || pg_get_function_identity_arguments(oid) || ')', proacl, 3
  FROM pg_proc WHERE pronamespace = quote_ident(current_schema())::regnamespace
), held AS (
  SELECT item, kind, acl.grantee::regrole::text AS grantee,
    string_agg(acl.privilege_type, ', ' ORDER BY
      array_position(ARRAY['SELECT', 'INSERT', 'UPDATE', 'USAGE', 'EXECUTE'], acl.privilege_type)) AS privileges
  FROM item CROSS JOIN LATERAL aclexplode(item.acl) AS acl
  WHERE acl.grantee::regrole::text IN ('usage_ledger_writer', 'usage_ledger_reader')
  GROUP BY item, kind, acl.grantee
)
SELECT item, privileges, string_agg(grantee, ', ' ORDER BY grantee DESC) AS grantees
FROM held GROUP BY item, kind, privileges ORDER BY kind, privileges, grantees, item COLLATE "C"`;

const WIDTH = 100;

/** The statements that give the roles of a migrated database what `migrate` gives them. */
export async function grantsOf(database: Database): Promise<string> {
  const { rows } = await inTransaction(database, (connection) => connection.query<Grant>(GRANTS));
  const groups = new Map<string, string[]>();
  for (const { item, privileges, grantees } of rows) {
    const kind = /^(SEQUENCE|FUNCTION) /.exec(item)?.[0] ?? '';
    const key = JSON.stringify([privileges, kind, grantees]);
    groups.set(key, [...(groups.get(key) ?? []), item.slice(kind.length)]);
  }
  const statements = [...groups].map(([key, items]) => {
    const [privileges, kind, grantees] = JSON.parse(key) as [string, string, string];
    return wrapped(`GRANT ${privileges} ON ${kind}${items.join(', ')} TO ${grantees};`);
  });
  const usage = 'GRANT USAGE ON SCHEMA usage_ledger TO usage_ledger_writer, usage_ledger_reader;';
  return ['SET search_path = usage_ledger;', usage, ...statements].join('\n');
}

function wrapped(statement: string): string {
  const lines = [''];
  for (const word of statement.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}

const BLOCK = /(<!-- run by test\/security\/postgres\.int\.test\.ts -->\n\n```sql\n)[^`]*(```)/;

/** docs/security.md with the current statements. */
export function withGrants(page: string, grants: string): string {
  if (!BLOCK.test(page)) throw new Error('docs/security.md has no place for the grants');
  return page.replace(BLOCK, (_, begin: string, end: string) => `${begin}${grants}\n${end}`);
}

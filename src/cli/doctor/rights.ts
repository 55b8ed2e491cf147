import { type Check, fail, ok } from './finding.ts';

/** What the writer role was granted, and at the least what every batch needs, without what the user has. */
const MISSING = `
  SELECT relation, string_agg(privilege, ', ' ORDER BY privilege) AS privileges
  FROM (
    SELECT pg_class.oid, relname AS relation, acl.privilege_type AS privilege
    FROM pg_class
    CROSS JOIN LATERAL aclexplode(relacl) AS acl
    JOIN pg_roles ON pg_roles.oid = acl.grantee AND rolname LIKE '%\\_writer'
    WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'p', 'v')
    UNION
    SELECT pg_class.oid, relname, needed.privilege
    FROM pg_class CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) AS needed (privilege)
    WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))
      AND relname IN ('ledger_page', 'session_model_usage', 'consumer_position', 'consumed_range')
  ) AS wanted
  WHERE NOT has_table_privilege(oid, privilege)
  GROUP BY relation ORDER BY relation`;

const USER = `
  SELECT current_user AS name, pg_has_role(current_user, nspowner, 'USAGE') AS is_owner,
    pg_get_userbyid(nspowner) AS owner
  FROM pg_namespace WHERE nspname = current_schema()`;

/** Whether the user of DATABASE_URL may do what a worker does. */
export const rights: Check = {
  name: 'rights',
  after: 'schema',
  todo: 'grant the writer role of the ledger to the user of DATABASE_URL',
  async run({ database }) {
    const user = (await database.query(USER)).rows[0];
    const { rows } = await database.query(MISSING);
    if (rows.length > 0) {
      const list = rows
        .map(({ relation, privileges }) => `${privileges} on ${relation}`)
        .join('; ');
      return [fail(user?.name ?? '', `may not ${list}`, this.todo)];
    }
    const migrate = user.is_owner ? 'and migrate' : `and not migrate, as "${user.owner}" may`;
    return [ok(user.name, `may do what a worker does, ${migrate}`)];
  },
};

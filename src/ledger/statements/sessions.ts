import { sql } from 'drizzle-orm';
import { IDENTITY_RULE } from '../../identify/identity.ts';
import { statement } from '../../postgres/statement.ts';
import { ledgerPage, session, sessionModelUsage } from '../schema/tables.ts';

/**
 * What the ledger holds of some sessions: a row for each that exists. In one statement, so that a
 * session and its pages are of one snapshot.
 */
export const loadSessions = statement<
  { sessionIds: Buffer; mostAttributes: number },
  {
    session_id: string;
    revision: string;
    period: string;
    account_id: string | null;
    /** Names, at most `mostAttributes`. */
    attributes: string[];
    first_us: string;
    last_us: string;
    /** Of all pages; `null`: there are none. */
    identities: Buffer | null;
    last_offset: string | null;
    /** How many events are billed. */
    billed: string;
    identity_rule: number;
  }
>(
  'load_sessions',
  sql`SELECT known.session_id, known.revision, known.period::text AS period, known.account_id,
      ARRAY(SELECT jsonb_object_keys(known.attributes)
        LIMIT ${sql.placeholder('mostAttributes')}) AS attributes,
      (extract(epoch FROM known.first_event_at) * 1000000)::bigint AS first_us,
      (extract(epoch FROM known.last_event_at) * 1000000)::bigint AS last_us,
      pages.identities, pages.last_offset,
      (SELECT coalesce(sum(event_count), 0)::bigint FROM ${sessionModelUsage}
        WHERE session_id = known.session_id) AS billed,
      known.identity_rule
    FROM unnest(${sql.placeholder('sessionIds')}::text[]) AS wanted (session_id)
    JOIN ${session} AS known ON known.session_id = wanted.session_id
    CROSS JOIN LATERAL (
      SELECT string_agg(identities, '') AS identities,
        max(base_offset + offset_delta[entry_count]) AS last_offset
      FROM ${ledgerPage}
      WHERE session_id = known.session_id AND period = known.period AND NOT is_correction
    ) AS pages`,
);

/** The rule of the identities of a session's events. */
export const readSession = statement<{ sessionId: string }, { identity_rule: number }>(
  'read_session',
  sql`SELECT identity_rule FROM ${session} WHERE session_id = ${sql.placeholder('sessionId')}`,
);

/** Which of these sessions are at another revision, or do not exist. */
export const changedSessions = statement<
  { sessionIds: Buffer; revisions: Buffer },
  { session_id: string }
>(
  'changed_sessions',
  sql`SELECT cached.session_id
    FROM unnest(${sql.placeholder('sessionIds')}::text[], ${sql.placeholder('revisions')}::bigint[])
      AS cached (session_id, revision)
    LEFT JOIN ${session} AS known ON known.session_id = cached.session_id
    WHERE known.revision IS DISTINCT FROM cached.revision`,
);

/**
 * Inserts sessions, or adds to them, and locks them until the end of the transaction: in the order of
 * their ids, so that two batches never deadlock. Their revisions grow by `step`; see `revisionStep`.
 */
export const touchSessions = statement<
  {
    sessionIds: Buffer;
    accountIds: Buffer;
    /** Of each session as JSON, without those that it has. */
    attributes: Buffer;
    firstUs: Buffer;
    lastUs: Buffer;
    step: bigint;
  },
  { session_id: string; revision: string; period: string; account_id: string | null }
>(
  'touch_sessions',
  sql`INSERT INTO ${session} AS known
      (session_id, account_id, attributes, first_event_at, last_event_at, revision, identity_rule)
    SELECT seen.session_id, seen.account_id, seen.attributes::jsonb,
      'epoch'::timestamptz + seen.first_us * interval '1 microsecond',
      'epoch'::timestamptz + seen.last_us * interval '1 microsecond',
      ${sql.placeholder('step')}::bigint, ${sql.raw(String(IDENTITY_RULE))}
    FROM unnest(${sql.placeholder('sessionIds')}::text[], ${sql.placeholder('accountIds')}::text[],
      ${sql.placeholder('attributes')}::text[], ${sql.placeholder('firstUs')}::bigint[],
      ${sql.placeholder('lastUs')}::bigint[])
      AS seen (session_id, account_id, attributes, first_us, last_us)
    ORDER BY seen.session_id COLLATE "C"
    ON CONFLICT (session_id) DO UPDATE SET
      account_id = coalesce(known.account_id, excluded.account_id),
      -- Written again only when something is added: they may be large.
      attributes = CASE excluded.attributes WHEN '{}'::jsonb THEN known.attributes
        ELSE excluded.attributes || known.attributes END,
      first_event_at = least(known.first_event_at, excluded.first_event_at),
      last_event_at = greatest(known.last_event_at, excluded.last_event_at),
      revision = known.revision + excluded.revision
    RETURNING session_id, revision, period::text AS period, account_id`,
);

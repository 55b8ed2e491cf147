import { USAGE_COLUMNS } from '../livekit/usage-columns.ts';

/** A condition that the books must meet: its SQL returns a row for every place where they do not. */
export interface Check {
  readonly name: string;
  /** The condition, in words. */
  readonly holds: string;
  readonly sql: string;
  /** For a scope without an end, where it is other SQL. */
  readonly scopedSql?: string;
  /** Reads at most one row per 100,000 offsets: cheap enough for a worker to repeat. */
  readonly isLight?: true;
}

/** The parameters of a scope: its sessions, and since when they were written to. */
const SESSIONS = '$1::text[]';
const SINCE = '$2::timestamptz';

/** The sessions that were written to from $1 to before $2. */
export const SESSIONS_WRITTEN = `
  SELECT array_agg(session_id) AS session_ids
  FROM (
    SELECT session_id FROM session_model_usage
    WHERE updated_at >= coalesce($1, '-infinity'::timestamptz)
      AND updated_at < coalesce($2, 'infinity'::timestamptz)
    UNION
    SELECT session_id FROM ledger_page
    WHERE recorded_at >= coalesce($1, '-infinity'::timestamptz)
      AND recorded_at + coalesce((SELECT min(delta) FROM unnest(recorded_delta) AS delta), 0)
        * interval '1 microsecond' < coalesce($2, 'infinity'::timestamptz)
  ) AS written`;

/** In a check's SQL, a table of which only the rows of the scope's sessions are read. */
const within = (table: string) => `/* within scope */ ${table}`;
const WITHIN = /\/\* within scope \*\/ (\w+)/g;

/** Session by session, so that the cost is that of the scope. */
const rowsOf = (table: string) => `(
        SELECT found.* FROM unnest(${SESSIONS}) AS scope (id)
        CROSS JOIN LATERAL (SELECT * FROM ${table} WHERE session_id = scope.id) AS found
      )`;

/** The SQL of a check: of everything, or of the sessions $1, which were written to since $2. */
export function sqlOf({ sql, scopedSql = sql }: Check, isScoped: boolean): string {
  return isScoped
    ? scopedSql.replaceAll(WITHIN, (_, table: string) => rowsOf(table))
    : sql.replaceAll(WITHIN, '$1');
}

const compared = [...USAGE_COLUMNS, 'event_count'];
const DAY = (name: string) => `(${name} AT TIME ZONE 'UTC')::date`;

/**
 * The checks of the books: set operations over the tables. They run in one snapshot, so that workers may
 * continue meanwhile.
 */
export const CHECKS: readonly Check[] = [
  {
    name: 'ranges_touch',
    isLight: true,
    holds: 'recorded ranges touch, without gap or overlap',
    sql: `
      SELECT group_id, topic, partition, pass, first_offset, next_offset,
        previous_next_offset AS expected_first_offset,
        CASE WHEN first_offset > previous_next_offset THEN 'gap' ELSE 'overlap' END AS problem
      FROM (
        SELECT *, lag(next_offset) OVER (
          PARTITION BY group_id, topic, partition, pass ORDER BY first_offset
        ) AS previous_next_offset
        FROM consumed_range
      ) AS range
      WHERE first_offset <> previous_next_offset`,
  },
  {
    name: 'outcomes_add_up',
    isLight: true,
    holds: 'in every range, consumed = applied + duplicate + ignored + conflict + dead_letter',
    sql: `
      SELECT group_id, topic, partition, pass, first_offset, next_offset, consumed,
        applied, duplicate, ignored, conflict, dead_letter
      FROM consumed_range
      WHERE consumed <> applied + duplicate + ignored + conflict + dead_letter
        OR consumed > next_offset - first_offset
        OR least(consumed, applied, duplicate, ignored, conflict, dead_letter) < 0`,
  },
  {
    name: 'ranges_reach_position',
    isLight: true,
    holds: 'the ranges of the last pass reach from its beginning to the position',
    sql: `
      SELECT group_id, topic, partition, position.pass, position.pass_first_offset,
        range.first_offset, position.next_offset AS position, range.next_offset
      FROM consumer_position AS position
      FULL JOIN (
        SELECT group_id, topic, partition, max(pass) AS pass,
          min(first_offset) FILTER (WHERE pass = last_pass) AS first_offset,
          max(next_offset) FILTER (WHERE pass = last_pass) AS next_offset
        FROM (
          SELECT *, max(pass) OVER (PARTITION BY group_id, topic, partition) AS last_pass
          FROM consumed_range
        ) AS ranges
        GROUP BY group_id, topic, partition
      ) AS range USING (group_id, topic, partition)
      WHERE position.pass IS NULL
        OR range.pass > position.pass
        OR (range.pass = position.pass AND (
          range.next_offset <> position.next_offset
          OR range.first_offset <> position.pass_first_offset))
        OR (range.pass IS DISTINCT FROM position.pass
          AND position.next_offset <> position.pass_first_offset)`,
  },
  {
    name: 'pages_are_whole',
    holds: 'every page of the ledger has a session, and entry_count elements in each array',
    sql: `
      SELECT page.session_id, page.period, page.revision, page.page, page.entry_count
      FROM ${within('ledger_page')} AS page
      LEFT JOIN session USING (session_id)
      WHERE session.session_id IS NULL
        OR session.period <> page.period
        OR session.revision < page.revision
        OR octet_length(page.identities) <> 16 * page.entry_count
        OR ${['source_id', 'request_id', 'event_us', 'offset_delta']
          .map((name) => `cardinality(page.${name}) <> page.entry_count`)
          .join('\n        OR ')}
        OR ${[...USAGE_COLUMNS, 'recorded_delta'].map((name) => `cardinality(page.${name}) <> page.entry_count`).join('\n        OR ')}
        OR EXISTS (
          SELECT FROM unnest(page.source_id) AS used (source_id)
          LEFT JOIN usage_source USING (source_id)
          WHERE usage_source.source_id IS NULL)`,
  },
  {
    name: 'no_event_twice',
    holds: 'no emission is in the ledger twice',
    // Session by session: a set of all identities would not fit into memory.
    sql: `
      SELECT known.session_id, encode(twice.identity, 'hex') AS identity, twice.times,
        (SELECT array_agg(kafka_topic || '/' || kafka_partition || '/' || kafka_offset)
          FROM ledger_entry AS entry
          WHERE entry.session_id = known.session_id AND entry.identity = twice.identity
            AND NOT entry.is_correction) AS offsets
      FROM ${within('session')} AS known
      CROSS JOIN LATERAL (
        SELECT substring(page.identities FROM 16 * n + 1 FOR 8) AS identity, count(*) AS times
        FROM ledger_page AS page
        CROSS JOIN LATERAL generate_series(0, page.entry_count - 1) AS n
        WHERE page.session_id = known.session_id AND page.period = known.period
          AND NOT page.is_correction
        GROUP BY 1
        HAVING count(*) > 1
      ) AS twice`,
  },
  {
    name: 'detail_is_there',
    holds: 'no month of the ledger has lost its detail',
    // A row for each month; usage_adds_up lists the single rows. One page of a month is looked for:
    // NOT EXISTS would be a join with all pages.
    sql: `
      SELECT to_char(lost.period, 'YYYY-MM') AS month, count(*) AS sessions,
        min(known.session_id) AS first_session,
        'the itemised detail of this month is no longer in the ledger; restore it' AS problem
      FROM (
        SELECT period FROM (SELECT DISTINCT period FROM session) AS months
        WHERE (SELECT true FROM ledger_page WHERE ledger_page.period = months.period LIMIT 1) IS NULL
      ) AS lost
      JOIN session AS known USING (period)
      WHERE EXISTS (
        SELECT FROM session_model_usage AS billed
        WHERE billed.session_id = known.session_id AND billed.event_count > 0)
      GROUP BY lost.period`,
  },
  {
    name: 'usage_adds_up',
    holds: 'the sum of usage_event equals session_model_usage, row by row and column by column',
    sql: `
      SELECT known.session_id, differing.*
      FROM (
        SELECT session_id FROM ${within('session')} AS session
        UNION
        SELECT session_id FROM ${within('session_model_usage')} AS billed
      ) AS known
      CROSS JOIN LATERAL (
        SELECT usage_type, provider, model,
          ${compared
            .map(
              (name) => `CASE WHEN ledger.${name} IS DISTINCT FROM billed.${name}
            THEN ARRAY[ledger.${name}, billed.${name}]::numeric[] END AS ${name}`,
            )
            .join(',\n          ')},
          ledger.event_count IS NULL AS missing_in_ledger,
          billed.event_count IS NULL AS missing_in_usage
        FROM (
          SELECT usage_type, provider, model,
            ${USAGE_COLUMNS.map((name) => `sum(${name}) AS ${name}`).join(',\n            ')},
            count(*) FILTER (WHERE NOT is_correction) AS event_count
          FROM ledger_entry
          WHERE session_id = known.session_id
          GROUP BY usage_type, provider, model
        ) AS ledger
        FULL JOIN (
          SELECT * FROM session_model_usage WHERE session_id = known.session_id
        ) AS billed USING (usage_type, provider, model)
        WHERE ${compared
          .map((name) => `ledger.${name} IS DISTINCT FROM billed.${name}`)
          .join('\n          OR ')}
      ) AS differing`,
  },
  {
    name: 'sessions_span_usage',
    holds: 'the time of every session comprises that of its usage, by which its days are known',
    sql: `
      SELECT known.session_id, known.first_event_at, known.last_event_at, billed.usage_type,
        billed.provider, billed.model, billed.first_event_at AS first_billed_at,
        billed.last_event_at AS last_billed_at
      FROM ${within('session_model_usage')} AS billed
      JOIN session AS known ON known.session_id = billed.session_id
      WHERE billed.first_event_at < known.first_event_at
        OR billed.last_event_at > known.last_event_at`,
  },
  {
    name: 'days_add_up',
    holds: 'the days of a session over midnight sum to its usage, row by row and column by column',
    sql: `
      SELECT known.session_id, differing.*
      FROM ${within('session')} AS known
      CROSS JOIN LATERAL (
        SELECT usage_type, provider, model,
          daily.event_count AS events_of_days, billed.event_count AS events_billed
        FROM (
          SELECT usage_type, provider, model,
            ${compared.map((name) => `sum(${name}) AS ${name}`).join(',\n            ')}
          FROM session_daily_usage
          WHERE session_id = known.session_id
          GROUP BY usage_type, provider, model
        ) AS daily
        FULL JOIN (
          SELECT * FROM session_model_usage WHERE session_id = known.session_id
        ) AS billed USING (usage_type, provider, model)
        WHERE ${compared
          .map((name) => `daily.${name} IS DISTINCT FROM billed.${name}`)
          .join('\n          OR ')}
      ) AS differing
      WHERE ${DAY('known.first_event_at')} <> ${DAY('known.last_event_at')}`,
  },
  {
    name: 'costs_add_up',
    holds: 'the days of a session over midnight cost what its sums cost, to the last digit',
    // What a price changes within is priced from the ledger alone: there is nothing to compare it with.
    sql: `
      SELECT known.session_id, differing.*
      FROM ${within('session')} AS known
      CROSS JOIN LATERAL (
        SELECT usage_type, provider, model, currency, daily.cost AS cost_of_days,
          whole.cost AS cost_of_sums
        FROM (
          SELECT usage_type, provider, model, currency, sum(cost) AS cost
          FROM session_daily_cost
          WHERE session_id = known.session_id
          GROUP BY usage_type, provider, model, currency
        ) AS daily
        RIGHT JOIN (
          SELECT billed.usage_type, billed.provider, billed.model, period.currency,
            sum(part_cost(part.quantity, price.unit_price, price.per)) AS cost
          FROM session_model_usage AS billed
          JOIN price_period AS period ON period.usage_type = billed.usage_type
            AND period.provider = billed.provider AND period.model = billed.model
            AND period.valid_from <= billed.first_event_at AND billed.last_event_at < period.valid_to
          CROSS JOIN LATERAL unnest(period.parts, period.unit_prices, period.pers)
            AS price (part, unit_price, per)
          CROSS JOIN LATERAL (
            SELECT (usage_parts(${USAGE_COLUMNS.map((name) => `${name} => billed.${name}`).join(', ')}))[price.part]
              AS quantity
          ) AS part
          WHERE billed.session_id = known.session_id AND period.currency IS NOT NULL
            AND part.quantity <> 0
          GROUP BY billed.usage_type, billed.provider, billed.model, period.currency
        ) AS whole USING (usage_type, provider, model, currency)
        WHERE daily.cost IS DISTINCT FROM whole.cost
      ) AS differing
      WHERE ${DAY('known.first_event_at')} <> ${DAY('known.last_event_at')}`,
  },
  {
    name: 'prices_are_current',
    holds: 'the kept price periods are those that the prices and the names of usage give',
    sql: `
      SELECT coalesce(kept.usage_type, computed.usage_type) AS usage_type,
        coalesce(kept.provider, computed.provider) AS provider,
        coalesce(kept.model, computed.model) AS model,
        to_jsonb(kept) AS kept, to_jsonb(computed) AS computed
      FROM price_period AS kept
      FULL JOIN compute_price_periods(false) AS computed
        ON (computed.usage_type, computed.provider, computed.model, computed.valid_from,
            coalesce(computed.currency, ''))
          = (kept.usage_type, kept.provider, kept.model, kept.valid_from, coalesce(kept.currency, ''))
      WHERE to_jsonb(kept) IS DISTINCT FROM to_jsonb(computed)`,
  },
  {
    name: 'applied_is_in_ledger',
    holds: 'as many events are in the ledger as the books and decisions say were applied',
    sql: `
      SELECT topic, partition, booked, entries
      FROM (
        SELECT topic, partition, sum(applied)::bigint AS booked
        FROM (
          SELECT topic, partition, applied FROM consumed_range
          UNION ALL
          SELECT kafka_topic, kafka_partition, 1 FROM dead_letter WHERE resolution = 'applied'
          UNION ALL
          SELECT kafka_topic, kafka_partition, 1 FROM event_conflict
          WHERE resolution = 'billed_both'
        ) AS applications
        GROUP BY topic, partition
      ) AS books
      FULL JOIN (
        SELECT kafka_topic AS topic, kafka_partition AS partition, sum(entry_count)::bigint AS entries
        FROM ledger_page
        WHERE NOT is_correction
        GROUP BY kafka_topic, kafka_partition
      ) AS ledger USING (topic, partition)
      WHERE coalesce(booked, 0) <> coalesce(entries, 0)`,
    // Sums over all pages are not to be had for less than all pages. But a range that begins after
    // another one, which still grew within the scope, was applied within it as a whole.
    scopedSql: `
      SELECT range.group_id, range.topic, range.partition, range.pass, range.first_offset,
        range.next_offset, range.applied AS booked, count(entry.kafka_offset) AS entries
      FROM (
        SELECT *, lag(recorded_at) OVER (
          PARTITION BY group_id, topic, partition, pass ORDER BY first_offset
        ) AS begun_after
        FROM consumed_range
      ) AS range
      LEFT JOIN (
        SELECT kafka_topic, kafka_partition, kafka_offset
        FROM ${within('ledger_entry')} AS found
        WHERE NOT is_correction
      ) AS entry
        ON entry.kafka_topic = range.topic AND entry.kafka_partition = range.partition
        AND entry.kafka_offset >= range.first_offset AND entry.kafka_offset < range.next_offset
      WHERE range.applied > 0 AND range.begun_after >= ${SINCE}
      GROUP BY range.group_id, range.topic, range.partition, range.pass, range.first_offset,
        range.next_offset, range.applied
      HAVING count(entry.kafka_offset) < range.applied`,
  },
  {
    name: 'dead_letters_are_there',
    holds: 'every dead letter that was counted is there',
    sql: `
      SELECT range.group_id, range.topic, range.partition, range.pass, range.first_offset,
        range.next_offset, range.dead_letter AS counted, found.found
      FROM consumed_range AS range
      CROSS JOIN LATERAL (
        SELECT count(*) AS found FROM dead_letter
        WHERE kafka_topic = range.topic AND kafka_partition = range.partition
          AND generation = range.generation
          AND kafka_offset >= range.first_offset AND kafka_offset < range.next_offset
      ) AS found
      WHERE range.dead_letter > 0 AND found.found < range.dead_letter`,
  },
  {
    name: 'conflicts_are_there',
    holds: 'every conflict that was counted is there',
    sql: `
      SELECT range.group_id, range.topic, range.partition, range.pass, range.first_offset,
        range.next_offset, range.conflict AS counted, count(conflict.session_id) AS found
      FROM consumed_range AS range
      LEFT JOIN event_conflict AS conflict
        ON conflict.kafka_topic = range.topic AND conflict.kafka_partition = range.partition
        AND conflict.generation = range.generation
        AND conflict.kafka_offset >= range.first_offset
        AND conflict.kafka_offset < range.next_offset
      WHERE range.conflict > 0
      GROUP BY range.group_id, range.topic, range.partition, range.pass, range.first_offset,
        range.next_offset, range.conflict
      HAVING count(conflict.session_id) < range.conflict`,
  },
];

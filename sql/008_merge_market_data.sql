-- Makes market_data and corporate_actions say about the given sessions what pg_temp.staged_bars
-- says: date, ticker, market, currency, open, high, low, close, volume, dividend, split_ratio,
-- source, data_quality. A staged row without a close is an action on a day without a bar.
--
-- One merge at a time: a refreshed adjusted_close reaches over all sessions of a ticker. The same
-- rows again write nothing. A bar that changes, or goes, leaves a revision, except where only the
-- volume drifted. Its reason is that of the open correction of the bar, else the one given. The
-- open corrections of the sessions that were seen before ``corrected_before`` are applied with the
-- merge: one that was seen while the rows were being made is not in them.
DROP FUNCTION IF EXISTS merge_staged_bars(date[], text);
CREATE OR REPLACE FUNCTION merge_staged_bars(
    of_sessions date[],
    reason text,
    corrected_before timestamptz,
    OUT inserted bigint,
    OUT updated bigint,
    OUT unchanged bigint,
    OUT deleted bigint
)
LANGUAGE plpgsql AS $$
DECLARE
    staged bigint;
    stored bigint;
    moment timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet market_data'), 0);
    moment := moment_of_merge(of_sessions);

    -- ON CONFLICT locks, and so writes, every row it meets: it gets only what differs.
    CREATE TEMPORARY TABLE changed_bars ON COMMIT DROP AS
    SELECT
        s.*,
        m.ticker IS NULL AS is_new,
        m.close IS DISTINCT FROM s.close AS close_differs,
        (m.open, m.high, m.low, m.close, m.source, m.data_quality)
        IS DISTINCT FROM (s.open, s.high, s.low, s.close, s.source, s.data_quality) AS bar_differs
    FROM pg_temp.staged_bars AS s
    LEFT JOIN market_data AS m USING (ticker, date)
    WHERE s.close IS NOT NULL
      AND (
          m.ticker IS NULL
          OR (m.open, m.high, m.low, m.close, m.volume, m.source, m.data_quality,
              m.metadata ->> 'market', m.metadata ->> 'currency')
             IS DISTINCT FROM
             (s.open, s.high, s.low, s.close, s.volume, s.source, s.data_quality,
              s.market, s.currency)
      );
    ANALYZE pg_temp.changed_bars;

    CREATE TEMPORARY TABLE touched_bars (ticker text, date date, action boolean) ON COMMIT DROP;

    INSERT INTO pg_temp.touched_bars
    SELECT c.ticker, min(c.date), false
    FROM pg_temp.changed_bars AS c
    WHERE c.close_differs
    GROUP BY c.ticker;

    INSERT INTO market_data_revisions (ticker, date, revised_at, row_before, reason)
    SELECT
        m.ticker, m.date, moment, to_jsonb(m), coalesce(o.reason, merge_staged_bars.reason)
    FROM market_data AS m
    JOIN pg_temp.changed_bars AS c USING (ticker, date)
    LEFT JOIN open_correction_reasons AS o USING (ticker, date)
    WHERE c.bar_differs;

    SELECT count(*) INTO staged FROM pg_temp.staged_bars AS s WHERE s.close IS NOT NULL;
    SELECT count(*) INTO stored FROM market_data AS m WHERE m.date = ANY (of_sessions);
    SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new)
    INTO inserted, updated
    FROM pg_temp.changed_bars;
    unchanged := staged - inserted - updated;
    deleted := stored - updated - unchanged;

    IF deleted > 0 THEN
        PERFORM delete_unstaged_bars(of_sessions, moment, reason);
    END IF;

    INSERT INTO market_data AS m (
        ticker, date, open, high, low, close, volume, adjusted_close, source, data_quality,
        created_at, updated_at, metadata
    )
    SELECT
        c.ticker, c.date, c.open, c.high, c.low, c.close, c.volume, c.close, c.source,
        c.data_quality, moment, moment, jsonb_build_object('market', c.market, 'currency', c.currency)
    FROM pg_temp.changed_bars AS c
    ORDER BY c.ticker, c.date
    ON CONFLICT (ticker, date) DO UPDATE SET
        open = excluded.open,
        high = excluded.high,
        low = excluded.low,
        close = excluded.close,
        volume = excluded.volume,
        adjusted_close = CASE
            WHEN m.close = excluded.close THEN m.adjusted_close ELSE excluded.close
        END,
        source = excluded.source,
        data_quality = excluded.data_quality,
        updated_at = excluded.updated_at,
        metadata = excluded.metadata
    WHERE (m.open, m.high, m.low, m.close, m.volume, m.source, m.data_quality, m.metadata)
          IS DISTINCT FROM (
              excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume,
              excluded.source, excluded.data_quality, excluded.metadata
          );

    PERFORM merge_staged_actions(of_sessions, moment);
    PERFORM refresh_adjusted_close(ARRAY(SELECT ticker FROM tickers_to_refresh()));

    -- What came with an earlier run, and is stored now. The run's own is resolved by its name.
    UPDATE ingest_failures AS f
    SET resolved_at = moment
    FROM pg_temp.staged_bars AS s
    WHERE f.resolved_at IS NULL
      AND f.came_with IS NOT NULL
      AND f.ticker = s.ticker
      AND f.session = s.date
      AND s.close IS NOT NULL;

    UPDATE price_corrections AS p
    SET applied_at = moment
    WHERE p.applied_at IS NULL
      AND p.date = ANY (of_sessions)
      AND p.seen_at < corrected_before;
END
$$;

-- Later than everything that the sessions, the revisions and the actions know of: what was known
-- at a moment can be told even where the clock was set back.
CREATE OR REPLACE FUNCTION moment_of_merge(of_sessions date[]) RETURNS timestamptz
LANGUAGE sql AS $$
    SELECT greatest(
        clock_timestamp(),
        greatest(
            (SELECT max(m.updated_at) FROM market_data AS m WHERE m.date = ANY (of_sessions)),
            (SELECT max(r.revised_at) FROM market_data_revisions AS r),
            (SELECT max(greatest(a.known_at, a.superseded_at)) FROM corporate_actions AS a)
        ) + interval '1 microsecond'
    )
$$;

-- The bars of the sessions that are not staged go, and leave a revision.
CREATE OR REPLACE FUNCTION delete_unstaged_bars(
    of_sessions date[], moment timestamptz, reason text
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        DELETE FROM market_data AS m
        WHERE m.date = ANY (of_sessions)
          AND NOT EXISTS (
              SELECT FROM pg_temp.staged_bars AS s
              WHERE s.ticker = m.ticker AND s.date = m.date AND s.close IS NOT NULL
          )
        RETURNING m.*
    ),
    revised AS (
        INSERT INTO market_data_revisions (ticker, date, revised_at, row_before, reason)
        SELECT
            gone.ticker, gone.date, moment, to_jsonb(gone),
            coalesce(o.reason, delete_unstaged_bars.reason)
        FROM gone
        LEFT JOIN open_correction_reasons AS o USING (ticker, date)
    )
    INSERT INTO pg_temp.touched_bars
    SELECT gone.ticker, gone.date, false FROM gone;
END
$$;

-- The dividends and splits of pg_temp.staged_bars, into corporate_actions. The tickers whose
-- actions changed go to pg_temp.touched_bars.
CREATE OR REPLACE FUNCTION merge_staged_actions(of_sessions date[], moment timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMPORARY TABLE staged_actions ON COMMIT DROP AS
    SELECT s.ticker, s.date AS ex_date, 'dividend' AS kind, s.dividend AS value, s.source
    FROM pg_temp.staged_bars AS s
    WHERE s.dividend <> 0
    UNION ALL
    SELECT s.ticker, s.date, 'split', s.split_ratio, s.source
    FROM pg_temp.staged_bars AS s
    WHERE s.split_ratio <> 1;
    ANALYZE pg_temp.staged_actions;

    WITH superseded AS (
        UPDATE corporate_actions AS a
        SET superseded_at = moment
        WHERE a.superseded_at IS NULL
          AND a.ex_date = ANY (of_sessions)
          AND NOT EXISTS (
              SELECT FROM pg_temp.staged_actions AS s
              WHERE s.ticker = a.ticker AND s.ex_date = a.ex_date
                AND s.kind = a.kind AND s.value = a.value
          )
        RETURNING a.ticker, a.ex_date
    )
    INSERT INTO pg_temp.touched_bars SELECT ticker, ex_date, true FROM superseded;

    WITH known AS (
        INSERT INTO corporate_actions (ticker, ex_date, kind, value, known_at, source)
        SELECT s.ticker, s.ex_date, s.kind, s.value, moment, s.source
        FROM pg_temp.staged_actions AS s
        ON CONFLICT (ticker, ex_date, kind) WHERE superseded_at IS NULL DO NOTHING
        RETURNING ticker, ex_date
    )
    INSERT INTO pg_temp.touched_bars SELECT ticker, ex_date, true FROM known;
END
$$;

-- The tickers whose actions changed, or that have a bar with a new close, or one less, and an
-- action that counts on it or on a later one. Bars appended after the last action stay out.
CREATE OR REPLACE FUNCTION tickers_to_refresh() RETURNS TABLE (ticker text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH touched AS (
        SELECT ticker, min(date) AS first_date, bool_or(action) AS action
        FROM pg_temp.touched_bars
        GROUP BY ticker
    )
    SELECT t.ticker
    FROM touched AS t
    WHERE t.action
       OR EXISTS (
           SELECT FROM corporate_actions AS a
           WHERE a.ticker = t.ticker
             AND a.superseded_at IS NULL
             AND a.ex_date > coalesce(
                 (SELECT max(m.date) FROM market_data AS m
                  WHERE m.ticker = t.ticker AND m.date < t.first_date),
                 '-infinity'
             )
       );
END
$$;

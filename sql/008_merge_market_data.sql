-- Makes market_data and corporate_actions say about the given sessions what pg_temp.staged_bars
-- says: date, ticker, market, currency, open, high, low, close, volume, dividend, split_ratio,
-- source, data_quality. A staged row without a close is an action on a day without a bar.
--
-- One merge at a time: a refreshed adjusted_close reaches over all sessions of a ticker. The same
-- rows again write nothing. A bar that changes, or goes, leaves a revision, except where only the
-- volume drifted. Its reason is that of the open correction of the bar, else the one given. The
-- open corrections of the sessions that were seen before ``corrected_before`` are applied with the
-- merge: one that was seen while the rows were being made is not in them.
--
-- New bars are written last, and once: by then all that their adjusted_close follows from is known.
-- Where others follow, the adjusted_close of stored bars is left to the last of them: each would
-- write the whole history again.
CREATE TABLE IF NOT EXISTS stale_adjusted_closes (ticker text COLLATE "C" PRIMARY KEY);

DROP FUNCTION IF EXISTS merge_staged_bars(date[], text);
DROP FUNCTION IF EXISTS merge_staged_bars(date[], text, timestamptz);
CREATE OR REPLACE FUNCTION merge_staged_bars(
    of_sessions date[],
    reason text,
    corrected_before timestamptz,
    others_follow boolean,
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

    CREATE UNIQUE INDEX staged_bars_key ON pg_temp.staged_bars (ticker, date);
    CREATE TEMPORARY TABLE touched_bars (ticker text, date date, action boolean) ON COMMIT DROP;

    PERFORM compare_staged_bars(of_sessions);
    SELECT count(*) INTO staged FROM pg_temp.staged_bars AS s WHERE s.close IS NOT NULL;
    SELECT count(*) INTO stored FROM market_data AS m WHERE m.date = ANY (of_sessions);
    SELECT count(*) FILTER (WHERE is_gone), count(*) FILTER (WHERE NOT is_gone)
    INTO deleted, updated
    FROM pg_temp.differing_bars;
    inserted := staged - (stored - deleted);
    unchanged := stored - deleted - updated;

    IF deleted + updated > 0 THEN
        PERFORM revise_differing_bars(moment, reason);
    END IF;
    IF inserted > 0 THEN
        INSERT INTO pg_temp.touched_bars
        SELECT s.ticker, min(s.date), false
        FROM pg_temp.staged_bars AS s
        LEFT JOIN market_data AS m
        ON m.ticker = s.ticker AND m.date = s.date AND m.date = ANY (of_sessions)
        WHERE s.close IS NOT NULL AND m.ticker IS NULL
        GROUP BY s.ticker;
    END IF;
    PERFORM merge_staged_actions(of_sessions, moment);
    IF others_follow THEN
        PERFORM find_later_factors(
            ARRAY(SELECT ticker FROM tickers_to_refresh()), (SELECT min(d) FROM unnest(of_sessions) AS d)
        );
        PERFORM put_down_stale();
    ELSE
        PERFORM find_later_factors(
            ARRAY(SELECT ticker FROM tickers_to_refresh()
                  UNION SELECT s.ticker FROM stale_adjusted_closes AS s),
            '-infinity'
        );
        PERFORM refresh_stored_bars();
    END IF;
    IF inserted > 0 THEN
        PERFORM insert_new_bars(of_sessions, moment);
    END IF;

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

-- The stored bars of the sessions that are not what is staged, into pg_temp.differing_bars.
CREATE OR REPLACE FUNCTION compare_staged_bars(of_sessions date[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMPORARY TABLE differing_bars ON COMMIT DROP AS
    SELECT
        m.ticker,
        m.date,
        s.ticker IS NULL AS is_gone,
        m.close IS DISTINCT FROM s.close AS close_differs,
        (m.open, m.high, m.low, m.close, m.source, m.data_quality)
        IS DISTINCT FROM (s.open, s.high, s.low, s.close, s.source, s.data_quality) AS bar_differs
    FROM market_data AS m
    LEFT JOIN pg_temp.staged_bars AS s
    ON s.ticker = m.ticker AND s.date = m.date AND s.close IS NOT NULL
    WHERE m.date = ANY (of_sessions)
      AND (m.open, m.high, m.low, m.close, m.volume, m.source, m.data_quality,
           m.metadata ->> 'market', m.metadata ->> 'currency')
          IS DISTINCT FROM
          (s.open, s.high, s.low, s.close, s.volume, s.source, s.data_quality,
           s.market, s.currency);
    ANALYZE pg_temp.differing_bars;
END
$$;

-- The stored bars of pg_temp.differing_bars become what is staged, or go.
CREATE OR REPLACE FUNCTION revise_differing_bars(moment timestamptz, reason text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO market_data_revisions (ticker, date, revised_at, row_before, reason)
    SELECT
        m.ticker, m.date, moment, to_jsonb(m), coalesce(o.reason, revise_differing_bars.reason)
    FROM market_data AS m
    JOIN pg_temp.differing_bars AS d USING (ticker, date)
    LEFT JOIN open_correction_reasons AS o USING (ticker, date)
    WHERE d.bar_differs;

    DELETE FROM market_data AS m
    USING pg_temp.differing_bars AS d
    WHERE d.is_gone AND m.ticker = d.ticker AND m.date = d.date;

    UPDATE market_data AS m
    SET
        open = s.open,
        high = s.high,
        low = s.low,
        close = s.close,
        volume = s.volume,
        -- At the level of the bars around it, where the refresh is left to a later merge.
        adjusted_close = CASE
            WHEN d.close_differs THEN s.close * (m.adjusted_close / m.close) ELSE m.adjusted_close
        END,
        source = s.source,
        data_quality = s.data_quality,
        updated_at = moment,
        metadata = jsonb_build_object('market', s.market, 'currency', s.currency)
    FROM pg_temp.differing_bars AS d
    JOIN pg_temp.staged_bars AS s USING (ticker, date)
    WHERE NOT d.is_gone AND m.ticker = d.ticker AND m.date = d.date;

    INSERT INTO pg_temp.touched_bars
    SELECT d.ticker, min(d.date), false
    FROM pg_temp.differing_bars AS d
    WHERE d.close_differs
    GROUP BY d.ticker;
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

-- The dividends and splits of pg_temp.staged_bars, into corporate_actions. The tickers whose
-- actions changed go to pg_temp.touched_bars.
CREATE OR REPLACE FUNCTION merge_staged_actions(of_sessions date[], moment timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMPORARY TABLE staged_actions ON COMMIT DROP AS
    SELECT s.ticker, s.date AS ex_date, action.kind, action.value, s.source
    FROM pg_temp.staged_bars AS s
    CROSS JOIN LATERAL (
        VALUES ('dividend', s.dividend, 0), ('split', s.split_ratio, 1)
    ) AS action (kind, value, without)
    WHERE (s.dividend <> 0 OR s.split_ratio <> 1) AND action.value <> action.without;
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

-- What the adjusted_close of the tickers' bars follows from, from a date on, into
-- pg_temp.refreshed_tickers: the dates of the bars on which actions count, ascending, and the product
-- of the factors from each of them on.
CREATE OR REPLACE FUNCTION find_later_factors(of_tickers text[], since date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMPORARY TABLE refreshed_tickers ON COMMIT DROP AS
    SELECT
        t.ticker,
        array_agg(f.date ORDER BY f.date) FILTER (WHERE f.date IS NOT NULL) AS dates,
        array_agg(f.factor ORDER BY f.date) FILTER (WHERE f.date IS NOT NULL) AS factors
    FROM unnest(of_tickers) AS t (ticker)
    LEFT JOIN (
        SELECT
            a.ticker,
            a.date,
            product(a.factor) OVER (PARTITION BY a.ticker ORDER BY a.date DESC) AS factor
        FROM action_factors_of_merge(of_tickers, since) AS a
    ) AS f ON f.ticker = t.ticker
    GROUP BY t.ticker;
    ANALYZE pg_temp.refreshed_tickers (ticker);
END
$$;

-- Brings adjusted_close of the stored bars of pg_temp.refreshed_tickers to what is known now.
CREATE OR REPLACE FUNCTION refresh_stored_bars() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    tickers text[] := ARRAY(SELECT r.ticker FROM pg_temp.refreshed_tickers AS r);
BEGIN
    UPDATE market_data AS m
    SET adjusted_close = m.close / later_factor(r.dates, r.factors, m.date)
    FROM pg_temp.refreshed_tickers AS r
    WHERE m.ticker = ANY (tickers)
      AND m.ticker = r.ticker
      AND abs(m.adjusted_close * later_factor(r.dates, r.factors, m.date) - m.close)
          > 1e-12 * m.close;

    DELETE FROM stale_adjusted_closes AS s WHERE s.ticker = ANY (tickers);
END
$$;

-- Puts down that adjusted_close of the stored bars of pg_temp.refreshed_tickers is not refreshed.
CREATE OR REPLACE FUNCTION put_down_stale() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stale_adjusted_closes (ticker)
    SELECT r.ticker
    FROM pg_temp.refreshed_tickers AS r
    WHERE EXISTS (SELECT FROM market_data AS m WHERE m.ticker = r.ticker)
    ON CONFLICT (ticker) DO NOTHING;
END
$$;

-- The staged bars that are not stored yet.
CREATE OR REPLACE FUNCTION insert_new_bars(of_sessions date[], moment timestamptz) RETURNS void
LANGUAGE plpgsql
-- The planner expects no row that is not stored yet, and would loop over the tickers for each.
SET enable_nestloop = off
AS $$
BEGIN
    INSERT INTO market_data (
        ticker, date, open, high, low, close, volume, adjusted_close, source, data_quality,
        created_at, updated_at, metadata
    )
    SELECT
        s.ticker, s.date, s.open, s.high, s.low, s.close, s.volume,
        s.close / later_factor(r.dates, r.factors, s.date), s.source, s.data_quality,
        moment, moment, jsonb_build_object('market', s.market, 'currency', s.currency)
    FROM pg_temp.staged_bars AS s
    LEFT JOIN market_data AS m
    ON m.ticker = s.ticker AND m.date = s.date AND m.date = ANY (of_sessions)
    LEFT JOIN pg_temp.refreshed_tickers AS r ON r.ticker = s.ticker
    WHERE s.close IS NOT NULL AND m.ticker IS NULL;
END
$$;

-- The product of the factors after a day, 1 where there are none.
CREATE OR REPLACE FUNCTION later_factor(dates date[], factors double precision[], day date)
RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(factors[width_bucket(day, dates) + 1], 1)
$$;

-- As action_factors, of what is known now: the bars that are stored, and those that are staged and
-- will be. An action is looked up, not searched for among all bars.
CREATE OR REPLACE FUNCTION action_factors_of_merge(of_tickers text[], since date)
RETURNS TABLE (ticker text, date date, factor double precision)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT h.ticker, h.date, h.held[1] + h.held[2] / h.close
    FROM (
        SELECT
            a.ticker,
            bar.date,
            bar.close,
            one_share_held(a.dividend, a.split_ratio ORDER BY a.ex_date) AS held
        FROM actions_known_at(of_tickers, 'infinity') AS a
        CROSS JOIN LATERAL (
            (SELECT m.date, m.close
             FROM market_data AS m
             WHERE m.ticker = a.ticker AND m.date >= a.ex_date
             ORDER BY m.date
             LIMIT 1)
            UNION ALL
            (SELECT s.date, s.close
             FROM pg_temp.staged_bars AS s
             WHERE s.ticker = a.ticker AND s.date >= a.ex_date AND s.close IS NOT NULL
             ORDER BY s.date
             LIMIT 1)
            ORDER BY date
            LIMIT 1
        ) AS bar
        WHERE a.ex_date >= since
        GROUP BY a.ticker, bar.date, bar.close
    ) AS h;
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

-- A database of Parakeet as it was before migrations were on record: all files of sql/ of that
-- time in order, then rows. Never changed: it is what test_migrations.py brings up to date.
-- One bar per ticker and day, as it traded that day. PostgreSQL sorts NaN above Infinity, so
-- "< 'Infinity'" refuses both. Prices within 1e-6 of each other count as equal, as in the lake.
CREATE TABLE IF NOT EXISTS market_data (
    ticker         text COLLATE "C" NOT NULL,
    date           date             NOT NULL,
    open           double precision NOT NULL,
    high           double precision NOT NULL,
    low            double precision NOT NULL,
    close          double precision NOT NULL,
    volume         bigint           NOT NULL,
    adjusted_close double precision NOT NULL,
    source         text             NOT NULL,
    data_quality   text             NOT NULL,
    created_at     timestamptz      NOT NULL DEFAULT now(),
    updated_at     timestamptz      NOT NULL DEFAULT now(),
    metadata       jsonb            NOT NULL DEFAULT '{}',
    PRIMARY KEY (ticker, date),
    CONSTRAINT market_data_ticker_given CHECK (ticker <> ''),
    CONSTRAINT market_data_prices_positive_and_finite CHECK (
        open > 0 AND open < 'Infinity'
        AND high > 0 AND high < 'Infinity'
        AND low > 0 AND low < 'Infinity'
        AND close > 0 AND close < 'Infinity'
        AND adjusted_close > 0 AND adjusted_close < 'Infinity'
    ),
    CONSTRAINT market_data_low_to_high CHECK (
        low <= least(open, close) * 1.000001 AND high * 1.000001 >= greatest(open, close)
    ),
    CONSTRAINT market_data_volume_not_negative CHECK (volume >= 0),
    CONSTRAINT market_data_quality_known CHECK (data_quality IN ('good', 'suspect'))
);

CREATE INDEX IF NOT EXISTS market_data_date ON market_data (date);

-- A merge gives its own moment, which is that of its revisions.
CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER market_data_updated_at
BEFORE UPDATE ON market_data
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
EXECUTE FUNCTION set_updated_at();
-- Dividends and splits. Nothing is overwritten: an action that becomes known with another value
-- is a new row, and the row before it gets superseded_at.
-- A dividend is per share held before a split of the same day; a split is new shares per old one.
CREATE TABLE IF NOT EXISTS corporate_actions (
    ticker        text COLLATE "C" NOT NULL,
    ex_date       date             NOT NULL,
    kind          text             NOT NULL,
    value         double precision NOT NULL,
    known_at      timestamptz      NOT NULL DEFAULT clock_timestamp(),
    source        text             NOT NULL,
    superseded_at timestamptz,
    PRIMARY KEY (ticker, ex_date, kind, known_at),
    CONSTRAINT corporate_actions_kind_known CHECK (kind IN ('dividend', 'split')),
    CONSTRAINT corporate_actions_value_positive_and_finite CHECK (value > 0 AND value < 'Infinity'),
    CONSTRAINT corporate_actions_known_before_superseded CHECK (superseded_at >= known_at)
);

CREATE UNIQUE INDEX IF NOT EXISTS corporate_actions_known_now
ON corporate_actions (ticker, ex_date, kind) WHERE superseded_at IS NULL;

CREATE INDEX IF NOT EXISTS corporate_actions_ex_date ON corporate_actions (ex_date);
-- What a bar said before it was corrected or withdrawn.
CREATE TABLE IF NOT EXISTS market_data_revisions (
    ticker     text COLLATE "C" NOT NULL,
    date       date        NOT NULL,
    revised_at timestamptz NOT NULL,
    row_before jsonb       NOT NULL,
    reason     text        NOT NULL,
    PRIMARY KEY (ticker, date, revised_at)
);

CREATE INDEX IF NOT EXISTS market_data_revisions_revised_at ON market_data_revisions (revised_at);
-- Bars that broke a rule, and tickers that could not be had.
CREATE TABLE IF NOT EXISTS market_data_quarantine (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticker      text COLLATE "C" NOT NULL,
    date        date        NOT NULL,
    "row"       jsonb       NOT NULL,
    rule        text        NOT NULL,
    detected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at timestamptz,
    resolution  text,
    CONSTRAINT market_data_quarantine_resolved_with_reason
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);

CREATE UNIQUE INDEX IF NOT EXISTS market_data_quarantine_open
ON market_data_quarantine (ticker, date, rule) WHERE resolved_at IS NULL;

CREATE TABLE IF NOT EXISTS ingest_failures (
    ticker      text COLLATE "C" NOT NULL,
    session     date        NOT NULL,
    error_class text        NOT NULL,
    message     text        NOT NULL,
    attempts    integer     NOT NULL DEFAULT 1,
    first_seen  timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen   timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at timestamptz,
    PRIMARY KEY (ticker, session, error_class),
    CONSTRAINT ingest_failures_attempts_positive CHECK (attempts > 0)
);

-- Within 1e-6, or both missing.
CREATE OR REPLACE FUNCTION same_price(one double precision, other double precision)
RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT one IS NOT DISTINCT FROM other OR abs(one - other) <= 1e-6 * greatest(one, other)
$$;

-- What was decided by hand, the newest decision per ticker, date, rule and close.
CREATE OR REPLACE VIEW quarantine_decisions AS
SELECT DISTINCT ON (ticker, date, rule, close) ticker, date, rule, close, decision
FROM (
    SELECT
        id,
        ticker,
        date,
        rule,
        ("row" ->> 'close')::double precision AS close,
        split_part(resolution, ':', 1) AS decision
    FROM market_data_quarantine
) AS resolved
WHERE decision IN ('released', 'rejected')
ORDER BY ticker, date, rule, close, id DESC;

-- Adds the rows of pg_temp.staged_quarantine (ticker, date, row, rule) that nobody decided upon.
-- One that is open already takes the new content. Returns the number of rows that are new.
CREATE OR REPLACE FUNCTION quarantine_staged_rows() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    added bigint;
BEGIN
    WITH written AS (
        INSERT INTO market_data_quarantine AS q (ticker, date, "row", rule)
        SELECT DISTINCT ON (s.ticker, s.date, s.rule) s.ticker, s.date, s."row", s.rule
        FROM pg_temp.staged_quarantine AS s
        WHERE NOT EXISTS (
            SELECT FROM quarantine_decisions AS d
            WHERE d.ticker = s.ticker AND d.date = s.date AND d.rule = s.rule
              AND same_price(d.close, (s."row" ->> 'close')::double precision)
        )
        ORDER BY s.ticker, s.date, s.rule
        ON CONFLICT (ticker, date, rule) WHERE resolved_at IS NULL
        DO UPDATE SET "row" = excluded."row" WHERE q."row" <> excluded."row"
        RETURNING xmax = 0 AS is_new
    )
    SELECT count(*) FILTER (WHERE is_new) INTO added FROM written;
    RETURN added;
END
$$;

-- The tickers that were called delisted on three different days, for sessions after their last
-- bar: a vendor calls an outage a delisting, too.
CREATE OR REPLACE VIEW believed_delisted AS
SELECT f.ticker
FROM ingest_failures AS f
CROSS JOIN LATERAL (VALUES (f.first_seen), (f.last_seen)) AS seen (at)
WHERE f.error_class = 'DELISTED'
  AND f.resolved_at IS NULL
  AND f.session > coalesce(
      (SELECT max(m.date) FROM market_data AS m WHERE m.ticker = f.ticker), '-infinity'
  )
GROUP BY f.ticker
HAVING count(DISTINCT (seen.at AT TIME ZONE 'UTC')::date) >= 3;

-- Records the rows of pg_temp.staged_failures (ticker, session, error_class, message), and
-- resolves the open failures in [first_session, last_session] of the tickers that came through.
-- One failure stays open per ticker and session, the one staged.
CREATE OR REPLACE FUNCTION record_staged_failures(
    first_session date, last_session date, came_through text[]
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet ingest_failures'), 0);

    INSERT INTO ingest_failures AS f (ticker, session, error_class, message)
    SELECT DISTINCT ON (s.ticker, s.session) s.ticker, s.session, s.error_class, s.message
    FROM pg_temp.staged_failures AS s
    ORDER BY s.ticker, s.session, s.error_class, s.message
    ON CONFLICT (ticker, session, error_class) DO UPDATE SET
        message = excluded.message,
        attempts = f.attempts + 1,
        last_seen = excluded.last_seen,
        resolved_at = NULL;

    UPDATE ingest_failures AS f
    SET resolved_at = clock_timestamp()
    FROM (
        SELECT ticker, session, min(error_class) AS error_class
        FROM pg_temp.staged_failures
        GROUP BY ticker, session
    ) AS newest
    WHERE f.resolved_at IS NULL
      AND f.ticker = newest.ticker
      AND f.session = newest.session
      AND f.error_class <> newest.error_class;

    UPDATE ingest_failures AS f
    SET resolved_at = clock_timestamp()
    WHERE f.resolved_at IS NULL
      AND f.session BETWEEN first_session AND last_session
      AND f.ticker = ANY (came_through)
      AND NOT EXISTS (
          SELECT FROM pg_temp.staged_failures AS s
          WHERE s.ticker = f.ticker AND s.session = f.session
      );
END
$$;
-- Target weights. Every version is kept; a version is all rows with one known_at.
CREATE TABLE IF NOT EXISTS allocations (
    strategy  text             NOT NULL,
    session   date             NOT NULL,
    ticker    text COLLATE "C" NOT NULL,
    weight    double precision NOT NULL,
    rebalance boolean          NOT NULL,
    known_at  timestamptz      NOT NULL,
    PRIMARY KEY (strategy, session, known_at, ticker),
    CONSTRAINT allocations_weight_finite CHECK (weight > '-Infinity' AND weight < 'Infinity')
);

CREATE OR REPLACE VIEW allocations_latest AS
SELECT strategy, session, ticker, weight, rebalance, known_at
FROM (
    SELECT a.*, rank() OVER (PARTITION BY strategy, session ORDER BY known_at DESC) AS age
    FROM allocations AS a
) AS versions
WHERE age = 1;

-- Writes the rows of pg_temp.staged_allocations (session, ticker, weight, rebalance) as new
-- versions of the sessions whose newest version differs from them. Returns the rows written.
CREATE OR REPLACE FUNCTION write_staged_allocations(of_strategy text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet allocations'), hashtext(of_strategy));

    WITH newest AS (
        SELECT l.session, l.ticker, l.weight, l.rebalance, l.known_at
        FROM allocations_latest AS l
        WHERE l.strategy = of_strategy
          AND l.session IN (SELECT session FROM pg_temp.staged_allocations)
    ),
    changed AS (
        SELECT DISTINCT session
        FROM pg_temp.staged_allocations AS s
        FULL JOIN newest AS n USING (session, ticker)
        WHERE (s.weight, s.rebalance) IS DISTINCT FROM (n.weight, n.rebalance)
    ),
    -- The clock may have been set back since the version before.
    moment AS (
        SELECT greatest(clock_timestamp(), max(known_at) + interval '1 microsecond') AS known_at
        FROM newest
    )
    INSERT INTO allocations (strategy, session, ticker, weight, rebalance, known_at)
    SELECT of_strategy, s.session, s.ticker, s.weight, s.rebalance, moment.known_at
    FROM pg_temp.staged_allocations AS s
    JOIN changed USING (session)
    CROSS JOIN moment;

    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$$;
-- Trades that move a portfolio to its target. Every version is kept.
CREATE TABLE IF NOT EXISTS orders (
    strategy           text             NOT NULL,
    session            date             NOT NULL,
    ticker             text COLLATE "C" NOT NULL,
    side               text             NOT NULL,
    quantity           double precision NOT NULL,
    price_estimate_aud double precision NOT NULL,
    cost_estimate_aud  double precision NOT NULL,
    reason             text             NOT NULL,
    known_at           timestamptz      NOT NULL,
    PRIMARY KEY (strategy, session, known_at, ticker, side),
    CONSTRAINT orders_side_known CHECK (side IN ('buy', 'sell')),
    CONSTRAINT orders_quantity_positive_and_finite CHECK (quantity > 0 AND quantity < 'Infinity'),
    CONSTRAINT orders_price_positive_and_finite
    CHECK (price_estimate_aud > 0 AND price_estimate_aud < 'Infinity'),
    CONSTRAINT orders_cost_finite CHECK (cost_estimate_aud >= 0 AND cost_estimate_aud < 'Infinity')
);
CREATE OR REPLACE AGGREGATE product(double precision) (
    SFUNC = float8mul, STYPE = double precision
);

-- The bars of the tickers as they were known at a moment; what is known now is known at 'infinity'.
-- A bar's former selves are its revisions, each known until its revised_at. adjusted_close is not
-- part of it: it is that of the row found.
CREATE OR REPLACE FUNCTION bars_known_at(of_tickers text[], moment timestamptz)
RETURNS SETOF market_data
LANGUAGE sql STABLE AS $$
    SELECT m.*
    FROM market_data AS m
    WHERE m.ticker = ANY (of_tickers)
      AND m.created_at <= moment
      AND NOT EXISTS (
          SELECT FROM market_data_revisions AS r
          WHERE r.ticker = m.ticker AND r.date = m.date AND r.revised_at > moment
      )
    UNION ALL
    SELECT former.*
    FROM (
        SELECT DISTINCT ON (r.ticker, r.date) r.row_before
        FROM market_data_revisions AS r
        WHERE r.ticker = ANY (of_tickers) AND r.revised_at > moment
        ORDER BY r.ticker, r.date, r.revised_at
    ) AS next_revision
    CROSS JOIN LATERAL jsonb_populate_record(
        NULL::market_data, next_revision.row_before
    ) AS former
    WHERE former.created_at <= moment
$$;

-- The days on which something went ex, as they were known at a moment.
CREATE OR REPLACE FUNCTION actions_known_at(of_tickers text[], moment timestamptz)
RETURNS TABLE (
    ticker text, ex_date date, dividend double precision, split_ratio double precision
)
LANGUAGE sql STABLE AS $$
    SELECT
        a.ticker,
        a.ex_date,
        coalesce(max(a.value) FILTER (WHERE a.kind = 'dividend'), 0),
        coalesce(max(a.value) FILTER (WHERE a.kind = 'split'), 1)
    FROM corporate_actions AS a
    WHERE a.ticker = ANY (of_tickers)
      AND a.known_at <= moment
      AND (a.superseded_at IS NULL OR a.superseded_at > moment)
    GROUP BY a.ticker, a.ex_date
$$;

DROP FUNCTION IF EXISTS action_factors(text[]);

-- The bars on which actions count, with what one share held before became, in shares of that bar:
-- (close * shares + cash) / close. An action without a bar on its ex-date counts on the next bar.
-- A dividend is paid on each share held before that day's split, so the splits earlier in the
-- same gap multiply it.
CREATE OR REPLACE FUNCTION action_factors(of_tickers text[], moment timestamptz)
RETURNS TABLE (ticker text, date date, factor double precision)
LANGUAGE sql STABLE AS $$
    WITH days AS (
        SELECT
            coalesce(b.ticker, a.ticker) AS ticker,
            a.ex_date,
            a.dividend,
            a.split_ratio,
            min(b.date) OVER on_or_after AS date
        FROM bars_known_at(of_tickers, moment) AS b
        FULL JOIN actions_known_at(of_tickers, moment) AS a
        ON a.ticker = b.ticker AND a.ex_date = b.date
        WINDOW on_or_after AS (
            PARTITION BY coalesce(b.ticker, a.ticker) ORDER BY coalesce(b.date, a.ex_date) DESC
        )
    ),
    on_bars AS (
        SELECT
            days.*,
            coalesce(product(split_ratio) OVER earlier_in_gap, 1) AS shares_held
        FROM days
        WHERE ex_date IS NOT NULL AND date IS NOT NULL
        WINDOW earlier_in_gap AS (
            PARTITION BY ticker, date ORDER BY ex_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
    SELECT
        o.ticker,
        o.date,
        product(o.split_ratio ORDER BY o.ex_date)
        + sum(o.shares_held * o.dividend ORDER BY o.ex_date) / max(b.close)
    FROM on_bars AS o
    JOIN bars_known_at(of_tickers, moment) AS b USING (ticker, date)
    GROUP BY o.ticker, o.date
$$;

-- adjusted_close = last close / product of (1 + total return) over the bars since. The closes in
-- between cancel: what remains is the bar's own close over the product of the later factors.
CREATE OR REPLACE FUNCTION adjusted_closes_known_at(of_tickers text[], moment timestamptz)
RETURNS TABLE (ticker text, date date, adjusted_close double precision)
LANGUAGE sql STABLE AS $$
    SELECT
        b.ticker,
        b.date,
        b.close / coalesce(product(f.factor) OVER later_bars, 1)
    FROM bars_known_at(of_tickers, moment) AS b
    LEFT JOIN action_factors(of_tickers, moment) AS f USING (ticker, date)
    WINDOW later_bars AS (
        PARTITION BY b.ticker ORDER BY b.date DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
$$;

-- Brings the column adjusted_close of the tickers to what is known now. Returns the number of rows
-- that changed, by more than 1e-12 relative.
CREATE OR REPLACE FUNCTION refresh_adjusted_close(of_tickers text[]) RETURNS bigint
LANGUAGE plpgsql
-- In a first load there are no statistics yet, and a nested loop would take hours.
SET enable_nestloop = off
AS $$
DECLARE
    changed bigint;
BEGIN
    UPDATE market_data AS m
    SET adjusted_close = a.adjusted_close
    FROM adjusted_closes_known_at(of_tickers, 'infinity') AS a
    WHERE m.ticker = ANY (of_tickers)
      AND m.ticker = a.ticker
      AND m.date = a.date
      AND abs(m.adjusted_close - a.adjusted_close) > 1e-12 * a.adjusted_close;

    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
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
-- The distinct tickers and dates by skipping through an index: a few milliseconds where a DISTINCT
-- over all rows takes seconds.
CREATE OR REPLACE VIEW market_data_tickers AS
WITH RECURSIVE skip AS (
    (SELECT ticker FROM market_data ORDER BY ticker LIMIT 1)
    UNION ALL
    SELECT (SELECT m.ticker FROM market_data AS m WHERE m.ticker > s.ticker ORDER BY m.ticker LIMIT 1)
    FROM skip AS s
    WHERE s.ticker IS NOT NULL
)
SELECT ticker FROM skip WHERE ticker IS NOT NULL;

CREATE OR REPLACE VIEW market_data_sessions AS
WITH RECURSIVE skip AS (
    (SELECT date FROM market_data ORDER BY date LIMIT 1)
    UNION ALL
    SELECT (SELECT m.date FROM market_data AS m WHERE m.date > s.date ORDER BY m.date LIMIT 1)
    FROM skip AS s
    WHERE s.date IS NOT NULL
)
SELECT date FROM skip WHERE date IS NOT NULL;

CREATE OR REPLACE VIEW allocation_sessions AS
WITH RECURSIVE skip AS (
    (SELECT strategy, session FROM allocations ORDER BY strategy, session LIMIT 1)
    UNION ALL
    SELECT later.strategy, later.session
    FROM skip AS s
    CROSS JOIN LATERAL (
        SELECT a.strategy, a.session
        FROM allocations AS a
        WHERE (a.strategy, a.session) > (s.strategy, s.session)
        ORDER BY a.strategy, a.session
        LIMIT 1
    ) AS later
)
SELECT strategy, session FROM skip;

CREATE OR REPLACE VIEW market_data_latest AS
SELECT
    latest.*,
    (now() AT TIME ZONE 'UTC')::date - latest.date AS days_stale
FROM market_data_tickers AS t
CROSS JOIN LATERAL (
    SELECT m.* FROM market_data AS m WHERE m.ticker = t.ticker ORDER BY m.date DESC LIMIT 1
) AS latest;

CREATE OR REPLACE VIEW market_data_quality_summary AS
SELECT
    ticker,
    coalesce(bars.good, 0) AS good,
    coalesce(bars.suspect, 0) AS suspect,
    coalesce(quarantine.open, 0) AS quarantined,
    bars.first_date,
    bars.last_date
FROM (
    SELECT
        m.ticker,
        count(*) FILTER (WHERE m.data_quality = 'good') AS good,
        count(*) FILTER (WHERE m.data_quality = 'suspect') AS suspect,
        min(m.date) AS first_date,
        max(m.date) AS last_date
    FROM market_data AS m
    GROUP BY m.ticker
) AS bars
FULL JOIN (
    SELECT q.ticker, count(DISTINCT q.date) AS open
    FROM market_data_quarantine AS q
    WHERE q.resolved_at IS NULL
    GROUP BY q.ticker
) AS quarantine USING (ticker);

-- The last close as it traded; no row for an unknown ticker, so NULL.
CREATE OR REPLACE FUNCTION get_latest_close(ticker text) RETURNS double precision
LANGUAGE sql STABLE AS $$
    SELECT m.close FROM market_data AS m WHERE m.ticker = $1 ORDER BY m.date DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION get_ticker_date_range(ticker text)
RETURNS TABLE (first_date date, last_date date, sessions bigint)
LANGUAGE sql STABLE AS $$
    SELECT min(m.date), max(m.date), count(*)
    FROM market_data AS m
    WHERE m.ticker = $1
    HAVING count(*) > 0
$$;

-- Per date the number of bars and an MD5 over their content, to be compared with the lake's
-- (parakeet_dagster/storage/checksum.py): tickers joined by commas, then open, high, low, close
-- (IEEE 754 doubles) and volume (8 bytes), column after column, big-endian, in ticker order.
CREATE OR REPLACE FUNCTION market_data_checksum(first_date date, last_date date)
RETURNS TABLE (date date, "rows" bigint, checksum text)
LANGUAGE sql STABLE AS $$
    SELECT
        m.date,
        count(*),
        md5(
            string_agg(convert_to(m.ticker, 'UTF8'), ',' ORDER BY m.ticker COLLATE "C")
            || string_agg(float8send(m.open), '' ORDER BY m.ticker COLLATE "C")
            || string_agg(float8send(m.high), '' ORDER BY m.ticker COLLATE "C")
            || string_agg(float8send(m.low), '' ORDER BY m.ticker COLLATE "C")
            || string_agg(float8send(m.close), '' ORDER BY m.ticker COLLATE "C")
            || string_agg(int8send(m.volume), '' ORDER BY m.ticker COLLATE "C")
        )
    FROM market_data AS m
    WHERE m.date BETWEEN first_date AND last_date
    GROUP BY m.date
    ORDER BY m.date
$$;
-- What a vendor says now of a stored session, and differs from what is stored; or a bar released
-- from quarantine. One (ticker, date, value) causes at most one recomputation.
CREATE TABLE IF NOT EXISTS price_corrections (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticker     text COLLATE "C" NOT NULL,
    date       date        NOT NULL,
    value      jsonb       NOT NULL,
    reason     text        NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    UNIQUE (ticker, date, value)
);

CREATE INDEX IF NOT EXISTS price_corrections_date ON price_corrections (date);

CREATE INDEX IF NOT EXISTS price_corrections_open
ON price_corrections (date) WHERE applied_at IS NULL;

CREATE OR REPLACE VIEW open_correction_reasons AS
SELECT DISTINCT ON (ticker, date) ticker, date, reason
FROM price_corrections
WHERE applied_at IS NULL
ORDER BY ticker, date, id DESC;
-- Sessions of a market whose missing data somebody accepted. A withdrawn one stays.
CREATE TABLE IF NOT EXISTS session_acceptances (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session      date        NOT NULL,
    market       text        NOT NULL,
    reason       text        NOT NULL,
    accepted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    withdrawn_at timestamptz,
    CONSTRAINT session_acceptances_market_given CHECK (market <> ''),
    CONSTRAINT session_acceptances_reason_given CHECK (reason <> ''),
    CONSTRAINT session_acceptances_accepted_before_withdrawn CHECK (withdrawn_at >= accepted_at)
);

CREATE UNIQUE INDEX IF NOT EXISTS session_acceptances_standing
ON session_acceptances (session, market) WHERE withdrawn_at IS NULL;
-- The ranges of sessions that were requested again, and why.
CREATE TABLE IF NOT EXISTS healing_requests (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_session date        NOT NULL,
    last_session  date        NOT NULL,
    causes        text        NOT NULL,
    requested_at  timestamptz NOT NULL,
    CONSTRAINT healing_requests_first_to_last CHECK (first_session <= last_session)
);
-- The table market_data as it was known at a moment: its bars, and their adjusted_close from the
-- closes and the actions known then. updated_at is the last change up to then that is known. A
-- volume that drifted left no revision, so it is that of the newest version of the same bar.
CREATE OR REPLACE FUNCTION market_data_as_of(moment timestamptz) RETURNS SETOF market_data
LANGUAGE sql STABLE
-- As in refresh_adjusted_close: where statistics are missing a nested loop would take hours.
SET enable_nestloop = off
AS $$
    WITH ever_known AS (
        SELECT array_agg(ticker) AS tickers
        FROM (
            SELECT ticker FROM market_data_tickers
            UNION
            SELECT ticker FROM market_data_revisions
        ) AS known
    )
    SELECT
        b.ticker, b.date, b.open, b.high, b.low, b.close, b.volume, a.adjusted_close, b.source,
        b.data_quality, b.created_at,
        CASE
            WHEN b.updated_at <= moment THEN b.updated_at
            ELSE coalesce(
                (SELECT max(r.revised_at) FROM market_data_revisions AS r
                 WHERE r.ticker = b.ticker AND r.date = b.date
                   AND r.revised_at BETWEEN b.created_at AND moment),
                b.created_at
            )
        END,
        b.metadata
    FROM ever_known
    CROSS JOIN LATERAL bars_known_at(ever_known.tickers, moment) AS b
    JOIN adjusted_closes_known_at(ever_known.tickers, moment) AS a USING (ticker, date)
$$;
-- Bars adjusted for every split and dividend known now, at today's level: prices by the factor of
-- adjusted_close, volume by the splits of later bars. A split that waits for its bar does not
-- count yet, as in adjusted_close. Asked for one ticker it reads that ticker only.
CREATE OR REPLACE VIEW market_data_adjusted AS
SELECT
    m.ticker,
    m.date,
    m.open * (m.adjusted_close / m.close) AS open,
    m.high * (m.adjusted_close / m.close) AS high,
    m.low * (m.adjusted_close / m.close) AS low,
    m.adjusted_close AS close,
    m.volume * later.shares AS volume,
    m.source,
    m.data_quality
FROM market_data AS m
CROSS JOIN LATERAL (
    SELECT coalesce(product(a.value ORDER BY a.ex_date), 1) AS shares
    FROM corporate_actions AS a
    WHERE a.ticker = m.ticker
      AND a.ex_date > m.date
      AND a.kind = 'split'
      AND a.superseded_at IS NULL
      AND EXISTS (
          SELECT FROM market_data AS bar WHERE bar.ticker = a.ticker AND bar.date >= a.ex_date
      )
) AS later;

CREATE TABLE schema_digest (
    digest     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO schema_digest VALUES ('of the files above', '2026-11-24 02:46:59+00');

INSERT INTO market_data
SELECT ticker, date, 10, 11, 9, 10 + n, 1000 * n, 10 + n, 'sample', 'good',
       '2026-11-24 01:00:00.123456+00', '2026-11-24 01:00:01.654321+00',
       '{"market": "XNYS", "currency": "USD"}'
FROM (VALUES
    ('AAA', '2022-06-01'::date, 0.5),
    ('AAA', '2022-06-02', 0.75),
    ('BBB', '2022-06-01', 1)
) AS bars (ticker, date, n);
INSERT INTO corporate_actions VALUES
    ('AAA', '2022-06-02', 'dividend', 0.25, '2026-11-24 01:00:00+00', 'sample', NULL),
    ('AAA', '2022-06-02', 'split', 2, '2026-11-23 01:00:00+00', 'sample', '2026-11-24 01:00:00+00');
INSERT INTO market_data_revisions VALUES
    ('BBB', '2022-06-01', '2026-11-24 01:00:01+00', '{"ticker": "BBB", "close": 10.5}', 'corrected');
INSERT INTO market_data_quarantine (ticker, date, "row", rule, detected_at, resolved_at, resolution)
VALUES
    ('CCC', '2022-06-01', '{"close": null}', 'ohlc', '2026-11-24 01:00:00+00', NULL, NULL),
    ('AAA', '2022-06-01', '{"close": 99}', 'move', '2026-11-24 01:00:00+00',
     '2026-11-24 02:00:00+00', 'rejected: a typing error');
INSERT INTO ingest_failures VALUES
    ('DDD', '2022-06-01', 'TIMEOUT', 'no answer, "after" 30 s', 2,
     '2026-11-24 01:00:00+00', '2026-11-24 01:10:00+00', NULL);
INSERT INTO allocations VALUES
    ('equal_weight', '2022-06-01', 'AAA', 0.5, true, '2026-11-24 01:00:00+00'),
    ('equal_weight', '2022-06-01', 'CASH', 0.5, true, '2026-11-24 01:00:00+00'),
    ('equal_weight', '2022-06-01', 'CASH', 1, true, '2026-11-23 01:00:00+00');
INSERT INTO price_corrections (ticker, date, value, reason, seen_at) VALUES
    ('AAA', '2022-06-02', '{"close": 10.7}', 'close 10.75 is 10.7', '2026-11-24 01:30:00+00');
INSERT INTO session_acceptances (session, market, reason, accepted_at) VALUES
    ('2022-06-01', 'XASX', 'the vendor has none', '2026-11-24 01:40:00+00');
INSERT INTO healing_requests (first_session, last_session, causes, requested_at) VALUES
    ('2022-06-01', '2022-06-02', '1 with a correction', '2026-11-24 01:50:00+00');

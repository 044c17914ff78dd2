-- Distinct values by skipping through an index: a few milliseconds where a DISTINCT
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

CREATE OR REPLACE VIEW allocation_strategies AS
WITH RECURSIVE skip AS (
    (SELECT strategy FROM allocations ORDER BY strategy LIMIT 1)
    UNION ALL
    SELECT (
        SELECT a.strategy FROM allocations AS a
        WHERE a.strategy > s.strategy ORDER BY a.strategy LIMIT 1
    )
    FROM skip AS s
    WHERE s.strategy IS NOT NULL
)
SELECT strategy FROM skip WHERE strategy IS NOT NULL;

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

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

-- The fetch in which the ticker came after all. It is resolved when what came is stored.
ALTER TABLE ingest_failures ADD COLUMN IF NOT EXISTS came_with text;

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

-- Records the rows of pg_temp.staged_failures (ticker, session, error_class, message), and marks
-- the open failures in [first_session, last_session] of the tickers that came with this fetch. One
-- failure stays open per ticker and session, the one staged.
DROP FUNCTION IF EXISTS record_staged_failures(date, date, text[]);
CREATE OR REPLACE FUNCTION record_staged_failures(
    first_session date, last_session date, came_through text[], fetch_id text
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
        came_with = NULL,
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
    SET came_with = fetch_id
    WHERE f.resolved_at IS NULL
      AND f.session BETWEEN first_session AND last_session
      AND f.ticker = ANY (came_through)
      AND NOT EXISTS (
          SELECT FROM pg_temp.staged_failures AS s
          WHERE s.ticker = f.ticker AND s.session = f.session
      );
END
$$;

-- Resolves the failures whose tickers came with a fetch: what came is stored now.
CREATE OR REPLACE FUNCTION resolve_failures_of(fetch_id text) RETURNS void
LANGUAGE sql AS $$
    UPDATE ingest_failures
    SET resolved_at = clock_timestamp()
    WHERE resolved_at IS NULL AND came_with = fetch_id
$$;

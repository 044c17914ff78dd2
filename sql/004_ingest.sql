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

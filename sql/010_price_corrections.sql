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

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

-- The ranges of sessions that were requested again, and why.
CREATE TABLE IF NOT EXISTS healing_requests (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_session date        NOT NULL,
    last_session  date        NOT NULL,
    causes        text        NOT NULL,
    requested_at  timestamptz NOT NULL,
    CONSTRAINT healing_requests_first_to_last CHECK (first_session <= last_session)
);

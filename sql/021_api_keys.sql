-- Who may use the API. The secret itself is nowhere: it is random and long, so its plain SHA-256 can
-- neither be guessed from nor looked up, and costs nothing to compute at each request.
CREATE TABLE IF NOT EXISTS api_keys (
    id         text        PRIMARY KEY, -- the part of the key that is no secret
    name       text        NOT NULL,    -- whose it is, for people and for the audit
    sha256     bytea       NOT NULL,    -- of the part that is
    scopes     text[]      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz,
    CONSTRAINT api_keys_name_given CHECK (name <> ''),
    CONSTRAINT api_keys_sha256_whole CHECK (length(sha256) = 32),
    CONSTRAINT api_keys_scopes_known
    CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'write'])
);

-- A name is that of one key at a time; what the audit says of a revoked one stays true.
CREATE UNIQUE INDEX IF NOT EXISTS api_keys_name_in_use ON api_keys (name) WHERE revoked_at IS NULL;

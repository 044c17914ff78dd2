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
        SELECT a.session, a.ticker, a.weight, a.rebalance, a.known_at
        FROM (SELECT DISTINCT session FROM pg_temp.staged_allocations) AS s
        CROSS JOIN LATERAL (
            SELECT v.known_at
            FROM allocations AS v
            WHERE v.strategy = of_strategy AND v.session = s.session
            ORDER BY v.known_at DESC
            LIMIT 1
        ) AS version
        JOIN allocations AS a
        ON a.strategy = of_strategy AND a.session = s.session AND a.known_at = version.known_at
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

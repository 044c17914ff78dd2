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

-- Every version of a session's orders. A version without a row in orders says: nothing to do.
CREATE TABLE IF NOT EXISTS order_versions (
    strategy text        NOT NULL,
    session  date        NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (strategy, session, known_at)
);

CREATE OR REPLACE VIEW orders_latest AS
SELECT
    o.strategy, o.session, o.ticker, o.side, o.quantity, o.price_estimate_aud, o.cost_estimate_aud,
    o.reason, o.known_at
FROM orders AS o
JOIN (
    SELECT v.strategy, v.session, max(v.known_at) AS known_at
    FROM order_versions AS v
    GROUP BY v.strategy, v.session
) AS newest USING (strategy, session, known_at);

-- Writes the rows of pg_temp.staged_orders (session, ticker, side, quantity, price_estimate_aud,
-- cost_estimate_aud, reason) as new versions of those of_sessions whose newest version differs from
-- them, or that have none. A session without a row has nothing to do. Returns the new versions.
CREATE OR REPLACE FUNCTION write_staged_orders(of_strategy text, of_sessions date[])
RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    versions bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet orders'), hashtext(of_strategy));

    WITH asked AS (
        SELECT DISTINCT session FROM unnest(of_sessions) AS u (session)
    ),
    newest AS (
        SELECT v.session, max(v.known_at) AS known_at
        FROM order_versions AS v
        WHERE v.strategy = of_strategy AND v.session = ANY (of_sessions)
        GROUP BY v.session
    ),
    known AS (
        SELECT o.*
        FROM orders AS o
        JOIN newest USING (session, known_at)
        WHERE o.strategy = of_strategy
    ),
    changed AS (
        SELECT session FROM asked WHERE session NOT IN (SELECT session FROM newest)
        UNION
        SELECT session
        FROM pg_temp.staged_orders AS s
        FULL JOIN known AS k USING (session, ticker, side)
        WHERE (s.ticker, s.quantity, s.price_estimate_aud, s.cost_estimate_aud, s.reason)
              IS DISTINCT FROM
              (k.ticker, k.quantity, k.price_estimate_aud, k.cost_estimate_aud, k.reason)
    ),
    -- The clock may have been set back since the version before.
    moment AS (
        SELECT greatest(clock_timestamp(), max(known_at) + interval '1 microsecond') AS known_at
        FROM newest
    ),
    rows_written AS (
        INSERT INTO orders (
            strategy, session, ticker, side, quantity, price_estimate_aud, cost_estimate_aud,
            reason, known_at
        )
        SELECT
            of_strategy, s.session, s.ticker, s.side, s.quantity, s.price_estimate_aud,
            s.cost_estimate_aud, s.reason, moment.known_at
        FROM pg_temp.staged_orders AS s
        JOIN changed USING (session)
        CROSS JOIN moment
    )
    INSERT INTO order_versions (strategy, session, known_at)
    SELECT of_strategy, changed.session, moment.known_at
    FROM changed
    CROSS JOIN moment;

    GET DIAGNOSTICS versions = ROW_COUNT;
    RETURN versions;
END
$$;

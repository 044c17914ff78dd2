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

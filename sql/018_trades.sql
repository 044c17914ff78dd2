-- What a person bought and sold, as entered; a trade is recorded once and never changed.
CREATE TABLE IF NOT EXISTS trades (
    id           text             PRIMARY KEY,
    date         date             NOT NULL,
    ticker       text COLLATE "C" NOT NULL,
    side         text             NOT NULL,
    quantity     double precision NOT NULL,
    price        double precision NOT NULL, -- per share, in the currency
    currency     text             NOT NULL,
    fee          double precision NOT NULL, -- in AUD
    aud_per_unit double precision,          -- NULL where the file does not say
    imported_at  timestamptz      NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT trades_id_given CHECK (id <> ''),
    CONSTRAINT trades_ticker_given CHECK (ticker NOT IN ('', 'CASH')),
    CONSTRAINT trades_side_known CHECK (side IN ('buy', 'sell')),
    CONSTRAINT trades_quantity_positive_and_finite CHECK (quantity > 0 AND quantity < 'Infinity'),
    CONSTRAINT trades_price_positive_and_finite CHECK (price > 0 AND price < 'Infinity'),
    CONSTRAINT trades_currency_given CHECK (currency <> ''),
    CONSTRAINT trades_fee_finite CHECK (fee >= 0 AND fee < 'Infinity'),
    CONSTRAINT trades_rate_positive_and_finite
    CHECK (aud_per_unit > 0 AND aud_per_unit < 'Infinity')
);

-- Records the rows of pg_temp.staged_trades whose id is new. Returns every id with what differs from
-- the trade that has it already: NULL where the id is new, empty where nothing does.
CREATE OR REPLACE FUNCTION record_staged_trades() RETURNS TABLE (trade_id text, differs text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet trades'), 0);

    RETURN QUERY
    SELECT
        s.id,
        CASE WHEN t.id IS NOT NULL THEN concat_ws(
            ', ',
            CASE WHEN s.date IS DISTINCT FROM t.date THEN 'date' END,
            CASE WHEN s.ticker IS DISTINCT FROM t.ticker THEN 'ticker' END,
            CASE WHEN s.side IS DISTINCT FROM t.side THEN 'side' END,
            CASE WHEN s.quantity IS DISTINCT FROM t.quantity THEN 'quantity' END,
            CASE WHEN s.price IS DISTINCT FROM t.price THEN 'price' END,
            CASE WHEN s.currency IS DISTINCT FROM t.currency THEN 'currency' END,
            CASE WHEN s.fee IS DISTINCT FROM t.fee THEN 'fee' END,
            CASE WHEN s.aud_per_unit IS DISTINCT FROM t.aud_per_unit THEN 'aud_per_unit' END
        ) END
    FROM pg_temp.staged_trades AS s
    LEFT JOIN trades AS t ON t.id = s.id;

    INSERT INTO trades (id, date, ticker, side, quantity, price, currency, fee, aud_per_unit)
    SELECT s.id, s.date, s.ticker, s.side, s.quantity, s.price, s.currency, s.fee, s.aud_per_unit
    FROM pg_temp.staged_trades AS s
    WHERE NOT EXISTS (SELECT FROM trades AS t WHERE t.id = s.id);
END
$$;

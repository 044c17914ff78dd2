-- What a person holds, as entered: one snapshot a date. A row is a parcel, shares of one ticker that
-- were acquired together; the row of CASH is money.
CREATE TABLE IF NOT EXISTS holdings (
    as_of       date             NOT NULL,
    parcel      integer          NOT NULL, -- its place in the file
    ticker      text COLLATE "C" NOT NULL,
    quantity    double precision NOT NULL, -- shares as of the date; AUD in the row of CASH
    acquired    date,
    price       double precision,          -- paid per share, in the currency
    currency    text             NOT NULL,
    imported_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (as_of, parcel),
    CONSTRAINT holdings_quantity_positive_and_finite
    CHECK (quantity > 0 AND quantity < 'Infinity'),
    CONSTRAINT holdings_price_positive_and_finite CHECK (price > 0 AND price < 'Infinity'),
    CONSTRAINT holdings_acquired_by_then CHECK (acquired <= as_of),
    CONSTRAINT holdings_parcel_whole
    CHECK (
        (ticker = 'CASH' AND currency = 'AUD' AND acquired IS NULL AND price IS NULL)
        OR (ticker NOT IN ('', 'CASH') AND acquired IS NOT NULL AND price IS NOT NULL)
    )
);

CREATE UNIQUE INDEX IF NOT EXISTS holdings_cash_once ON holdings (as_of) WHERE ticker = 'CASH';

-- Makes the rows of pg_temp.staged_holdings (parcel, ticker, quantity, acquired, price, currency)
-- the snapshot of a date. Returns the number of rows that were its snapshot before.
CREATE OR REPLACE FUNCTION replace_staged_holdings(of_date date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    replaced bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet holdings'), 0);

    DELETE FROM holdings WHERE as_of = of_date;
    GET DIAGNOSTICS replaced = ROW_COUNT;

    INSERT INTO holdings (as_of, parcel, ticker, quantity, acquired, price, currency)
    SELECT of_date, s.parcel, s.ticker, s.quantity, s.acquired, s.price, s.currency
    FROM pg_temp.staged_holdings AS s;

    RETURN replaced;
END
$$;

-- One bar per ticker and day, as it traded that day. PostgreSQL sorts NaN above Infinity, so
-- "< 'Infinity'" refuses both. Prices within 1e-6 of each other count as equal, as in the lake.
CREATE TABLE IF NOT EXISTS market_data (
    ticker         text COLLATE "C" NOT NULL,
    date           date             NOT NULL,
    open           double precision NOT NULL,
    high           double precision NOT NULL,
    low            double precision NOT NULL,
    close          double precision NOT NULL,
    volume         bigint           NOT NULL,
    adjusted_close double precision NOT NULL,
    source         text             NOT NULL,
    data_quality   text             NOT NULL,
    created_at     timestamptz      NOT NULL DEFAULT now(),
    updated_at     timestamptz      NOT NULL DEFAULT now(),
    metadata       jsonb            NOT NULL DEFAULT '{}',
    PRIMARY KEY (ticker, date),
    CONSTRAINT market_data_ticker_given CHECK (ticker <> ''),
    CONSTRAINT market_data_prices_positive_and_finite CHECK (
        open > 0 AND open < 'Infinity'
        AND high > 0 AND high < 'Infinity'
        AND low > 0 AND low < 'Infinity'
        AND close > 0 AND close < 'Infinity'
        AND adjusted_close > 0 AND adjusted_close < 'Infinity'
    ),
    CONSTRAINT market_data_low_to_high CHECK (
        low <= least(open, close) * 1.000001 AND high * 1.000001 >= greatest(open, close)
    ),
    CONSTRAINT market_data_volume_not_negative CHECK (volume >= 0),
    CONSTRAINT market_data_quality_known CHECK (data_quality IN ('good', 'suspect'))
);

CREATE INDEX IF NOT EXISTS market_data_date ON market_data (date);

-- A merge gives its own moment, which is that of its revisions.
CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER market_data_updated_at
BEFORE UPDATE ON market_data
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
EXECUTE FUNCTION set_updated_at();

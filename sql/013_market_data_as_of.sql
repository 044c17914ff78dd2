-- The table market_data as it was known at a moment: its bars, and their adjusted_close from the
-- closes and the actions known then. updated_at is the last change up to then that is known. A
-- volume that drifted left no revision, so it is that of the newest version of the same bar.
CREATE OR REPLACE FUNCTION market_data_as_of(moment timestamptz) RETURNS SETOF market_data
LANGUAGE sql STABLE
-- As in refresh_adjusted_close: where statistics are missing a nested loop would take hours.
SET enable_nestloop = off
AS $$
    WITH ever_known AS (
        SELECT array_agg(ticker) AS tickers
        FROM (
            SELECT ticker FROM market_data_tickers
            UNION
            SELECT ticker FROM market_data_revisions
        ) AS known
    )
    SELECT
        b.ticker, b.date, b.open, b.high, b.low, b.close, b.volume, a.adjusted_close, b.source,
        b.data_quality, b.created_at,
        CASE
            WHEN b.updated_at <= moment THEN b.updated_at
            ELSE coalesce(
                (SELECT max(r.revised_at) FROM market_data_revisions AS r
                 WHERE r.ticker = b.ticker AND r.date = b.date
                   AND r.revised_at BETWEEN b.created_at AND moment),
                b.created_at
            )
        END,
        b.metadata
    FROM ever_known
    CROSS JOIN LATERAL bars_known_at(ever_known.tickers, moment) AS b
    JOIN adjusted_closes_known_at(ever_known.tickers, moment) AS a USING (ticker, date)
$$;

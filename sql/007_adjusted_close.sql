CREATE OR REPLACE AGGREGATE product(double precision) (
    SFUNC = float8mul, STYPE = double precision
);

-- The bars on which actions count, with what one share held before became, in shares of that bar:
-- (close * shares + cash) / close. An action without a bar on its ex-date counts on the next bar.
-- A dividend is paid on each share held before that day's split, so the splits earlier in the
-- same gap multiply it.
CREATE OR REPLACE FUNCTION action_factors(of_tickers text[])
RETURNS TABLE (ticker text, date date, factor double precision)
LANGUAGE sql STABLE AS $$
    WITH actions AS (
        SELECT
            a.ticker,
            a.ex_date,
            coalesce(max(a.value) FILTER (WHERE a.kind = 'dividend'), 0) AS dividend,
            coalesce(max(a.value) FILTER (WHERE a.kind = 'split'), 1) AS split_ratio
        FROM corporate_actions AS a
        WHERE a.superseded_at IS NULL AND a.ticker = ANY (of_tickers)
        GROUP BY a.ticker, a.ex_date
    ),
    on_bars AS (
        SELECT
            actions.*,
            bar.date,
            bar.close,
            coalesce(product(split_ratio) OVER earlier_in_gap, 1) AS shares_held
        FROM actions
        CROSS JOIN LATERAL (
            SELECT m.date, m.close
            FROM market_data AS m
            WHERE m.ticker = actions.ticker AND m.date >= actions.ex_date
            ORDER BY m.date
            LIMIT 1
        ) AS bar
        WINDOW earlier_in_gap AS (
            PARTITION BY actions.ticker, bar.date ORDER BY ex_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
    SELECT
        ticker,
        date,
        product(split_ratio ORDER BY ex_date)
        + sum(shares_held * dividend ORDER BY ex_date) / max(close)
    FROM on_bars
    GROUP BY ticker, date
$$;

-- adjusted_close = last close / product of (1 + total return) over the bars since. The closes in
-- between cancel: what remains is the bar's own close over the product of the later factors.
-- Returns the number of rows that changed, by more than 1e-12 relative.
CREATE OR REPLACE FUNCTION refresh_adjusted_close(of_tickers text[]) RETURNS bigint
LANGUAGE plpgsql
-- In a first load there are no statistics yet, and a nested loop would take hours.
SET enable_nestloop = off
AS $$
DECLARE
    changed bigint;
BEGIN
    WITH adjusted AS (
        SELECT
            m.ticker,
            m.date,
            m.close / coalesce(product(f.factor) OVER later_bars, 1) AS adjusted_close
        FROM market_data AS m
        LEFT JOIN action_factors(of_tickers) AS f USING (ticker, date)
        WHERE m.ticker = ANY (of_tickers)
        WINDOW later_bars AS (
            PARTITION BY m.ticker ORDER BY m.date DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
    UPDATE market_data AS m
    SET adjusted_close = a.adjusted_close
    FROM adjusted AS a
    WHERE m.ticker = ANY (of_tickers)
      AND m.ticker = a.ticker
      AND m.date = a.date
      AND abs(m.adjusted_close - a.adjusted_close) > 1e-12 * a.adjusted_close;

    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;

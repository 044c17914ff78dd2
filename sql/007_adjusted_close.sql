CREATE OR REPLACE AGGREGATE product(double precision) (
    SFUNC = float8mul, STYPE = double precision
);

-- The bars of the tickers as they were known at a moment; what is known now is known at 'infinity'.
-- A bar's former selves are its revisions, each known until its revised_at. adjusted_close is not
-- part of it: it is that of the row found.
CREATE OR REPLACE FUNCTION bars_known_at(of_tickers text[], moment timestamptz)
RETURNS SETOF market_data
LANGUAGE sql STABLE AS $$
    SELECT m.*
    FROM market_data AS m
    WHERE m.ticker = ANY (of_tickers)
      AND m.created_at <= moment
      AND NOT EXISTS (
          SELECT FROM market_data_revisions AS r
          WHERE r.ticker = m.ticker AND r.date = m.date AND r.revised_at > moment
      )
    UNION ALL
    SELECT former.*
    FROM (
        SELECT DISTINCT ON (r.ticker, r.date) r.row_before
        FROM market_data_revisions AS r
        WHERE r.ticker = ANY (of_tickers) AND r.revised_at > moment
        ORDER BY r.ticker, r.date, r.revised_at
    ) AS next_revision
    CROSS JOIN LATERAL jsonb_populate_record(
        NULL::market_data, next_revision.row_before
    ) AS former
    WHERE former.created_at <= moment
$$;

-- The days on which something went ex, as they were known at a moment.
CREATE OR REPLACE FUNCTION actions_known_at(of_tickers text[], moment timestamptz)
RETURNS TABLE (
    ticker text, ex_date date, dividend double precision, split_ratio double precision
)
LANGUAGE sql STABLE AS $$
    SELECT
        a.ticker,
        a.ex_date,
        coalesce(max(a.value) FILTER (WHERE a.kind = 'dividend'), 0),
        coalesce(max(a.value) FILTER (WHERE a.kind = 'split'), 1)
    FROM corporate_actions AS a
    WHERE a.ticker = ANY (of_tickers)
      AND a.known_at <= moment
      AND (a.superseded_at IS NULL OR a.superseded_at > moment)
    GROUP BY a.ticker, a.ex_date
$$;

DROP FUNCTION IF EXISTS action_factors(text[]);

-- What one share held becomes over the actions of successive days: {shares, cash}. A dividend is
-- paid on each share held before that day's split.
CREATE OR REPLACE FUNCTION share_held(
    held double precision[], dividend double precision, split_ratio double precision
) RETURNS double precision[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[held[1] * split_ratio, held[2] + held[1] * dividend]
$$;

CREATE OR REPLACE AGGREGATE one_share_held(double precision, double precision) (
    SFUNC = share_held, STYPE = double precision[], INITCOND = '{1,0}'
);

-- The bars on which actions count, with what one share held before became, in shares of that bar:
-- (close * shares + cash) / close. An action without a bar on its ex-date counts on the next bar.
CREATE OR REPLACE FUNCTION action_factors(of_tickers text[], moment timestamptz)
RETURNS TABLE (ticker text, date date, factor double precision)
LANGUAGE sql STABLE AS $$
    WITH days AS (
        SELECT
            coalesce(b.ticker, a.ticker) AS ticker,
            a.ex_date,
            a.dividend,
            a.split_ratio,
            min(b.date) OVER on_or_after AS date
        FROM bars_known_at(of_tickers, moment) AS b
        FULL JOIN actions_known_at(of_tickers, moment) AS a
        ON a.ticker = b.ticker AND a.ex_date = b.date
        WINDOW on_or_after AS (
            PARTITION BY coalesce(b.ticker, a.ticker) ORDER BY coalesce(b.date, a.ex_date) DESC
        )
    ),
    on_bars AS (
        SELECT
            days.ticker,
            days.date,
            one_share_held(days.dividend, days.split_ratio ORDER BY days.ex_date) AS held
        FROM days
        WHERE days.ex_date IS NOT NULL AND days.date IS NOT NULL
        GROUP BY days.ticker, days.date
    )
    SELECT o.ticker, o.date, o.held[1] + o.held[2] / b.close
    FROM on_bars AS o
    JOIN bars_known_at(of_tickers, moment) AS b USING (ticker, date)
$$;

-- adjusted_close = last close / product of (1 + total return) over the bars since. The closes in
-- between cancel: what remains is the bar's own close over the product of the later factors.
CREATE OR REPLACE FUNCTION adjusted_closes_known_at(of_tickers text[], moment timestamptz)
RETURNS TABLE (ticker text, date date, adjusted_close double precision)
LANGUAGE sql STABLE AS $$
    SELECT
        b.ticker,
        b.date,
        b.close / coalesce(product(f.factor) OVER later_bars, 1)
    FROM bars_known_at(of_tickers, moment) AS b
    LEFT JOIN action_factors(of_tickers, moment) AS f USING (ticker, date)
    WINDOW later_bars AS (
        PARTITION BY b.ticker ORDER BY b.date DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
$$;

-- Brings the column adjusted_close of the tickers to what is known now. Returns the number of rows
-- that changed, by more than 1e-12 relative.
CREATE OR REPLACE FUNCTION refresh_adjusted_close(of_tickers text[]) RETURNS bigint
LANGUAGE plpgsql
-- In a first load there are no statistics yet, and a nested loop would take hours.
SET enable_nestloop = off
AS $$
DECLARE
    changed bigint;
BEGIN
    UPDATE market_data AS m
    SET adjusted_close = a.adjusted_close
    FROM adjusted_closes_known_at(of_tickers, 'infinity') AS a
    WHERE m.ticker = ANY (of_tickers)
      AND m.ticker = a.ticker
      AND m.date = a.date
      AND abs(m.adjusted_close - a.adjusted_close) > 1e-12 * a.adjusted_close;

    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;

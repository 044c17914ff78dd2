-- Bars adjusted for every split and dividend known now, at today's level: prices by the factor of
-- adjusted_close, volume by the splits of later bars. A split that waits for its bar does not
-- count yet, as in adjusted_close. Asked for one ticker it reads that ticker only.
CREATE OR REPLACE VIEW market_data_adjusted AS
SELECT
    m.ticker,
    m.date,
    m.open * (m.adjusted_close / m.close) AS open,
    m.high * (m.adjusted_close / m.close) AS high,
    m.low * (m.adjusted_close / m.close) AS low,
    m.adjusted_close AS close,
    m.volume * later.shares AS volume,
    m.source,
    m.data_quality
FROM market_data AS m
CROSS JOIN LATERAL (
    SELECT coalesce(product(a.value ORDER BY a.ex_date), 1) AS shares
    FROM corporate_actions AS a
    WHERE a.ticker = m.ticker
      AND a.ex_date > m.date
      AND a.kind = 'split'
      AND a.superseded_at IS NULL
      AND EXISTS (
          SELECT FROM market_data AS bar WHERE bar.ticker = a.ticker AND bar.date >= a.ex_date
      )
) AS later;

-- When the bars of a session became known, as a dump tells it: what waits for the bars, which come
-- from the lake. checksum is that of the session's bars when the dump was made, see
-- market_data_checksum.
CREATE TABLE IF NOT EXISTS bars_known_since (
    date        date        NOT NULL,
    known_since timestamptz NOT NULL,
    tickers     text[]      NOT NULL,
    checksum    text        NOT NULL
);

CREATE INDEX IF NOT EXISTS bars_known_since_date ON bars_known_since (date);

-- Gives the bars of the sessions the moments that wait for them, where the sessions have the bars
-- that they had then. Elsewhere a bar is another one, of which nobody knew then. Nothing waits for
-- these sessions afterwards. Returns the number of bars.
CREATE OR REPLACE FUNCTION recall_known_since(of_sessions date[]) RETURNS bigint
LANGUAGE plpgsql
-- As in refresh_adjusted_close: where statistics are missing a nested loop would take hours.
SET enable_nestloop = off
AS $$
DECLARE
    recalled bigint;
BEGIN
    WITH now_stored AS (
        SELECT c.date, c.checksum
        FROM market_data_checksum(
            (SELECT min(d) FROM unnest(of_sessions) AS d),
            (SELECT max(d) FROM unnest(of_sessions) AS d)
        ) AS c
    ),
    known AS (
        SELECT k.date, unnest(k.tickers) AS ticker, k.known_since
        FROM bars_known_since AS k
        JOIN now_stored USING (date, checksum)
        WHERE k.date = ANY (of_sessions)
    )
    UPDATE market_data AS m
    SET created_at = known.known_since
    FROM known
    WHERE m.date = ANY (of_sessions)
      AND m.date = known.date
      AND m.ticker = known.ticker
      AND m.created_at > known.known_since;
    GET DIAGNOSTICS recalled = ROW_COUNT;

    DELETE FROM bars_known_since WHERE date = ANY (of_sessions);

    RETURN recalled;
END
$$;

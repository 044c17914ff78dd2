-- Gives the rows of renamed tickers their new symbol, whatever table they are in. Rows of
-- pg_temp.staged_renames: old symbol, new symbol, the first session under the new one; a row of the
-- old symbol on or after it is another company's. Where the new symbol has the row already, the old
-- one goes. Returns the number of bars that were moved.
CREATE OR REPLACE FUNCTION rename_staged_tickers() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    renamed record;
    moved bigint;
    total bigint := 0;
BEGIN
    FOR renamed IN
        SELECT s.old_ticker, s.new_ticker, s.first_session
        FROM pg_temp.staged_renames AS s
        WHERE EXISTS (
            SELECT FROM market_data AS m
            WHERE m.ticker = s.old_ticker AND m.date < s.first_session
        )
        ORDER BY s.first_session, s.old_ticker
    LOOP
        -- As in merge_staged_bars: its new bars must not be in the way of each other.
        PERFORM pg_advisory_xact_lock(hashtext('parakeet market_data'), 0);

        DELETE FROM market_data AS m
        WHERE m.ticker = renamed.old_ticker
          AND m.date < renamed.first_session
          AND EXISTS (
              SELECT FROM market_data AS n
              WHERE n.ticker = renamed.new_ticker AND n.date = m.date
          );

        UPDATE market_data
        SET ticker = renamed.new_ticker
        WHERE ticker = renamed.old_ticker AND date < renamed.first_session;
        GET DIAGNOSTICS moved = ROW_COUNT;
        total := total + moved;

        DELETE FROM corporate_actions AS a
        WHERE a.ticker = renamed.old_ticker
          AND a.ex_date < renamed.first_session
          AND EXISTS (
              SELECT FROM corporate_actions AS n
              WHERE n.ticker = renamed.new_ticker
                AND n.ex_date = a.ex_date
                AND n.kind = a.kind
                AND (n.known_at = a.known_at OR (n.superseded_at IS NULL
                                                 AND a.superseded_at IS NULL))
          );

        UPDATE corporate_actions
        SET ticker = renamed.new_ticker
        WHERE ticker = renamed.old_ticker AND ex_date < renamed.first_session;

        DELETE FROM market_data_revisions AS r
        WHERE r.ticker = renamed.old_ticker
          AND r.date < renamed.first_session
          AND EXISTS (
              SELECT FROM market_data_revisions AS n
              WHERE n.ticker = renamed.new_ticker
                AND n.date = r.date
                AND n.revised_at = r.revised_at
          );

        UPDATE market_data_revisions
        SET
            ticker = renamed.new_ticker,
            row_before = jsonb_set(row_before, '{ticker}', to_jsonb(renamed.new_ticker))
        WHERE ticker = renamed.old_ticker AND date < renamed.first_session;

        UPDATE market_data_quarantine
        SET
            resolved_at = coalesce(resolved_at, clock_timestamp()),
            resolution = coalesce(resolution, 'renamed to ' || renamed.new_ticker)
        WHERE ticker = renamed.old_ticker;

        UPDATE ingest_failures
        SET resolved_at = clock_timestamp()
        WHERE ticker = renamed.old_ticker AND resolved_at IS NULL;

        UPDATE price_corrections
        SET applied_at = clock_timestamp()
        WHERE ticker = renamed.old_ticker AND applied_at IS NULL;

        DELETE FROM allocations AS a
        WHERE a.ticker = renamed.old_ticker
          AND a.session < renamed.first_session
          AND EXISTS (
              SELECT FROM allocations AS n
              WHERE n.ticker = renamed.new_ticker
                AND n.strategy = a.strategy
                AND n.session = a.session
                AND n.known_at = a.known_at
          );

        UPDATE allocations
        SET ticker = renamed.new_ticker
        WHERE ticker = renamed.old_ticker AND session < renamed.first_session;

        PERFORM refresh_adjusted_close(ARRAY[renamed.new_ticker]);
    END LOOP;
    RETURN total;
END
$$;

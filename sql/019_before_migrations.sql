-- What databases have that are older than the record of migrations, and nothing uses any more. Which
-- files were applied is in schema_migrations now, file by file.
DROP TABLE IF EXISTS schema_digest;
DROP FUNCTION IF EXISTS delete_unstaged_bars(date[], timestamptz, text);
DROP FUNCTION IF EXISTS refresh_touched_tickers();

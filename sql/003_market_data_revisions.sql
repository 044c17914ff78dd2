-- What a bar said before it was corrected or withdrawn.
CREATE TABLE IF NOT EXISTS market_data_revisions (
    ticker     text COLLATE "C" NOT NULL,
    date       date        NOT NULL,
    revised_at timestamptz NOT NULL,
    row_before jsonb       NOT NULL,
    reason     text        NOT NULL,
    PRIMARY KEY (ticker, date, revised_at)
);

CREATE INDEX IF NOT EXISTS market_data_revisions_revised_at ON market_data_revisions (revised_at);

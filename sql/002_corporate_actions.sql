-- Dividends and splits. Nothing is overwritten: an action that becomes known with another value
-- is a new row, and the row before it gets superseded_at.
-- A dividend is per share held before a split of the same day; a split is new shares per old one.
CREATE TABLE IF NOT EXISTS corporate_actions (
    ticker        text COLLATE "C" NOT NULL,
    ex_date       date             NOT NULL,
    kind          text             NOT NULL,
    value         double precision NOT NULL,
    known_at      timestamptz      NOT NULL DEFAULT clock_timestamp(),
    source        text             NOT NULL,
    superseded_at timestamptz,
    PRIMARY KEY (ticker, ex_date, kind, known_at),
    CONSTRAINT corporate_actions_kind_known CHECK (kind IN ('dividend', 'split')),
    CONSTRAINT corporate_actions_value_positive_and_finite CHECK (value > 0 AND value < 'Infinity'),
    CONSTRAINT corporate_actions_known_before_superseded CHECK (superseded_at >= known_at)
);

CREATE UNIQUE INDEX IF NOT EXISTS corporate_actions_known_now
ON corporate_actions (ticker, ex_date, kind) WHERE superseded_at IS NULL;

CREATE INDEX IF NOT EXISTS corporate_actions_ex_date ON corporate_actions (ex_date);

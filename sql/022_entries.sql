-- Everything that a person entered, and everything that they changed: a row each, in order. Rows are
-- added only. Since the API can correct what was entered, a trade is not "recorded once and never
-- changed" any more, as the file before says; what it said at each moment is here.
CREATE TABLE IF NOT EXISTS entry_audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz      NOT NULL DEFAULT clock_timestamp(),
    actor  text             NOT NULL, -- the name of an API key, or "command line"
    key_id text,                      -- of the API key; NULL: the command line
    action text             NOT NULL,
    kind   text             NOT NULL,
    key    text COLLATE "C" NOT NULL, -- the id of a trade, the date of a snapshot
    before jsonb,                     -- NULL: there was none
    after  jsonb,                     -- NULL: there is none any more
    CONSTRAINT entry_audit_actor_given CHECK (actor <> ''),
    CONSTRAINT entry_audit_kind_known CHECK (kind IN ('trade', 'holdings')),
    CONSTRAINT entry_audit_action_as_it_was
    CHECK (
        (action = 'create' AND before IS NULL AND after IS NOT NULL)
        OR (action = 'update' AND before IS NOT NULL AND after IS NOT NULL AND before <> after)
        OR (action = 'delete' AND before IS NOT NULL AND after IS NULL)
    )
);

CREATE INDEX IF NOT EXISTS entry_audit_of ON entry_audit (kind, key, id);
CREATE INDEX IF NOT EXISTS entry_audit_at ON entry_audit (at);

-- What a trade says, without when it was entered; NULL where there is none.
CREATE OR REPLACE FUNCTION trade_content(of_id text) RETURNS jsonb
LANGUAGE sql STABLE SET extra_float_digits = 1 AS $$
    SELECT to_jsonb(t) - 'imported_at' FROM trades AS t WHERE t.id = of_id
$$;

-- The parcels of a snapshot in order, without when they were entered; NULL where there is none.
CREATE OR REPLACE FUNCTION holdings_content(of_date date) RETURNS jsonb
LANGUAGE sql STABLE SET extra_float_digits = 1 AS $$
    SELECT jsonb_agg(to_jsonb(h) - '{as_of,imported_at}'::text[] ORDER BY h.parcel)
    FROM holdings AS h
    WHERE h.as_of = of_date
$$;

-- Puts a change on record. Returns what it was: create, update or delete; NULL where nothing changed.
CREATE OR REPLACE FUNCTION audit_entry(
    by_actor text, by_key text, of_kind text, of_key text, was jsonb, becomes jsonb
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    what text := CASE
        WHEN was IS NOT DISTINCT FROM becomes THEN NULL
        WHEN was IS NULL THEN 'create'
        WHEN becomes IS NULL THEN 'delete'
        ELSE 'update'
    END;
BEGIN
    IF what IS NOT NULL THEN
        INSERT INTO entry_audit (actor, key_id, action, kind, key, before, after)
        VALUES (by_actor, by_key, what, of_kind, of_key, was, becomes);
    END IF;
    RETURN what;
END
$$;

-- Makes a trade what content says (date, ticker, side, quantity, price, currency, fee,
-- aud_per_unit). Returns create or update; NULL where it says that already.
CREATE OR REPLACE FUNCTION put_trade(of_id text, content jsonb, by_actor text, by_key text)
RETURNS text
LANGUAGE plpgsql SET extra_float_digits = 1 AS $$
DECLARE
    was     jsonb;
    said    trades;
    becomes jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet trades'), 0);
    was := trade_content(of_id);
    said := jsonb_populate_record(NULL::trades, content || jsonb_build_object('id', of_id));
    becomes := to_jsonb(said) - 'imported_at';
    IF was IS DISTINCT FROM becomes THEN
        INSERT INTO trades (id, date, ticker, side, quantity, price, currency, fee, aud_per_unit)
        VALUES (
            said.id, said.date, said.ticker, said.side, said.quantity, said.price, said.currency,
            said.fee, said.aud_per_unit
        )
        ON CONFLICT (id) DO UPDATE SET
            date = excluded.date,
            ticker = excluded.ticker,
            side = excluded.side,
            quantity = excluded.quantity,
            price = excluded.price,
            currency = excluded.currency,
            fee = excluded.fee,
            aud_per_unit = excluded.aud_per_unit,
            imported_at = clock_timestamp();
    END IF;
    RETURN audit_entry(by_actor, by_key, 'trade', of_id, was, becomes);
END
$$;

-- Returns delete; NULL where there was none.
CREATE OR REPLACE FUNCTION delete_trade(of_id text, by_actor text, by_key text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    was jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet trades'), 0);
    was := trade_content(of_id);
    DELETE FROM trades WHERE id = of_id;
    RETURN audit_entry(by_actor, by_key, 'trade', of_id, was, NULL);
END
$$;

-- Makes the parcels (an array of parcel, ticker, quantity, acquired, price, currency) the snapshot of
-- a date. Returns create or update, delete where there are none; NULL where they are it already.
CREATE OR REPLACE FUNCTION put_holdings(of_date date, parcels jsonb, by_actor text, by_key text)
RETURNS text
LANGUAGE plpgsql SET extra_float_digits = 1 AS $$
DECLARE
    was     jsonb;
    becomes jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet holdings'), 0);
    was := holdings_content(of_date);

    SELECT jsonb_agg(to_jsonb(p) ORDER BY p.parcel) INTO becomes
    FROM jsonb_to_recordset(parcels) AS p (
        parcel integer,
        ticker text,
        quantity double precision,
        acquired date,
        price double precision,
        currency text
    );

    IF was IS DISTINCT FROM becomes THEN
        DELETE FROM holdings WHERE as_of = of_date;

        INSERT INTO holdings (as_of, parcel, ticker, quantity, acquired, price, currency)
        SELECT of_date, p.parcel, p.ticker, p.quantity, p.acquired, p.price, p.currency
        FROM jsonb_populate_recordset(NULL::holdings, becomes) AS p;
    END IF;
    RETURN audit_entry(
        by_actor, by_key, 'holdings', to_char(of_date, 'YYYY-MM-DD'), was, becomes
    );
END
$$;

-- Returns delete; NULL where there was none.
CREATE OR REPLACE FUNCTION delete_holdings(of_date date, by_actor text, by_key text) RETURNS text
LANGUAGE sql AS $$
    SELECT put_holdings(of_date, NULL, by_actor, by_key)
$$;

-- As 017 has it, but the same content again changes nothing, and a change is put on record.
CREATE OR REPLACE FUNCTION replace_staged_holdings(of_date date) RETURNS bigint
LANGUAGE plpgsql SET extra_float_digits = 1 AS $$
DECLARE
    replaced bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet holdings'), 0);

    SELECT count(*) INTO replaced FROM holdings WHERE as_of = of_date;

    PERFORM put_holdings(of_date, jsonb_agg(to_jsonb(s) ORDER BY s.parcel), 'command line', NULL)
    FROM pg_temp.staged_holdings AS s;

    RETURN replaced;
END
$$;

-- As 018 has it, and what is new is put on record.
CREATE OR REPLACE FUNCTION record_staged_trades() RETURNS TABLE (trade_id text, differs text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('parakeet trades'), 0);

    RETURN QUERY
    SELECT
        s.id,
        CASE WHEN t.id IS NOT NULL THEN concat_ws(
            ', ',
            CASE WHEN s.date IS DISTINCT FROM t.date THEN 'date' END,
            CASE WHEN s.ticker IS DISTINCT FROM t.ticker THEN 'ticker' END,
            CASE WHEN s.side IS DISTINCT FROM t.side THEN 'side' END,
            CASE WHEN s.quantity IS DISTINCT FROM t.quantity THEN 'quantity' END,
            CASE WHEN s.price IS DISTINCT FROM t.price THEN 'price' END,
            CASE WHEN s.currency IS DISTINCT FROM t.currency THEN 'currency' END,
            CASE WHEN s.fee IS DISTINCT FROM t.fee THEN 'fee' END,
            CASE WHEN s.aud_per_unit IS DISTINCT FROM t.aud_per_unit THEN 'aud_per_unit' END
        ) END
    FROM pg_temp.staged_trades AS s
    LEFT JOIN trades AS t ON t.id = s.id;

    WITH recorded AS (
        INSERT INTO trades (id, date, ticker, side, quantity, price, currency, fee, aud_per_unit)
        SELECT
            s.id, s.date, s.ticker, s.side, s.quantity, s.price, s.currency, s.fee, s.aud_per_unit
        FROM pg_temp.staged_trades AS s
        WHERE NOT EXISTS (SELECT FROM trades AS t WHERE t.id = s.id)
        RETURNING trades.*
    )
    INSERT INTO entry_audit (actor, action, kind, key, after)
    SELECT 'command line', 'create', 'trade', r.id, to_jsonb(r) - 'imported_at'
    FROM recorded AS r
    ORDER BY r.id;
END
$$;

-- What was entered before there was an audit, as if it was created so: only the command line could,
-- a trade was never changed, and of a snapshot that was replaced nobody knows what it said before.
INSERT INTO entry_audit (at, actor, action, kind, key, after)
SELECT o.at, 'command line', 'create', o.kind, o.key, o.after
FROM (
    SELECT t.imported_at AS at, 'trade' AS kind, t.id AS key, to_jsonb(t) - 'imported_at' AS after
    FROM trades AS t
    UNION ALL
    SELECT
        max(h.imported_at), 'holdings', to_char(h.as_of, 'YYYY-MM-DD'), holdings_content(h.as_of)
    FROM holdings AS h
    GROUP BY h.as_of
) AS o
WHERE NOT EXISTS (SELECT FROM entry_audit AS a WHERE a.kind = o.kind AND a.key = o.key)
ORDER BY o.at, o.kind, o.key;

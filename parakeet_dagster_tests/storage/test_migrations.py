"""The files of ``sql/``: applied once, in order, on record, forwards only, whole or not at all."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import text

from parakeet_dagster.errors import DatabaseError, SchemaVersionError
from parakeet_dagster.storage import migrations
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.migrations import Migration, SchemaState, all_migrations, pending
from parakeet_dagster_tests.storage.bars import bar, days, frame
from parakeet_dagster_tests.storage.postgres import empty_database

OLDER = Path(__file__).with_name("older_schema.sql")
HERE = "the database (here)"
ONE, TWO, THREE = (
    Migration(f"00{n}_{name}.sql", f"CREATE TABLE {name} (id integer)")
    for n, name in enumerate(("one", "two", "three"), start=1)
)


def state(*applied: Migration) -> SchemaState:
    return SchemaState({one.name: one.checksum for one in applied}, has_digest=False)


def refusal(*arguments: object) -> str:
    with pytest.raises(SchemaVersionError) as refused:
        pending(*arguments, HERE)
    assert "\n" not in refused.value.message
    return refused.value.message


class TestPending:
    @pytest.mark.parametrize(
        ("applied", "todo"),
        [
            pytest.param([], [ONE, TWO], id="an empty database"),
            pytest.param([ONE], [TWO], id="an older one"),
            pytest.param([ONE, TWO], [], id="one of this version"),
        ],
    )
    def test_what_is_not_on_record_is_applied_in_order(self, applied, todo):
        assert pending(state(*applied), [ONE, TWO], HERE) == todo

    def test_a_newer_schema_is_refused(self):
        assert refusal(state(ONE, TWO, THREE), [ONE]) == (
            f"{HERE} has the schema of a newer Parakeet (003_three.sql): update Parakeet; a schema"
            " does not go back"
        )

    def test_a_file_that_was_changed_after_it_was_applied_is_refused(self):
        changed = Migration(ONE.name, ONE.content + " -- and more")

        assert refusal(state(ONE), [changed, TWO]) == (
            f"sql/001_one.sql is not what was applied to {HERE}: take the change back, and write a"
            " new numbered file"
        )

    def test_a_file_that_comes_too_late_is_refused(self):
        assert refusal(state(ONE, THREE), [ONE, TWO, THREE]) == (
            f"sql/002_two.sql comes before 003_three.sql, which {HERE} has: give it the next number"
        )


@pytest.fixture
def of(monkeypatch: pytest.MonkeyPatch):
    """Make the files of this Parakeet those given."""

    def these(*files: Migration) -> None:
        monkeypatch.setattr(migrations, "all_migrations", lambda: files)

    return these


def at(url: str) -> Database:
    return Database(DatabaseUrl.parse(url))


def tables(url: str) -> set[str]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in cursor.fetchall()}


class TestMigrate:
    def test_an_empty_database_is_set_up_by_the_first_use(self, database_url, of):
        of(ONE, TWO)
        with at(database_url).transaction("look"):
            pass

        assert tables(database_url) == {"one", "two", "schema_migrations"}

    def test_an_older_one_is_refused_until_it_is_migrated(self, database_url, of):
        of(ONE)
        at(database_url).apply_schema()
        of(ONE, TWO, THREE)
        with pytest.raises(SchemaVersionError) as refused:
            at(database_url).apply_schema()

        assert refused.value.message.endswith(
            " has the schema of an older Parakeet (2 to apply, the first is 002_two.sql): run"
            " parakeet db migrate"
        )
        assert tables(database_url) == {"one", "schema_migrations"}
        assert at(database_url).migrate() == ["002_two.sql", "003_three.sql"]
        assert at(database_url).migrate() == []
        at(database_url).apply_schema()
        assert dict(at(database_url).schema_state().applied) == dict(state(ONE, TWO, THREE).applied)

    def test_a_newer_one_is_refused_and_not_touched(self, database_url, of):
        of(ONE, TWO)
        at(database_url).apply_schema()
        of(ONE)
        for use in (Database.apply_schema, Database.migrate):
            with pytest.raises(SchemaVersionError, match="newer Parakeet"):
                use(at(database_url))

        assert at(database_url).schema_state().newest == "002_two.sql"

    def test_one_that_fails_is_named_and_nothing_of_any_stays(self, database_url, of):
        of(ONE)
        at(database_url).apply_schema()
        broken = Migration(THREE.name, "CREATE TABLE half (id integer); SELECT 1 / 0")
        of(ONE, TWO, broken)
        with pytest.raises(DatabaseError) as failure:
            at(database_url).migrate()

        assert failure.value.message.startswith("cannot apply sql/003_three.sql (")
        assert failure.value.message.endswith("division by zero")
        assert tables(database_url) == {"one", "schema_migrations"}
        assert at(database_url).schema_state().newest == "001_one.sql"

    def test_a_table_that_somebody_holds_is_not_waited_for_without_end(
        self, database_url, of, monkeypatch
    ):
        of(ONE)
        at(database_url).apply_schema()
        monkeypatch.setattr(migrations, "_WAIT", text("SET LOCAL lock_timeout = '50ms'"))
        of(ONE, Migration("002_column.sql", "ALTER TABLE one ADD COLUMN more text"))
        with psycopg2.connect(database_url) as reader, reader.cursor() as cursor:
            cursor.execute("SELECT * FROM one")
            with pytest.raises(DatabaseError, match=r"cannot apply sql/002_column\.sql .*timeout"):
                at(database_url).migrate()
        assert at(database_url).migrate() == ["002_column.sql"]

    def test_two_at_once_apply_each_file_once(self, database_url):
        together = threading.Barrier(2)

        def migrate(database: Database) -> int:
            together.wait()
            return len(database.migrate())

        with ThreadPoolExecutor(2) as pool:
            counts = list(pool.map(migrate, [at(database_url), at(database_url)]))

        assert sorted(counts) == [0, len(all_migrations())]

    def test_a_process_that_looked_before_another_migrated_finds_nothing_left(
        self, database_url, of, monkeypatch
    ):
        """Both saw an empty database; who comes second looks again under the lock."""
        of(ONE, TWO)
        second = at(database_url)
        monkeypatch.setattr(second, "schema_state", lambda: state())
        at(database_url).migrate()

        assert second.migrate() == []


ROWS = {
    "market_data": "ticker, date",
    "corporate_actions": "ticker, known_at",
    "market_data_revisions": "ticker, revised_at",
    "market_data_quarantine": "id",
    "ingest_failures": "ticker",
    "allocations": "known_at, ticker",
    "price_corrections": "id",
    "session_acceptances": "id",
    "healing_requests": "id",
}


def rows_of(url: str) -> dict[str, list[dict[str, object]]]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        found = {}
        for table, order in ROWS.items():
            cursor.execute(f"SELECT to_jsonb(t) FROM {table} AS t ORDER BY {order}")
            found[table] = [row for (row,) in cursor.fetchall()]
        return found


class TestADatabaseThatHoldsData:
    @pytest.fixture
    def older(self, database_url: str) -> str:
        with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
            cursor.execute(OLDER.read_text())
        return database_url

    def test_its_first_use_asks_for_the_migration(self, older):
        with pytest.raises(SchemaVersionError, match="run parakeet db migrate"):
            at(older).market_data_summary()

    def test_everything_is_there_after_it_and_works(self, older):
        before = rows_of(older)
        database = at(older)

        assert database.migrate() == [one.name for one in all_migrations()]
        after = rows_of(older)
        new_columns = {"ingest_failures": {"came_with": None}}
        for table, rows in before.items():
            assert rows, table
            assert after[table] == [row | new_columns.get(table, {}) for row in rows], table
        assert "schema_digest" not in tables(older)

        assert database.market_data_summary().rows == 3
        assert len(database.open_quarantine()) == 1
        assert len(database.open_corrections()) == 1
        assert database.believed_delisted() == set()
        assert database.acceptances()["reason"].tolist() == ["the vendor has none"]
        assert database.read_allocations("equal_weight")["weight"].tolist() == [0.5, 0.5]
        merged = database.merge_market_data(
            frame(bar("2022-06-03", "AAA", 20.0)), days("2022-06-03"), "new"
        )
        assert (merged.inserted, merged.updated) == (1, 0)
        database.write_orders("equal_weight", ORDER, [date(2022, 6, 1)])
        assert database.read_orders()["quantity"].tolist() == [5.0]
        database.close()

    def test_what_was_entered_before_the_audit_is_in_it(self, database_url, monkeypatch):
        of_before = [one for one in all_migrations() if one.name < "022"]
        with monkeypatch.context() as older:
            older.setattr(migrations, "all_migrations", lambda: of_before)
            at(database_url).apply_schema()
        with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
            cursor.execute("""
                INSERT INTO trades VALUES
                ('T2', '2022-06-02', 'AAA', 'sell', 1, 0.1, 'USD', 3, NULL, '2022-06-04 01:00Z'),
                ('T1', '2022-06-01', 'AAA', 'buy', 2.5, 10, 'USD', 0, 1.5, '2022-06-05 01:00Z');
                INSERT INTO holdings VALUES
                ('2022-06-01', 1, 'CASH', 9.5, NULL, NULL, 'AUD', '2022-06-03 01:00Z');
            """)
        database = at(database_url)
        assert "022_entries.sql" in database.migrate()
        audit = database.entry_audit()

        assert audit[["actor", "action", "kind", "key"]].to_numpy().tolist() == [
            ["command line", "create", "holdings", "2022-06-01"],
            ["command line", "create", "trade", "T2"],
            ["command line", "create", "trade", "T1"],
        ]
        assert audit["at"].dt.strftime("%d %H").tolist() == ["03 01", "04 01", "05 01"]
        assert audit["before"].isna().all()
        assert json.loads(audit["after"].iloc[2]) == {
            "id": "T1", "date": "2022-06-01", "ticker": "AAA", "side": "buy", "quantity": 2.5,
            "price": 10, "currency": "USD", "fee": 0, "aud_per_unit": 1.5,
        }  # fmt: skip
        assert database.trades()["id"].tolist() == ["T1", "T2"]
        with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
            cursor.execute(next(m.content for m in all_migrations() if m.name[:3] == "022"))
        assert len(database.entry_audit()) == 3
        database.close()

    def test_it_has_the_same_schema_as_a_new_one(self, older, postgres_server):
        at(older).migrate()
        with empty_database(postgres_server) as new:
            at(new).apply_schema()
            assert definitions(older) == definitions(new)


ORDER = frame(bar("2022-06-01", "AAA", 1.0))[["date", "ticker"]].assign(
    side="buy", quantity=5.0, price_estimate_aud=1.0, cost_estimate_aud=3.0, reason="new"
)


def definitions(url: str) -> list[str]:
    """Every column, constraint, index, view, function and trigger, in words."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("""
            SELECT format('%s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                          a.attnotnull)
            FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT definition FROM pg_views WHERE schemaname = 'public'
            UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
            UNION ALL SELECT oid::regprocedure::text FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND prokind = 'a'
            UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
            ORDER BY 1
        """)
        return [line for (line,) in cursor.fetchall()]

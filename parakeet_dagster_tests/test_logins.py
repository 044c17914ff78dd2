"""How to log in to the database that the settings name: one answer for the API and all else."""

from parakeet_dagster.logins import database_login, database_secret
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database_url import DatabaseUrl

URL = "postgresql://me:hunter2@db.example/app"


def test_the_url_that_is_set(monkeypatch):
    monkeypatch.setenv("NEON_DATABASE_URL", URL)
    login = database_login(load_settings())
    assert login.current() == DatabaseUrl.parse(URL)
    assert login.after(login.current()) == login.current()


def test_the_secret_is_one_a_process_and_read_when_it_is_used(monkeypatch):
    monkeypatch.setenv("PARAKEET_DATABASE_SECRET", "parakeet/database")
    assert database_login(load_settings()) is database_secret("parakeet/database")


def test_without_either_it_is_the_embedded_one(monkeypatch):
    started = []

    def start(server):
        started.append(server.directory)
        return URL

    monkeypatch.setattr("parakeet_dagster.storage.embedded_postgres.EmbeddedPostgres.start", start)
    settings = load_settings()
    assert database_login(settings).current() == DatabaseUrl.parse(URL)
    assert started == [settings.home / "postgres"]

"""Every setting: its default, what it accepts, and the line that a wrong value gets."""

from datetime import date
from pathlib import Path

import pytest

from parakeet_dagster.errors import SettingsError
from parakeet_dagster.settings import (
    export_dagster_home,
    export_dotenv,
    load_settings,
)

SECRET = "hunter2"
URL = f"postgres://me:{SECRET}@db.example/app"
ORIGINS = "comma-separated origins of web pages, https://host or http://host:port"
NO_ORIGINS = ("*", "null", "example.org", "https://", "https://a.example.org/", "file:///page.html")
RATE = "a whole number from 1 to 100000"


@pytest.fixture
def environment(monkeypatch):
    """Sets variables."""

    def set_all(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


def test_with_no_variable_everything_is_on_this_machine(tmp_path):
    settings = load_settings()
    assert settings.home == tmp_path / ".parakeet"
    assert settings.lake_url == str(tmp_path / ".parakeet" / "lake")
    assert settings.database_url is None
    assert settings.price_source == "sample"
    assert settings.universe_keys == ("SAMPLE",)
    assert settings.universe_file is None
    assert settings.strategies == ()
    assert settings.strategies_file is None
    assert settings.yahoo_rps == 4.0
    assert settings.first_session == date(2005, 1, 3)
    assert settings.schedules_running is False
    assert settings.instance_home == tmp_path / ".parakeet" / "dagster"


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("PARAKEET_HOME", "/data/parakeet", "home", Path("/data/parakeet")),
        ("PARAKEET_HOME", "/data/parakeet", "lake_url", "/data/parakeet/lake"),
        ("PARAKEET_HOME", "/data/parakeet", "instance_home", Path("/data/parakeet/dagster")),
        ("PARAKEET_LAKE", "/data/lake/", "lake_url", "/data/lake"),
        ("PARAKEET_LAKE", "s3://bucket", "lake_url", "s3://bucket"),
        ("PARAKEET_LAKE", "s3://bucket/a/b/", "lake_url", "s3://bucket/a/b"),
        ("PARAKEET_LAKE", "", "lake", ""),
        ("PARAKEET_PRICE_SOURCE", "yahoo", "price_source", "yahoo"),
        ("PARAKEET_PRICE_SOURCE", "yahoo", "universe_keys", ("CORE_ETFS",)),
        ("PARAKEET_PRICE_SOURCE", "yahoo", "schedules_running", True),
        ("PARAKEET_PRICE_SOURCE", "", "price_source", "sample"),
        ("PARAKEET_UNIVERSES", "SAMPLE", "universe_keys", ("SAMPLE",)),
        ("PARAKEET_UNIVERSES", " SAMPLE, CORE_ETFS ,", "universe_keys", ("SAMPLE", "CORE_ETFS")),
        ("PARAKEET_UNIVERSES", "SAMPLE,SAMPLE", "universe_keys", ("SAMPLE",)),
        ("PARAKEET_UNIVERSE_FILE", "/data/mine.csv", "universe_file", Path("/data/mine.csv")),
        ("PARAKEET_UNIVERSE_FILE", "/data/mine.csv", "universe_keys", ("CUSTOM",)),
        ("PARAKEET_STRATEGIES", "a,b", "strategies", ("a", "b")),
        ("PARAKEET_STRATEGIES_FILE", "/data/s.toml", "strategies_file", Path("/data/s.toml")),
        ("PARAKEET_YAHOO_RPS", "0.5", "yahoo_rps", 0.5),
        ("PARAKEET_FIRST_SESSION", "2019-01-02", "first_session", date(2019, 1, 2)),
        ("PARAKEET_SCHEDULES", "running", "schedules_running", True),
        (
            "PARAKEET_API_ORIGINS",
            "https://a.example.org",
            "api_origins",
            ("https://a.example.org",),
        ),
        (
            "PARAKEET_API_ORIGINS",
            "https://a.example.org, http://localhost:5173",
            "api_origins",
            ("https://a.example.org", "http://localhost:5173"),
        ),
        ("PARAKEET_API_ORIGINS", "", "api_origins", ()),
        ("PARAKEET_API_REQUESTS_PER_MINUTE", "1", "api_requests", 1),
        ("PARAKEET_API_REQUESTS_PER_MINUTE", "100000", "api_requests", 100_000),
        ("PARAKEET_API_REQUESTS_PER_MINUTE", "", "api_requests", 600),
        ("DAGSTER_HOME", "/data/dagster", "instance_home", Path("/data/dagster")),
    ],
)
def test_each_variable(environment, variable, value, field, expected):
    environment(**{variable: value})
    assert getattr(load_settings(), field) == expected


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        ("PARAKEET_LAKE", "lake_url"),
        ("PARAKEET_HOME", "home"),
        ("PARAKEET_UNIVERSE_FILE", "universe_file"),
        ("PARAKEET_STRATEGIES_FILE", "strategies_file"),
        ("DAGSTER_HOME", "instance_home"),
    ],
)
def test_a_relative_path_starts_in_the_working_directory(environment, tmp_path, variable, field):
    environment(**{variable: "here"})
    assert str(getattr(load_settings(), field)) == str(tmp_path / "here")


def test_the_home_folder_may_be_written_as_a_tilde(environment):
    environment(PARAKEET_HOME="~/parakeet")
    assert load_settings().home == Path.home() / "parakeet"


def test_universes_count_before_the_universe_file(environment):
    environment(PARAKEET_UNIVERSES="SAMPLE", PARAKEET_UNIVERSE_FILE="mine.csv")
    assert load_settings().universe_keys == ("SAMPLE",)


def test_schedules_may_be_stopped_with_yahoo(environment):
    environment(PARAKEET_PRICE_SOURCE="yahoo", PARAKEET_SCHEDULES="stopped")
    assert load_settings().schedules_running is False


def test_variables_of_other_programs_are_not_ours(environment, tmp_path):
    """HOME is set on every machine; it is not where the lake goes."""
    environment(
        HOME="/somewhere/else",
        LAKE="s3://not-ours",
        DATABASE_URL=URL,
        UNIVERSES="FTSE",
        STRATEGIES="astrology",
        PRICE_SOURCE="oracle",
        SCHEDULES="daily",
        FIRST_SESSION="never",
    )
    settings = load_settings()
    assert settings.home == tmp_path / ".parakeet"
    assert settings.lake == ""
    assert settings.database_url is None
    assert settings.universe_keys == ("SAMPLE",)
    assert settings.strategies == ()
    assert settings.price_source == "sample"
    assert settings.first_session == date(2005, 1, 3)


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("PARAKEET_PRICE_SOURCE", "bloomberg", "sample or yahoo"),
        ("PARAKEET_PRICE_SOURCE", "Yahoo", "sample or yahoo"),
        ("PARAKEET_SCHEDULES", "on", "running or stopped"),
        ("PARAKEET_FIRST_SESSION", "soon", "a date from 2005-01-03 to 2032-12-31"),
        ("PARAKEET_FIRST_SESSION", "2004-12-31", "a date from 2005-01-03 to 2032-12-31"),
        ("PARAKEET_FIRST_SESSION", "2033-01-01", "a date from 2005-01-03 to 2032-12-31"),
        ("PARAKEET_YAHOO_RPS", "fast", "a number of requests a second, above 0 and at most 1000"),
        ("PARAKEET_YAHOO_RPS", "0", "a number of requests a second, above 0 and at most 1000"),
        ("PARAKEET_YAHOO_RPS", "nan", "a number of requests a second, above 0 and at most 1000"),
        ("PARAKEET_LAKE", "gs://bucket", "a directory, or s3://bucket/prefix"),
        ("PARAKEET_LAKE", "s3://", "a directory, or s3://bucket/prefix"),
        ("PARAKEET_LAKE", "s3:///prefix", "a directory, or s3://bucket/prefix"),
        *(("PARAKEET_API_ORIGINS", value, ORIGINS) for value in NO_ORIGINS),
        *(("PARAKEET_API_REQUESTS_PER_MINUTE", value, RATE) for value in ("0", "1.5", "100001")),
    ],
)
def test_a_wrong_value_gets_one_line(environment, variable, value, accepted):
    environment(**{variable: value})
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.message == f"{variable}={value}: accepted is {accepted}"


def test_a_dotenv_file_of_the_working_directory_is_read():
    Path(".env").write_text("PARAKEET_PRICE_SOURCE=yahoo\nOTHER=1\n")
    assert load_settings().price_source == "yahoo"


def test_the_environment_counts_before_a_dotenv_file(environment):
    Path(".env").write_text("PARAKEET_PRICE_SOURCE=yahoo\n")
    environment(PARAKEET_PRICE_SOURCE="sample")
    assert load_settings().price_source == "sample"


def test_a_wrong_value_in_a_dotenv_file_gets_the_same_line():
    Path(".env").write_text("PARAKEET_PRICE_SOURCE=oracle\n")
    with pytest.raises(SettingsError, match="PARAKEET_PRICE_SOURCE=oracle: accepted is sample"):
        load_settings()


def test_a_dotenv_file_is_exported_for_boto3_but_overrides_nothing(environment, monkeypatch):
    import os

    environment(AWS_REGION="ap-southeast-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "gone after the test")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    Path(".env").write_text("AWS_REGION=mars\nAWS_ENDPOINT_URL_S3=http://localhost:1\n")
    export_dotenv()
    assert os.environ["AWS_REGION"] == "ap-southeast-2"  # noqa: TID251 - what is tested
    assert os.environ["AWS_ENDPOINT_URL_S3"] == "http://localhost:1"  # noqa: TID251 - as above


def test_the_database_url_is_never_shown(environment):
    environment(NEON_DATABASE_URL=URL)
    settings = load_settings()
    assert settings.database_url.get_secret_value() == URL
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())
    assert SECRET not in settings.model_dump_json()


def test_another_wrong_value_does_not_show_the_database_url(environment):
    environment(NEON_DATABASE_URL=URL, PARAKEET_PRICE_SOURCE="oracle")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert SECRET not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "variable", ["PARAKEET_PRICE_SOURCE", "PARAKEET_LAKE", "PARAKEET_SCHEDULES",
                 "PARAKEET_FIRST_SESSION", "PARAKEET_YAHOO_RPS"]
)  # fmt: skip
def test_a_url_with_a_password_in_the_wrong_variable_is_not_shown(environment, variable):
    environment(**{variable: URL})
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.message.startswith(f"{variable}=***: accepted is ")
    assert SECRET not in caught.value.message


def test_dagster_s_home_is_made_with_the_project_s_configuration(tmp_path, monkeypatch):
    import os

    monkeypatch.setenv("DAGSTER_HOME", "gone after the test")
    monkeypatch.delenv("DAGSTER_HOME")
    home = export_dagster_home(load_settings())
    assert home == tmp_path / ".parakeet" / "dagster"
    assert os.environ["DAGSTER_HOME"] == str(home)  # noqa: TID251 - what is tested
    shipped = Path(__file__).parents[1] / "dagster.yaml"
    assert (home / "dagster.yaml").read_text() == shipped.read_text()


def test_a_configuration_that_is_there_is_kept(environment, tmp_path):
    environment(DAGSTER_HOME=str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    export_dagster_home(load_settings())
    assert (tmp_path / "mine" / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


@pytest.mark.parametrize("variable", ["PARAKEET_HOME", "DAGSTER_HOME"])
def test_a_home_that_is_a_file_gets_one_line(environment, tmp_path, variable):
    file = tmp_path / "taken"
    file.write_text("mine")
    environment(**{variable: str(file)})
    with pytest.raises(SettingsError) as caught:
        export_dagster_home(load_settings())
    message = caught.value.message
    assert message.startswith(f"{variable}: cannot make the directory {file}")
    assert message.endswith("; choose another")
    assert "\n" not in message
    assert file.read_text() == "mine"


def test_a_relative_dagster_home_is_exported_as_an_absolute_path(environment, tmp_path):
    """Dagster refuses a relative one, with a traceback."""
    import os

    environment(DAGSTER_HOME="here")
    assert export_dagster_home(load_settings()) == tmp_path / "here"
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "here")  # noqa: TID251 - what is tested
    assert (tmp_path / "here" / "dagster.yaml").exists()

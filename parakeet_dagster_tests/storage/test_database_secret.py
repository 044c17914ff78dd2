"""The database's URL in Secrets Manager: read late, renewed in time, told to nobody."""

import asyncio
from urllib.parse import quote

import boto3
import pytest
from botocore.stub import Stubber
from sqlalchemy import text

from parakeet_dagster.connect import check_settings, open_database
from parakeet_dagster.errors import DatabaseError, SettingsError
from parakeet_dagster.logins import database_secret
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_secret import KEPT_SECONDS, DatabaseSecret
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster_tests.aws import REGION, aws, aws_server  # noqa: F401 - fixtures
from parakeet_dagster_tests.storage.postgres import member

URL = "postgresql://ann:s3cret@db.example.com/main"
OTHER = "postgresql://ann:n3w@db.example.com/main"
PASSWORDS = ("s3cret/p@ss:word", "s3cret p%40ss")


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ann(postgres_server):
    with member(postgres_server, PASSWORDS[0]) as user:
        yield user


def refusal(call, *arguments) -> str:
    with pytest.raises(SettingsError) as caught:
        call(*arguments)
    assert "\n" not in caught.value.message
    assert "s3cret" not in caught.value.message
    return caught.value.message


def numbers(database: Database) -> int:
    with database.transaction("count") as connection:
        return connection.scalar(text("SELECT 1"))


class TestWhatASecretHolds:
    @pytest.mark.parametrize("content", [URL, f"  {URL}\n", {"NEON_DATABASE_URL": URL, "x": "y"}])
    def test_a_url_or_json_with_it(self, aws, content):
        secret = DatabaseSecret(aws.secret(content))
        assert secret.current() == DatabaseUrl.parse(URL)
        assert secret.of_dagster.current() == DatabaseUrl.parse(URL).for_tables_in("dagster")

    def test_dagsters_own_url(self, aws):
        content = {"NEON_DATABASE_URL": URL, "DAGSTER_POSTGRES_URL": OTHER}
        secret = DatabaseSecret(aws.secret(content))
        assert secret.current() == DatabaseUrl.parse(URL)
        assert secret.of_dagster.current() == DatabaseUrl.parse(OTHER)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("mysql://ann:s3cret@host/x", "is not a PostgreSQL URL"),
            ("s3cret", "is not a PostgreSQL URL"),
            ("{s3cret", "its JSON cannot be read"),
            ('{"password": "s3cret"}', "holds no URL"),
            ('{"NEON_DATABASE_URL": 7}', "holds no URL"),
            ("postgres://ann:s3cret@db.example.com", "names no database"),
            ("postgres://ann:s3c@ret@db.example.com/x", "must be percent-encoded"),
        ],
    )
    def test_what_is_no_url(self, aws, content, told):
        name = aws.secret(content)
        message = refusal(DatabaseSecret(name).current)
        assert told in message
        assert name in message

    def test_a_name_does_as_well_as_an_arn(self, aws):
        arn = aws.secret(URL)
        name = arn.partition(":secret:")[2].rpartition("-")[0]
        assert DatabaseSecret(name).current() == DatabaseUrl.parse(URL)

    def test_an_arn_says_the_region(self, aws, monkeypatch):
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        assert DatabaseSecret(aws.secret(URL)).current() == DatabaseUrl.parse(URL)

    def test_nothing_shows_the_password(self, aws):
        secret = DatabaseSecret(aws.secret(URL))
        secret.current()
        assert "s3cret" not in repr(secret) + repr(secret._content) + str(vars(secret))


class TestErrors:
    def test_no_such_secret(self, aws):
        assert refusal(DatabaseSecret("parakeet/none").current) == (
            "PARAKEET_DATABASE_SECRET=parakeet/none: there is no such secret in"
            f" {REGION}: create it, or correct the name"
        )

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("AccessDeniedException", "access denied in {}: allow secretsmanager:GetSecretValue"),
            ("DecryptionFailure", "its key refuses to decrypt it in {}: allow kms:Decrypt"),
            ("InvalidRequestException", "it has no value, or is being deleted in {}"),
            ("LimitExceededException", "Secrets Manager refused in {} (LimitExceededException)"),
        ],
    )
    def test_what_aws_refuses(self, aws, code, told):
        secret = DatabaseSecret("parakeet/none")
        secret._client = boto3.client("secretsmanager")
        with Stubber(secret._client) as stub:
            stub.add_client_error("get_secret_value", code, "s3cret")
            assert told.format(REGION) in refusal(secret.current)

    def test_no_region(self, aws, monkeypatch):
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        message = refusal(DatabaseSecret("parakeet/none").current)
        assert message.endswith(
            "specify a region; set AWS_DEFAULT_REGION, or name the secret by its ARN"
        )

    def test_nobody_answers(self, aws, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setattr("parakeet_dagster.storage.database_secret._TRIES", 1)
        assert "Could not connect" in refusal(DatabaseSecret("parakeet/none").current)

    def test_two_databases(self, monkeypatch):
        monkeypatch.setenv("NEON_DATABASE_URL", URL)
        monkeypatch.setenv("PARAKEET_DATABASE_SECRET", "parakeet/database")
        assert refusal(load_settings) == (
            "PARAKEET_DATABASE_SECRET=***: accepted is the name or ARN of a secret in AWS Secrets"
            " Manager, where NEON_DATABASE_URL is unset: it would be a second database"
        )

    @pytest.mark.parametrize("wrong", [URL, "postgres://host/main?password=s3cret", "a name"])
    def test_a_url_where_a_name_belongs(self, monkeypatch, wrong):
        monkeypatch.setenv("PARAKEET_DATABASE_SECRET", wrong)
        assert "accepted is the name or ARN of a secret" in refusal(load_settings)

    def test_loading_the_definitions_reads_no_secret(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_DATABASE_SECRET", "parakeet/none")
        settings = load_settings()
        check_settings(settings)
        assert not settings.has_own_database
        open_database(settings)


class TestHowLongItIsKept:
    def test_it_is_fetched_once_in_a_while(self, aws):
        clock, arn = Clock(), aws.secret(URL)
        secret = DatabaseSecret(arn, clock)
        assert secret.current() == DatabaseUrl.parse(URL)
        aws.change_secret(arn, OTHER)
        clock.seconds = KEPT_SECONDS
        assert secret.current() == DatabaseUrl.parse(URL)
        clock.seconds += 1
        assert secret.current() == DatabaseUrl.parse(OTHER)

    def test_while_secrets_manager_cannot_be_reached_it_goes_on(self, aws, monkeypatch, caplog):
        clock = Clock()
        secret = DatabaseSecret(aws.secret(URL), clock)
        secret.current()
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setattr("parakeet_dagster.storage.database_secret._TRIES", 1)
        del secret._client
        clock.seconds = KEPT_SECONDS + 1
        assert secret.current() == DatabaseUrl.parse(URL)
        assert "going on with the database's URL as it was known" in caplog.text
        assert "s3cret" not in caplog.text

    def test_one_that_is_gone_is_not_believed_any_longer(self, aws):
        clock, arn = Clock(), aws.secret(URL)
        secret = DatabaseSecret(arn, clock)
        secret.current()
        aws.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
        clock.seconds = KEPT_SECONDS + 1
        assert "there is no such secret" in refusal(secret.current)

    def test_a_process_asks_once(self, aws):
        arn = aws.secret(URL)
        assert database_secret(arn) is database_secret(arn)


class TestRotation:
    def test_a_new_connection_uses_the_new_password(self, aws, ann):
        arn = aws.secret(ann.url)
        database = Database(DatabaseSecret(arn))
        assert numbers(database) == 1
        ann.change_password(PASSWORDS[1])
        aws.change_secret(arn, ann.url)
        assert numbers(database) == 1  # an open connection lives on
        ann.disconnect()
        assert numbers(database) == 1
        database.close()

    def test_a_new_user_as_well(self, aws, ann, postgres_server):
        with member(postgres_server, "s3cret-3") as bob:
            arn = aws.secret(bob.url)
            database = Database(DatabaseSecret(arn))
            assert numbers(database) == 1
            database.close()
        aws.change_secret(arn, ann.url)
        assert numbers(database) == 1
        database.close()

    def test_asyncpg_too(self, aws, ann):
        arn = aws.secret(ann.url)
        database = Database(DatabaseSecret(arn))

        async def ask() -> tuple[int, int]:
            engine = database.async_engine()
            async with engine.connect() as connection:
                before = await connection.scalar(text("SELECT 1"))
            await engine.dispose()
            ann.change_password(PASSWORDS[1])
            aws.change_secret(arn, ann.url)
            async with engine.connect() as connection:
                after = await connection.scalar(text("SELECT 2"))
            await engine.dispose()
            return before, after

        assert asyncio.run(ask()) == (1, 2)

    def test_a_password_that_is_wrong_everywhere_fails_at_once(self, aws, ann):
        arn = aws.secret(ann.url_with("s3cret/wr@ng"))
        with pytest.raises(DatabaseError) as caught:
            Database(DatabaseSecret(arn)).market_data_summary()
        message = caught.value.message
        assert "password authentication failed" in message
        assert message.endswith(
            f"check the user and the password in NEON_DATABASE_URL of the secret {arn}"
        )
        assert "wr@ng" not in message

    def test_many_threads_share_one_renewal(self, aws, ann):
        arn = aws.secret(ann.url)
        secret = DatabaseSecret(arn)
        refused = secret.current()
        aws.change_secret(arn, ann.url_with(PASSWORDS[1]))
        first = secret.after(refused)
        aws.change_secret(arn, "not asked for again")
        assert secret.after(refused) == first == DatabaseUrl.parse(ann.url_with(PASSWORDS[1]))


def test_the_password_is_struck_out_in_both_its_forms(database):
    word = "s3cret@/w%rd"
    url = database.url.sync.set(password=word, drivername="postgresql")
    careless = Database(DatabaseUrl.parse(url.render_as_string(hide_password=False)))
    for form in (word, quote(word, safe="")):
        with (
            pytest.raises(DatabaseError) as failure,
            careless.transaction("look") as connection,
        ):
            connection.execute(text("SELECT CAST(:form AS integer)"), {"form": form})
        assert failure.value.message.endswith('invalid input syntax for type integer: "***"')
    careless.close()

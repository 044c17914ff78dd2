"""Keys: believed for seconds, read by one for all, compared in constant time."""

import asyncio
import hmac
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from parakeet_api import keys as api_keys
from parakeet_api.database import AsyncDatabase
from parakeet_api.keys import REVOKED_WITHIN_SECONDS, Keys
from parakeet_api.problems import unavailable
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.login import FixedLogin


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


def asked(database_url, scenario):
    """Run a scenario with the keys of a database and their clock; and how often they were read."""

    async def run():
        database, clock = AsyncDatabase(FixedLogin(DatabaseUrl.parse(database_url))), Clock()
        reads = []
        reading = database.reading

        @asynccontextmanager
        async def counted(doing):
            reads.append(doing)
            async with reading(doing) as session:
                yield session

        database.reading = counted
        try:
            return await scenario(Keys(database, clock), clock), len(reads)
        finally:
            await database.close()

    return asyncio.run(run())


def test_whose_key_it_is(database, database_url):
    key = database.create_api_key("mine", ["read", "write"])

    async def scenario(keys, clock):
        return await keys.caller(key)

    caller, reads = asked(database_url, scenario)
    assert (caller.name, caller.scopes, reads) == ("mine", {"read", "write"}, 1)
    assert key.startswith(f"pk_{caller.key_id}_")


def test_what_is_no_key(database, database_url):
    key = database.create_api_key("mine", ["read"])
    of_another = database.create_api_key("another", ["read"])

    async def scenario(keys, clock):
        wrong = [
            "",
            "pk__",
            key[:-1],
            f"{key}A",
            f" {key}",
            f"{key}\n",
            key.upper(),
            f"{key[:15]}_{'A' * 43}",
            f"{of_another[:15]}_{key[16:]}",
            "pk_000000000000_" + "A" * 43,
        ]
        return [await keys.caller(one) for one in wrong]

    found, _ = asked(database_url, scenario)
    assert found == [None] * 10


def test_a_revoked_key_is_worth_nothing_within_seconds(database, database_url):
    key = database.create_api_key("mine", ["read"])

    async def scenario(keys, clock):
        names = []
        for step in (0.0, REVOKED_WITHIN_SECONDS, 0.1):
            clock.seconds += step
            names.append((await keys.caller(key)) is not None)
            database.revoke_api_key("mine")
        return names

    found, reads = asked(database_url, scenario)
    assert (found, reads) == ([True, True, False], 2)


def test_a_new_key_opens_at_once(database, database_url, monkeypatch):
    monkeypatch.setattr(api_keys, "UNKNOWN_WAITS_SECONDS", 0.0)
    first = database.create_api_key("first", ["read"])

    async def scenario(keys, clock):
        await keys.caller(first)
        second = database.create_api_key("second", ["read"])
        return (await keys.caller(second)).name

    assert asked(database_url, scenario) == ("second", 2)


def test_keys_that_nobody_has_are_looked_for_together(database, database_url):
    key = database.create_api_key("mine", ["read"])

    async def scenario(keys, clock):
        await keys.caller(key)
        clock.seconds += 0.01
        unknown = [f"pk_{place:012}_{'A' * 43}" for place in range(500)]
        waiting = [asyncio.create_task(keys.caller(one)) for one in unknown]
        await asyncio.sleep(0)
        clock.seconds += 1
        return set(await asyncio.gather(*waiting)), len(keys._known)

    assert asked(database_url, scenario) == (({None}, 1), 2)


def test_all_get_the_error_of_the_one_that_read_and_the_next_one_reads_anew(monkeypatch):
    class Broken:
        reads = 0

        @asynccontextmanager
        async def reading(self, doing):
            self.reads += 1
            await asyncio.sleep(0.01)
            raise unavailable("database_unavailable", "gone")
            yield

    async def scenario():
        database = Broken()
        keys = Keys(database)
        key = "pk_000000000000_" + "A" * 43
        first = await asyncio.gather(*(keys.caller(key) for _ in range(50)), return_exceptions=True)
        again = await asyncio.gather(keys.caller(key), return_exceptions=True)
        return database.reads, {one.code for one in [*first, *again]}

    assert asyncio.run(scenario()) == (2, {"database_unavailable"})


def test_a_request_that_is_given_up_takes_nobody_with_it(database, database_url):
    key = database.create_api_key("mine", ["read"])

    async def scenario(keys, clock):
        first = asyncio.create_task(keys.caller(key))
        second = asyncio.create_task(keys.caller(key))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).name, first.cancelled() or first.cancelling() > 0

    assert asked(database_url, scenario) == (("mine", True), 1)


@pytest.mark.parametrize("is_known", [True, False])
def test_every_secret_is_compared_in_constant_time(database, database_url, monkeypatch, is_known):
    key = database.create_api_key("mine", ["read"])
    compared = []

    def compare(one, other):
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(api_keys, "hmac", SimpleNamespace(compare_digest=compare))

    async def scenario(keys, clock):
        return await keys.caller(key if is_known else "pk_000000000000_" + "A" * 43)

    asked(database_url, scenario)
    assert compared == [(32, 32)]

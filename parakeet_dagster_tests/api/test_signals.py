"""``/v1/signals``: of a session and of a ticker, a strategy's own."""

import pytest

from parakeet_dagster_tests.api.clients import module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.lakes import DAYS, SIGNAL, row, store


@pytest.fixture(scope="module")
def api(module_api):
    lake = module_api.services.lake
    store(
        lake,
        "signals/one",
        DAYS[:2],
        row(DAYS[0], "AAA", **SIGNAL),
        row(DAYS[0], "BBB", **SIGNAL | {"signal": -1, "strength": 0.0, "score": None}),
        row(DAYS[1], "AAA", **SIGNAL | {"signal": 0, "strength": 0.125}),
    )
    store(lake, "signals/two", DAYS[:1], row(DAYS[0], "AAA", **SIGNAL | {"strength": 1.0}))
    return module_api


def test_a_session_by_ticker(api):
    assert api.rows("/v1/signals/one", session=DAYS[0]) == [
        {"ticker": "AAA", "date": DAYS[0], "signal": 1, "strength": 0.5, "score": 0.25},
        {"ticker": "BBB", "date": DAYS[0], "signal": -1, "strength": 0.0, "score": None},
    ]
    assert [each["date"] for each in api.rows("/v1/signals/one")] == [DAYS[1]]
    named = api.rows("/v1/signals/one", session=DAYS[0], ticker="BBB")
    assert [each["signal"] for each in named] == [-1]
    assert [each["strength"] for each in api.rows("/v1/signals/two")] == [1.0]


def test_a_ticker_by_date(api):
    rows = api.rows("/v1/signals/one/AAA")
    found = [(each["date"], each["signal"], each["strength"]) for each in rows]
    assert found == [(DAYS[0], 1, 0.5), (DAYS[1], 0, 0.125)]
    assert len(api.rows("/v1/signals/one/AAA", to=DAYS[0])) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/signals/three", 404),
        (f"/v1/signals/three?session={DAYS[0]}", 404),
        (f"/v1/signals/two?session={DAYS[1]}", 404),
        ("/v1/signals/three/AAA", 404),
        ("/v1/signals/one/ZZZ", 404),
        ("/v1/signals/..", 404),
        ("/v1/signals/.", 404),
        ("/v1/signals/%2e%2e", 422),
        ("/v1/signals/%2e%2e/AAA", 422),
        ("/v1/signals/..%2f..%2fapi", 404),
        ("/v1/signals/one%00", 422),
        ("/v1/signals/one/..%5c..", 422),
        ("/v1/universes/%2e%2e/members", 422),
        ("/v1/universes/A%2fB/members", 404),
        ("/v1/performance/%2e%2e/report", 422),
        ("/v1/performance/..%2f..%2fsecret/report", 404),
        ("/v1/strategies/%2e%2e", 422),
    ],
)
def test_nobody_reads_what_is_beside_the_lake(api, monkeypatch, path, status):
    asked = []
    lake = api.services.lake
    monkeypatch.setattr(lake.store, "read", lambda path: asked.append(path))
    real = lake.store.folders
    monkeypatch.setattr(lake.store, "folders", lambda of, file: asked.extend(of) or real(of, file))
    answer = api.get(path)
    assert answer.status_code == status, answer.text
    assert not any(".." in one or "\0" in one for one in asked)


def test_what_the_api_does_not_write_is_no_table(api):
    assert api.ask("DELETE", "/v1/signals/one", "writer").status_code == 405

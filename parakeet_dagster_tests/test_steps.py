"""How far a run is, as it tells itself."""

import dagster as dg
import pytest

from parakeet_dagster.steps import Steps, in_words
from parakeet_dagster.storage.turns import WAITING


@dg.asset
def raw_prices() -> int:
    return 1


@dg.asset(key=["signals", "equal_weight"])
def signals(raw_prices: int) -> int:
    return raw_prices


@dg.asset
def broken(raw_prices: int) -> None:
    raise ValueError(raw_prices)


def test_a_run_tells_what_it_computes_and_what_part_is_done():
    told: list[tuple[float, str]] = []
    steps = Steps(lambda part, doing: told.append((part, doing)))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_event_listener(run_id := "00000000-0000-4000-8000-000000000000", steps.hear)
        steps.begin(3)
        job = dg.Definitions([raw_prices, signals, broken]).resolve_implicit_global_asset_job_def()
        job.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False)
    assert told[:2] == [(0.0, "raw prices"), (pytest.approx(1 / 3), "raw prices")]
    assert {doing for _, doing in told} == {"raw prices", "broken", "signals of equal_weight"}
    assert told[-1][0] == 1.0
    assert [part for part, _ in told] == sorted(part for part, _ in told)


def test_tickers_move_it_within_a_step():
    told: list[tuple[float, str]] = []
    steps = Steps(lambda part, doing: told.append((part, doing)))
    steps.begin(4)
    steps.answered(120, 480)
    assert told == [(0.0625, ", 120 of 480 tickers")]


def test_a_run_that_waits_for_another_says_for_which():
    told: list[tuple[float, str]] = []
    steps = Steps(lambda part, doing: told.append((part, doing)))

    @dg.resource
    def lake(context: dg.InitResourceContext) -> None:
        context.log.info("%s: run 1 on laptop", WAITING)

    @dg.asset(required_resource_keys={"lake"})
    def prices() -> None:
        pass

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_event_listener(run_id := "00000000-0000-4000-8000-000000000001", steps.hear)
        job = dg.Definitions([prices], resources={"lake": lake})
        job.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, run_id=run_id
        )
    assert told[0] == (0.0, f"{WAITING}: run 1 on laptop")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("raw_prices", "raw prices"),
        ("signals__dual_momentum", "signals of dual_momentum"),
        ("performance__equal_weight", "performance of equal_weight"),
    ],
)
def test_a_step_in_words(step, words):
    assert in_words(step) == words

"""What ``parakeet status`` says of what is not settled."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster.cli_status import SHOWN, Unsettled, by_ticker

CLASSES = ("DELISTED", "TIMEOUT")


def failures(*rows: tuple[str, str, str, int, str, str]) -> pd.DataFrame:
    """As ``Database.open_failures`` gives them.

    Args:
        rows: ticker, session, error_class, attempts, last_seen, message.
    """
    names = ["ticker", "session", "error_class", "attempts", "last_seen", "message"]
    frame = pd.DataFrame(list(rows), columns=names)
    frame["session"] = frame["session"].astype("datetime64[us]")
    frame["last_seen"] = pd.to_datetime(frame["last_seen"], utc=True).astype("datetime64[us, UTC]")
    return frame.astype({"attempts": "int64"})


def corrections(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ticker": ["ABC"] * count,
            "date": pd.date_range("2024-03-04", periods=count, unit="us"),
            "reason": ["[a split] listed late"] * count,
        }
    )


def lines_of(**found: Any) -> list[str]:
    nothing: dict[str, Any] = {
        "failures": by_ticker(failures()),
        "delisted": set(),
        "quarantined": 0,
        "corrections": corrections(0),
        "accepted": [],
        "unhealed": pd.Series([], index=pd.Index([], dtype="str"), dtype="int64"),
        "other_terms": None,
        "stale": 0,
    }
    return list(Unsettled(**{**nothing, **found}).lines())


FAILED = failures(
    ("GONE", "2024-03-04", "DELISTED", 3, "2024-03-08 01:00", "an older message"),
    ("GONE", "2024-03-06", "DELISTED", 1, "2024-03-09 01:00", "no data found"),
    ("GONE", "2024-03-05", "TIMEOUT", 2, "2024-03-07 01:00", "30 s"),
    ("ABC", "2024-03-05", "DELISTED", 1, "2024-03-07 01:00", "no data found"),
)


class TestByTicker:
    def test_one_row_per_ticker_and_class(self):
        told = by_ticker(FAILED)

        names = ["ticker", "error_class", "first", "last", "sessions", "attempts", "message"]
        days = [pd.Timestamp(f"2024-03-0{day}") for day in (4, 5, 6)]
        assert told.columns.tolist() == names
        assert told.to_numpy().tolist() == [
            ["ABC", "DELISTED", days[1], days[1], 1, 1, "no data found"],
            ["GONE", "DELISTED", days[0], days[2], 2, 3, "no data found"],
            ["GONE", "TIMEOUT", days[1], days[1], 1, 2, "30 s"],
        ]

    def test_no_failure_is_no_row(self):
        assert by_ticker(failures()).empty

    @given(
        st.lists(
            st.tuples(st.sampled_from("ABC"), st.integers(1, 28), st.sampled_from(CLASSES)),
            unique_by=lambda one: one[:2],
        )
    )
    def test_no_session_is_lost_or_counted_twice(self, rows):
        seen = "2024-03-01 01:00"
        told = by_ticker(
            failures(*((name, f"2024-02-{day:02}", why, 1, seen, "m") for name, day, why in rows))
        )

        assert told["sessions"].sum() == len(rows)
        assert set(zip(told["ticker"], told["error_class"], strict=True)) == {
            (name, why) for name, _, why in rows
        }
        assert (told["first"] <= told["last"]).all()


class TestLines:
    def test_where_all_is_well_nothing_is_said(self):
        assert lines_of() == []

    def test_failures_and_only_a_believed_delisting_is_called_one(self):
        gone = "GONE delisted (seen on several days) 2024-03-04 to 2024-03-06"
        assert lines_of(failures=by_ticker(FAILED), delisted={"GONE"}) == [
            "ABC DELISTED 2024-03-05 to 2024-03-05, 1 session, 1 attempt: no data found",
            f"{gone}, 2 sessions, 3 attempts: no data found",
            "GONE TIMEOUT 2024-03-05 to 2024-03-05, 1 session, 2 attempts: 30 s",
        ]

    def test_failed_tickers_are_named_and_the_others_counted(self):
        rows = [(f"T{n:02}", "2024-03-04", "DELISTED", 1, "2024-03-05", "m") for n in range(22)]
        said = lines_of(failures=by_ticker(failures(*rows)))
        assert said[SHOWN:] == [f"and {22 - SHOWN} failed tickers more (--json)"]

    @pytest.mark.parametrize(("count", "said"), [(1, "1 row"), (2, "2 rows")])
    def test_the_quarantine_with_its_command(self, count, said):
        assert lines_of(quarantined=count) == [f"in quarantine: {said} (parakeet quarantine)"]

    def test_corrections_are_named_and_the_others_counted(self):
        said = lines_of(corrections=corrections(SHOWN + 1))
        assert said[0] == "correction not yet applied: ABC 2024-03-04: [a split] listed late"
        assert said[SHOWN:] == ["and 1 correction more"]
        assert len(lines_of(corrections=corrections(SHOWN))) == SHOWN

    def test_accepted_sessions(self):
        assert lines_of(accepted=["2024-03-05 XASX", "2024-03-06 XASX"]) == [
            "accepted by hand: 2024-03-05 XASX, 2024-03-06 XASX (parakeet session list)"
        ]

    def test_accounts_on_other_terms(self):
        assert lines_of(other_terms="kept on other terms") == ["kept on other terms"]

    def test_closes_that_a_stopped_back_fill_left_unadjusted(self):
        (said,) = lines_of(stale=3)
        assert said == (
            "adjusted_close is from before a back-fill that is under way or was stopped: 3 tickers;"
            " its end mends it, as does the next daily run or the healing sensor"
        )

    def test_a_session_that_the_sensor_could_not_complete(self):
        (said,) = lines_of(unhealed=pd.Series({"2024-03-05": 2}))
        assert said == (
            "not complete: 2024-03-05, after 2 requests of the healing sensor (parakeet backfill"
            " 2024-03-05 2024-03-05 says why; parakeet session accept 2024-03-05 takes it as it is)"
        )

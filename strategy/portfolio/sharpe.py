"""How likely it is that a Sharpe ratio is more than luck.

Sharpe ratios here are of a session, not of a year: the papers' formulas hold for the frequency of
the returns. Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15
(2012), and "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import pandas as pd

from strategy.portfolio.curves import SHORTEST, deviation, excess_returns, session_returns
from strategy.rebalance import SESSIONS_A_YEAR

CONFIDENCE = 0.95
MANY = 8
NORMAL_DISTANCE = 1 / NormalDist().inv_cdf(0.75)
"""Of a normal distribution: the standard deviation by the median absolute deviation."""


NORMAL = NormalDist()

CHANCE = {
    "Sharpe ratio of a session": "ratio",
    "sessions": "sessions",
    "skewness of excess returns": "number",
    "kurtosis of excess returns": "number",
    "probabilistic Sharpe ratio": "percent",
    "minimum track record": "sessions",
    "strategies tried": "number",
    "Sharpe ratio of the luckiest": "ratio",
    "deflated Sharpe ratio": "percent",
}
"""The figures of ``chance`` in the order of reading, and their units."""


@dataclass(frozen=True)
class TrackRecord:
    """What the formulas know of a curve, all of its excess returns over cash.

    sharpe: mean by sample standard deviation, of a session; NaN where it has no meaning.
    sessions: how many returns.
    skewness, kurtosis: of the sample, without a correction of bias; 0 and 3 if normal.
    """

    sharpe: float
    sessions: int
    skewness: float
    kurtosis: float


def sharpe_ratios(curves: pd.DataFrame, rate: float) -> pd.Series:
    """Sharpe ratios of a session: mean excess return by its sample standard deviation.

    Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21 (1994).

    Args:
        curves: index date, AUD at each close.
        rate: what cash earns, a year.

    Returns:
        Of each column; NaN where the curve does not move, or only as cash does.
    """
    excess = excess_returns(curves, rate)
    moves = deviation(session_returns(curves)).notna()
    return (excess.mean() / deviation(excess)).where(moves)


def track_record(curve: pd.Series, rate: float) -> TrackRecord:
    """The track record of one curve; its Sharpe ratio is NaN below ``SHORTEST`` returns.

    Args:
        curve: index date, AUD at each close.
        rate: what cash earns, a year.
    """
    from skfolio.measures import kurtosis, skew

    frame = curve.to_frame()
    excess = excess_returns(frame, rate).iloc[:, 0].dropna()
    is_long = len(excess) >= SHORTEST
    return TrackRecord(
        sharpe=float(sharpe_ratios(frame, rate).iloc[0]) if is_long else math.nan,
        sessions=len(excess),
        skewness=float(skew(excess.to_numpy())),
        kurtosis=float(kurtosis(excess.to_numpy())),
    )


def probabilistic_sharpe(record: TrackRecord, benchmark: float = 0.0) -> float:
    """The probability that the true Sharpe ratio is above ``benchmark`` (2012).

    ``Z((SR - SR*) sqrt(n - 1) / sqrt(1 - skewness SR + (kurtosis - 1) / 4 SR^2))``. skfolio's
    ``probabilistic_sharpe_ratio`` is the same formula; it takes returns only, and the papers'
    examples, the minimum track record and a sheet that is read back have the moments.

    Args:
        record: of the curve.
        benchmark: a Sharpe ratio of a session.

    Returns:
        Between 0 and 1; NaN where the record has no Sharpe ratio.
    """
    error = _variance(record)
    if not error > 0:  # NaN too
        return math.nan
    distance = (record.sharpe - benchmark) * math.sqrt(record.sessions - 1)
    return NORMAL.cdf(distance / math.sqrt(error))


def minimum_track_record(
    record: TrackRecord, benchmark: float = 0.0, confidence: float = CONFIDENCE
) -> float:
    """Sessions until ``probabilistic_sharpe`` reaches ``confidence`` (2012).

    If the returns go on as they were: ``1 + variance (Z^-1(confidence) / (SR - SR*))^2``.

    Args:
        record: of the curve.
        benchmark: a Sharpe ratio of a session.
        confidence: above 0.5.

    Returns:
        At least 1; NaN where no length is enough, the Sharpe ratio not being above ``benchmark``.
    """
    error = _variance(record)
    if not (error > 0 and record.sharpe > benchmark):
        return math.nan
    return 1 + error * (NORMAL.inv_cdf(confidence) / (record.sharpe - benchmark)) ** 2


def luckiest_sharpe(trials: pd.Series) -> float:
    """The highest Sharpe ratio to expect of so many strategies without any skill (2014).

    ``sd(SR) ((1 - g) Z^-1(1 - 1/N) + g Z^-1(1 - 1/(N e)))`` with Euler and Mascheroni's g. The N
    are taken for independent. Strategies that trade the same tickers are not, and then this is
    more than luck gives: it errs on the side of doubt.

    Args:
        trials: Sharpe ratios of a session of all strategies tried; NaN does not count. Of ``MANY``
            and more the spread is measured so that a ruined one does not count for much.

    Returns:
        0 for one trial, NaN for none.
    """
    from skfolio.measures import expected_max_sharpe_ratio

    known = trials.dropna()
    if known.empty:
        return math.nan
    return float(expected_max_sharpe_ratio(len(known), _spread(known)))


def _spread(trials: pd.Series) -> float:
    """The standard deviation of the trials; of many, that of a normal with their median distance.

    One strategy that trades itself to ruin would otherwise make all others look lucky: the more it
    lost, the higher the Sharpe ratio to expect of the luckiest (Rousseeuw and Croux, "Alternatives
    to the Median Absolute Deviation", 1993, on why the latter is not moved by it).
    """
    if len(trials) < MANY:
        return float(trials.std()) if len(trials) > 1 else 0.0
    return float(min(trials.std(), NORMAL_DISTANCE * (trials - trials.median()).abs().median()))


def deflated_sharpe(record: TrackRecord, trials: pd.Series) -> float:
    """The probability that the true Sharpe ratio is above what the luckiest of ``trials`` has.

    Args:
        record: of the curve.
        trials: Sharpe ratios of a session of all strategies tried, this one among them.

    Returns:
        Between 0 and 1; of one trial the ``probabilistic_sharpe``. NaN without a Sharpe ratio.
    """
    return probabilistic_sharpe(record, luckiest_sharpe(trials))


def chance(record: TrackRecord, trials: pd.Series) -> pd.DataFrame:
    """The figures above as a table.

    Args:
        record: of the curve.
        trials: Sharpe ratios of a session of all strategies tried, this one among them.

    Returns:
        Index figure (``CHANCE``); columns unit, value. The Sharpe ratio of the luckiest is a
        year's, to stand beside that of the strategy.
    """
    values = [
        record.sharpe,
        record.sessions,
        record.skewness,
        record.kurtosis,
        probabilistic_sharpe(record),
        minimum_track_record(record),
        trials.count(),
        luckiest_sharpe(trials) * math.sqrt(SESSIONS_A_YEAR),
        deflated_sharpe(record, trials),
    ]
    table = pd.DataFrame({"unit": CHANCE, "value": dict(zip(CHANCE, values, strict=True))})
    return table.astype({"value": "float64"}).rename_axis("figure")


def record_of(table: pd.DataFrame) -> TrackRecord:
    """The track record that a table of ``chance`` was made from."""
    sharpe, sessions, skewness, kurtosis = table["value"].reindex(list(CHANCE)[:4])
    return TrackRecord(sharpe, int(sessions), skewness, kurtosis)


def _variance(record: TrackRecord) -> float:
    """Of the estimate of a Sharpe ratio, times n - 1."""
    sharpe = record.sharpe
    return 1 - record.skewness * sharpe + (record.kurtosis - 1) / 4 * sharpe**2

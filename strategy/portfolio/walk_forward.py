"""Walk-forward analysis: what choosing parameters by the past was worth afterwards.

For every fold each candidate of a grid is judged on a training window, and the best one is used in
the test window that follows; then both windows move on (Pardo, The Evaluation and Optimization of
Trading Strategies, 2nd ed., 2008, chapter 11). What the choices earned is the book of one account,
kept through all test windows: a change of parameters is traded, and costs what it costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError
from strategy.grid import own_label
from strategy.portfolio.curves import session_returns
from strategy.portfolio.drawdowns import drawdowns
from strategy.portfolio.figures import DAYS_A_YEAR
from strategy.portfolio.folds import Windows, folds
from strategy.portfolio.market import Market
from strategy.portfolio.sharpe import sharpe_ratios
from strategy.portfolio.simulation import Account, simulate
from strategy.portfolio.terms import Terms
from strategy.rebalance import SESSIONS_A_YEAR
from strategy.strategy import Strategy

TIE = 1e-9
"""Sharpe ratios that are nearer to each other are equal but for rounding."""

FOLLOWER = "follower"
"""The name of the account that follows the choices; the others have the candidates' labels."""


@dataclass(frozen=True)
class WalkForward:
    """What the choices earned, beside what else could have been chosen.

    Sharpe ratios are annualised, of the session returns net of costs above what cash earns, and 0
    where an account held only cash; returns are compound, a year. The three curves begin with the
    same capital, in cash at the close of the last session of the first training window, and end
    with the last test window.

    folds: index fold; columns train_first, train_last, test_first, test_last, chosen (the label of
        a candidate), in_sample and in_sample_return (Sharpe ratio and return of the chosen one in
        the training window), out_of_sample and out_of_sample_return (of the account that follows
        the choices, in the test window).
    scores: index fold, a column per candidate: its Sharpe ratio in the training window.
    out_of_sample: columns date, equity (AUD at the close): of the account that follows the choices.
    in_sample: the same, of the candidate that was best over all of the test windows: hindsight.
    fixed: the same, of the strategy's own parameters.
    best, own: the labels of the candidates of ``in_sample`` and ``fixed``.
    figures: index figure (Sharpe ratio, CAGR, volatility, maximum drawdown); columns out_of_sample,
        in_sample, fixed.
    notes: what a reader must know, a sentence or two each.
    """

    folds: pd.DataFrame
    scores: pd.DataFrame
    out_of_sample: pd.DataFrame
    in_sample: pd.DataFrame
    fixed: pd.DataFrame
    best: str
    own: str
    figures: pd.DataFrame
    notes: tuple[str, ...]


def walk_forward(
    strategy: Strategy,
    market: Market,
    targets: Mapping[str, pd.DataFrame],
    sessions: pd.DatetimeIndex,
    windows: Windows,
    terms: Terms,
) -> WalkForward:
    """Choose on each training window, and keep the book of what was chosen.

    The choice for a test window is made at the close of the last training session T, by returns up
    to and including that of T, which are those of accounts kept from the first decision on. The
    account that follows the choices takes over what the chosen candidate's last rebalance session
    up to T decided: it counts as decided on T, and is filled from the first session of the test
    window on. Where the same candidate is chosen again, nothing is traded but what it decides
    itself. See ``chosen_targets``.

    The best has the highest Sharpe ratio; of equals the strategy's own parameters are taken, else
    those that come first in the grid.

    Args:
        strategy: with a grid.
        market: ``simulation.LOOKBACK`` sessions before the first decision, and ``sessions`` from it
            on.
        targets: by label, in the grid's order, what ``strategy.candidates`` decided; all begin on
            the same session.
        sessions: ascending, without a gap; the first training window begins on the first decision.
        windows: their lengths.
        terms: of every account.

    Raises:
        StrategyError: there is nothing to choose from, the candidates begin on different sessions,
            a session is not in the market, or there are too few.
    """
    walked = _walked(targets, sessions, market)
    plan, own = folds(walked, windows), own_label(strategy)
    accounts = [Account(label, one, terms) for label, one in targets.items()]
    trained = _curves(market, accounts, walked)
    training = _by_fold(trained, plan["train_first"], plan["train_last"], terms)
    plan["chosen"] = _best(training["Sharpe ratio"], own)

    start = plan["train_last"].iloc[0]
    follower = Account(FOLLOWER, chosen_targets(targets, plan), terms)
    others = [Account(label, _since(one, start), terms) for label, one in targets.items()]
    tested = _curves(market, [follower, *others], walked[walked >= start])
    testing = _by_fold(tested, plan["test_first"], plan["test_last"], terms)
    figures = _figures(tested, terms)
    best = _best(figures.loc[["Sharpe ratio"], list(targets)], own).iloc[0]

    told = plan.assign(
        in_sample=_of_chosen(training["Sharpe ratio"], plan),
        out_of_sample=testing["Sharpe ratio"][FOLLOWER],
        in_sample_return=_of_chosen(training["CAGR"], plan),
        out_of_sample_return=testing["CAGR"][FOLLOWER],
    )
    sides = {"out_of_sample": FOLLOWER, "in_sample": best, "fixed": own}
    return WalkForward(
        folds=told,
        scores=training["Sharpe ratio"],
        **{side: _curve(tested[name]) for side, name in sides.items()},
        best=best,
        own=own,
        figures=figures[list(sides.values())].set_axis(list(sides), axis=1),
        notes=_notes(told, len(targets), windows, best, own),
    )


def chosen_targets(targets: Mapping[str, pd.DataFrame], plan: pd.DataFrame) -> pd.DataFrame:
    """The targets of the account that follows the choices.

    Of each fold they are the chosen candidate's decisions from the last training session T up to
    the session before the last one of the test window: that is the next fold's T, and the decision
    the next choice's. Where the choice is the first, or another than before, the target that stands
    at T is dated T.

    Args:
        targets: by label; columns date, ticker, weight.
        plan: the folds, ascending; columns train_last, test_last, chosen.

    Returns:
        Columns date, ticker, weight.
    """
    parts: list[pd.DataFrame] = []
    before = plan["chosen"].shift()
    for chosen, previous, first, last in zip(
        plan["chosen"], before, plan["train_last"], plan["test_last"], strict=True
    ):
        decided = targets[chosen]
        if chosen != previous:
            decided = _since(decided, first)
        parts.append(decided.loc[(decided["date"] >= first) & (decided["date"] < last)])
    return pd.concat(parts, ignore_index=True)


def _since(decided: pd.DataFrame, session: pd.Timestamp) -> pd.DataFrame:
    """The target that stands on a session, as if decided on it, and all later ones."""
    is_past = decided["date"] <= session
    is_standing = decided["date"] == decided["date"].where(is_past).max()
    standing: pd.DataFrame = decided.loc[is_standing].assign(date=session)
    return pd.concat([standing, decided.loc[~is_past]], ignore_index=True)


def _walked(
    targets: Mapping[str, pd.DataFrame], sessions: pd.DatetimeIndex, market: Market
) -> pd.DatetimeIndex:
    """The sessions from the first decision on."""
    firsts = sorted({one["date"].min() for one in targets.values()})
    if not firsts:
        raise StrategyError("there is nothing to choose from: give the strategy a grid")
    if len(firsts) > 1:
        raise StrategyError(
            f"the candidates begin on different sessions, {firsts[0]:%Y-%m-%d} to"
            f" {firsts[-1]:%Y-%m-%d}: decide their targets together"
        )
    walked = pd.DatetimeIndex(sessions[sessions >= firsts[0]])
    absent = walked.difference(market.sessions)
    if len(absent):
        raise StrategyError(f"the market has no session {absent[0]:%Y-%m-%d}: give it all of them")
    return walked


def _curves(market: Market, accounts: list[Account], sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Equity at the closes of ``sessions``, a column per account."""
    books = simulate(market, accounts, sessions[0])
    curves = {name: book.daily.set_index("date")["equity"] for name, book in books.items()}
    return pd.DataFrame(curves).loc[sessions]


def _by_fold(
    curves: pd.DataFrame, firsts: pd.Series, lasts: pd.Series, terms: Terms
) -> dict[str, pd.DataFrame]:
    """Each figure of the windows from ``firsts`` to ``lasts``: folds x accounts.

    The return of a window's first session is from the close before, where there is one.
    """
    begins = curves.index.get_indexer(pd.Index(firsts))
    ends = curves.index.get_indexer(pd.Index(lasts))
    windows = [
        _figures(curves.iloc[max(begin - 1, 0) : end + 1], terms)
        for begin, end in zip(begins, ends, strict=True)
    ]
    return {
        figure: pd.DataFrame([window.loc[figure] for window in windows], index=firsts.index)
        for figure in windows[0].index
    }


def _figures(curves: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Sharpe ratio (above cash, a year's), CAGR, volatility and maximum drawdown of each curve."""
    days = (curves.index[-1] - curves.index[0]).days
    growth = curves.iloc[-1] / curves.iloc[0]
    sharpe = sharpe_ratios(curves, terms.cash_rate) * SESSIONS_A_YEAR**0.5
    measures = {
        "Sharpe ratio": sharpe.fillna(0.0),
        "CAGR": growth ** (DAYS_A_YEAR / days) - 1,
        "volatility": session_returns(curves).std() * SESSIONS_A_YEAR**0.5,
        "maximum drawdown": drawdowns(curves).min(),
    }
    return pd.DataFrame(measures).T.rename_axis("figure")


def _best(scores: pd.DataFrame, own: str) -> pd.Series:
    """The label of the highest score of each row; of equals the own one, then the first."""
    ordered = scores[[own, *scores.columns.drop(own)]]
    return ordered.ge(ordered.max(axis=1) - TIE, axis=0).idxmax(axis=1)


def _of_chosen(table: pd.DataFrame, plan: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Each fold's value of its chosen candidate."""
    columns = table.columns.get_indexer(pd.Index(plan["chosen"]))
    return table.to_numpy(dtype=float)[np.arange(len(plan)), columns]


def _curve(equity: pd.Series) -> pd.DataFrame:
    return equity.rename("equity").rename_axis("date").reset_index()


def _notes(
    told: pd.DataFrame, candidates: int, windows: Windows, best: str, own: str
) -> tuple[str, ...]:
    changes = int(told["chosen"].ne(told["chosen"].shift()).sum()) - 1
    last = told.iloc[-1]
    return (
        (
            f"Each of {len(told)} test windows uses the one of {candidates} candidates that had the"
            f" highest Sharpe ratio in the {windows.train} sessions before it, of which the last"
            f" return is the last that the choice knows. {changes} of {len(told) - 1} times the"
            " choice was another than before."
        ),
        (
            "The chosen candidates had a mean Sharpe ratio of"
            f" {told['in_sample'].mean():.2f} in training, and the account that followed them one"
            f" of {told['out_of_sample'].mean():.2f} in the test windows. The first was selected"
            " for being high."
        ),
        (
            f"In sample is {best}, the best of the test windows with hindsight; nobody could know"
            f" it before {last['test_last']:%Y-%m-%d}. Fixed is {own}, as in the catalog."
        ),
        (
            "The strategy and its grid were written by people who knew this history: no back-test"
            " is wholly out of sample."
        ),
    )

"""What a reader of a tear sheet must know: of the sample, its bias, and what is assumed."""

from collections.abc import Collection, Sequence

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.membership import UNKNOWN, strategy_membership
from parakeet_dagster.assets.sample import Sample
from parakeet_dagster.storage.database import Database
from strategy.portfolio.simulation import DELISTED_AFTER
from strategy.portfolio.terms import Terms
from strategy.strategy import Strategy
from strategy.universes.membership import BIASED

SAMPLE = (
    "The prices are the sample's: closes adjusted for dividends and splits, of companies chosen"
    " because they were large at the end. It shows how things work and says nothing of a strategy."
)
NO_ADVICE = (
    "A simulation of the past is no promise, the tax is an estimate, and nothing here is financial"
    " or tax advice."
)


def notes_on(
    neon: Database,
    sources: Collection[str],
    sample: Sample,
    strategy: Strategy,
    sessions: pd.DatetimeIndex,
    terms: Terms,
) -> list[str]:
    """The notes of a back-test over ``sessions``, the most important first.

    ``sources`` are those of all prices, which the database looks through for them.
    """
    keys = [calendar.key(day) for day in sessions]
    return [
        *([SAMPLE] if "sample" in sources else []),
        membership_note(strategy_membership(neon, keys, strategy), keys),
        *prices_note(sample),
        fills_note(terms),
        NO_ADVICE,
    ]


def membership_note(told: dict[str, str], keys: Sequence[str]) -> str:
    """How the members of the sessions are known, and for how many that is biased."""
    words = [told.get(key, UNKNOWN) for key in keys]
    biased = sum(BIASED in one or one == UNKNOWN for one in words)
    if not biased:
        return f"Members are known as of each day: {words[-1]}."
    return (
        f"Survivorship bias: on {biased} of {len(keys)} sessions the members are taken from a list"
        " of a later day, which leaves out who failed since and holds who rose. The results are"
        f" better than what could have been had. ({max(words, key=len)}.)"
    )


def prices_note(sample: Sample) -> list[str]:
    """How many of the members have no price, if any: those could not be held."""
    if not sample.unpriced:
        return []
    return [
        (
            f"Of the members, {sample.unpriced:.1%} had no price on an average session and could"
            " not be held: companies that are gone, of which the vendor knows nothing any more, or"
            " new ones on their first day."
        )
    ]


def fills_note(terms: Terms) -> str:
    """When and at which prices the account trades."""
    us = "US orders at the next open" if terms.fill == "open" else "each order at the next close"
    return (
        f"Decided at a session's closes, filled later: {us} of its own market, in"
        f" {'whole shares' if terms.whole_shares else 'fractions of shares'}, never on borrowed"
        " money. Dividends arrive on the ex-date. What has not traded for"
        f" {DELISTED_AFTER} sessions is paid out at its last close"
        + (f" less {-terms.delisting_return:.0%}." if terms.delisting_return else ".")
    )

"""The digest in words: plain text, lines short enough for a phone."""

from collections.abc import Iterator, Sequence
from datetime import date

from parakeet_dagster.counted import counted
from parakeet_dagster.digest import Change, Digest, OfStrategy, Order
from parakeet_dagster.targets import Message

ORDERS, CHANGES, LINES, STRATEGIES = 25, 8, 5, 10
"""So many of each are shown; more are counted."""


def message_of(digest: Digest) -> Message:
    """The digest, to be sent."""
    return Message(subject_of(digest), text_of(digest))


def subject_of(digest: Digest) -> str:
    """How much there is to trade, and whether something is wrong."""
    trades = sum(len(one.orders or []) for one in digest.strategies)
    lacking = any(one.orders is None for one in digest.strategies) or bool(digest.behind)
    told = "not complete" if lacking else counted(trades, "order") if trades else "nothing to do"
    return f"Parakeet {digest.session}: {told}"


def text_of(digest: Digest) -> str:
    """All of it; a title in capitals begins each part."""
    day = date.fromisoformat(digest.session)
    lines = [f"Session {day:%a} {digest.session}", "", *_orders(digest.strategies)]
    lines += ["", "CHANGED TARGETS", *_changes(digest.strategies), "", "DATA", *_data(digest)]
    return "\n".join([*lines, "", "Details: parakeet orders, parakeet status"])


def _orders(strategies: Sequence[OfStrategy]) -> Iterator[str]:
    busy = [one for one in strategies if one.orders]
    for one in busy[:STRATEGIES]:
        yield f"ORDERS {one.strategy}"
        yield f"for {one.account}"
        yield from _of_one(one.orders or [])
        yield from one.notes[1:]
        yield ""
    if len(busy) > STRATEGIES:
        yield f"and of {len(busy) - STRATEGIES} strategies more: parakeet orders"
    idle = [one for one in strategies if one.orders is not None and not one.orders]
    calm = [one.strategy for one in idle if all(map(_is_calm, one.notes))]
    if calm:
        yield f"Nothing to do: {_some(calm, STRATEGIES)}"
    for one in idle:
        if one.strategy not in calm:
            yield f"NOTHING TO DO {one.strategy}"
            yield from (note for note in one.notes if not _is_calm(note))
    lacking = [one.strategy for one in strategies if one.orders is None]
    if lacking:
        yield f"NO ORDERS YET: {_some(lacking, STRATEGIES)}"
        yield "see parakeet status"


def _is_calm(note: str) -> bool:
    """Whether a note says no more than that there is nothing to do, and from what it was seen."""
    return note.startswith(("nothing to do", "orders "))


def _of_one(orders: Sequence[Order]) -> Iterator[str]:
    for order in orders[:ORDERS]:
        quantity = f"{order.quantity:,.4f}".rstrip("0").rstrip(".")
        yield f"{order.side} {quantity} {order.ticker} A${order.value_aud:,.0f}"
    if len(orders) > ORDERS:
        yield f"and {len(orders) - ORDERS} more"
    value = sum(order.value_aud for order in orders)
    costs = sum(order.cost_aud for order in orders)
    yield f"= A${value:,.0f} in {counted(len(orders), 'order')}, costs A${costs:,.2f}"


def _changes(strategies: Sequence[OfStrategy]) -> Iterator[str]:
    moved = [one for one in strategies if one.changes]
    for one in moved[:STRATEGIES]:
        shown = one.changes or []
        yield f"{one.strategy}:"
        yield from map(_change, shown[:CHANGES])
        if len(shown) > CHANGES:
            yield f"and {len(shown) - CHANGES} more"
    if len(moved) > STRATEGIES:
        yield f"and {len(moved) - STRATEGIES} strategies more"
    if not moved:
        yield "none since the session before"


def _change(change: Change) -> str:
    return f"{change.ticker} {change.before:.1%} -> {change.after:.1%}"


def _data(digest: Digest) -> Iterator[str]:
    if digest.coverage is None:
        yield "Coverage: nothing to judge"
    else:
        of = f" ({digest.bars} bars, {digest.expected} tickers)" if digest.expected else ""
        yield f"Coverage: {digest.coverage:.1%}{of}"
    behind = "nothing is stored" if digest.behind is None else str(digest.behind)
    yield f"Sessions behind: {behind}"
    yield from _listed("Failed", digest.failed)
    if digest.failed_before:
        yield f"Failed on other sessions: {counted(digest.failed_before, 'ticker')}"
    yield from _listed("Quarantined", digest.quarantined)
    if digest.in_quarantine:
        yield f"In quarantine in all: {digest.in_quarantine} (parakeet quarantine)"
    yield from _listed("Revised", digest.revised)
    yield from _listed("Corrections waiting", digest.corrected)
    yield from _listed("Runs failed", digest.runs_failed)


def _listed(what: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        yield f"{what}: none"
        return
    yield f"{what}: {len(lines)}"
    yield from (f"- {line}" for line in lines[:LINES])
    if len(lines) > LINES:
        yield f"- and {len(lines) - LINES} more"


def _some(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

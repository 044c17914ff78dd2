"""One whole shared in proportion, between a least and a greatest share.

Clipping and dividing by the sum breaks the bounds again: {.9, .06, .03, .01} with a cap of 30 %
becomes a share of 75 %. Here the proportions give way and the bounds hold.
"""

import numpy as np
import numpy.typing as npt

from strategy.errors import StrategyError

Floats = npt.NDArray[np.float64]

LEAST_APPETITE = 1e-15
"""What wants nothing still takes the rest, once everybody else has all that is allowed."""

DUST = 1e-6
"""A share below a millionth is the solver's rounding, or worth no order."""

NOISE = 1e-5
"""How far a solver's tolerance may miss a bound or the sum; what misses by more is an error."""

ROUNDING = 1e-12


def proportional(wanted: Floats, smallest: float, largest: float) -> Floats:
    """Shares in proportion to ``wanted``, as far as the bounds allow.

    Share i is ``clip(c * wanted_i, smallest, largest)`` with the one c that makes the sum 1, so
    those that no bound stops keep their proportions. Of all shares within the bounds these are the
    nearest to ``wanted`` in relative entropy (Csiszár, 1975). The sum grows with c, by straight
    lines between the values of c at which a share meets a bound, so c is found without iterating.

    Args:
        wanted: not below 0, at least one above.
        smallest: at most 1 / assets.
        largest: at least 1 / assets.

    Returns:
        Summing to 1, every one between ``smallest`` and ``largest``.
    """
    appetite = np.maximum(wanted / wanted.max(), LEAST_APPETITE)
    corners = np.sort(np.concatenate([smallest / appetite, largest / appetite]))
    sums = np.clip(corners[:, None] * appetite, smallest, largest).sum(axis=1)
    right = int(np.clip(np.searchsorted(sums, 1.0), 1, len(corners) - 1))
    left = right - 1
    rise = sums[right] - sums[left]
    part = (1 - sums[left]) / rise if rise > 0 else 0.0
    shares = np.clip(
        (corners[left] + part * (corners[right] - corners[left])) * appetite, smallest, largest
    )
    return np.where(shares < ROUNDING, 0.0, shares)


def settled(weights: Floats, smallest: float, largest: float) -> Floats:
    """A solver's weights without its noise: exactly within the bounds, summing to 1.

    Args:
        weights: about 1 in sum and about within the bounds.
        smallest: at most 1 / assets.
        largest: at least 1 / assets.

    Returns:
        The same weights where they need no repair, else ``proportional`` to them.

    Raises:
        StrategyError: a weight is not a number, or misses by more than ``NOISE``.
    """
    missed = max(smallest - weights.min(), weights.max() - largest, abs(weights.sum() - 1))
    if not missed <= NOISE:  # NaN fails too
        raise StrategyError(f"the weights miss their bounds or their sum by {missed:.2g}")
    kept = np.where(weights < DUST, 0.0, weights)
    fits = kept.min() >= smallest and kept.max() <= largest and abs(kept.sum() - 1) <= ROUNDING
    return kept if fits else proportional(kept, smallest, largest)

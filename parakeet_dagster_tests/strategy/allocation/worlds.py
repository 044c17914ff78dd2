"""Returns to be weighed."""

import numpy as np

NAMES = tuple(f"T{place:03}" for place in range(600))


def correlated(count: int, seed: int = 0, sessions: int = 126) -> dict[str, np.ndarray]:
    """Daily returns of two groups that move together, volatilities from 0.3 % to 3 %."""
    random = np.random.default_rng(seed)
    groups = random.normal(size=(sessions, 2))
    own = random.normal(size=(sessions, count))
    mixed = 0.7 * groups[:, np.arange(count) % 2] + 0.5 * own
    volatility = np.geomspace(0.003, 0.03, count) if count > 1 else np.array([0.01])
    return dict(zip(NAMES[:count], (mixed * volatility).T, strict=True))


def orthogonal(*volatilities: float, mean: tuple[float, ...] = (), sessions: int = 64):
    """Returns of exactly these (population) volatilities and means, without any correlation."""
    rows = np.array([[1.0]])
    while len(rows) < sessions:
        rows = np.block([[rows, rows], [rows, -rows]])  # Hadamard's matrices, after Sylvester
    drift = np.array(mean or np.zeros(len(volatilities)))
    columns = rows[:, 1 : len(volatilities) + 1] * np.array(volatilities) + drift
    return dict(zip(NAMES, columns.T, strict=False))

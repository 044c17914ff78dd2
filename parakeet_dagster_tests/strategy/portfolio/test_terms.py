"""The fingerprint by which terms are known again."""

import math
import subprocess
import sys

import pytest

from strategy.portfolio.terms import FREE, Terms

OTHERS = {
    "capital": 5_000.0,
    "fee": 5.0,
    "fx_spread_bp": 50.0,
    "slippage_bp": 10.0,
    "cash_rate": 0.03,
    "withholding": 0.3,
    "whole_shares": False,
    "fill": "open",
    "risk_aversion": math.inf,
    "delisting_return": -0.3,
}


def test_the_same_terms_have_the_same_fingerprint() -> None:
    assert Terms(capital=100_000, fee=3).fingerprint == Terms().fingerprint
    assert len(FREE.fingerprint) == 12


def test_every_term_counts() -> None:
    assert OTHERS.keys() == Terms.model_fields.keys()
    found = {Terms.model_validate({name: value}).fingerprint for name, value in OTHERS.items()}
    assert len(found | {Terms().fingerprint}) == len(OTHERS) + 1


@pytest.mark.parametrize("seed", ["1", "2"])
def test_it_is_the_same_in_every_process(seed: str) -> None:
    code = "from strategy.portfolio.terms import Terms; print(Terms().fingerprint)"
    env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
    told = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True)
    assert told.stdout.decode().strip() == Terms().fingerprint

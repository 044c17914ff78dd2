"""What the documents say is what the code does."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.schemas import COLUMN_DESCRIPTIONS, SCHEMAS
from strategy.catalog import entry
from strategy.window import Window

ROOT = Path(__file__).parents[1]


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / "docs" / document).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_data_dictionary_has_every_column():
    text = (ROOT / "docs" / "data-dictionary.md").read_text()
    for asset, schema in SCHEMAS.items():
        assert f"### `{asset}`" in text
        assert set(COLUMN_DESCRIPTIONS[asset]) == set(schema.names)
        for field in schema:
            meaning = COLUMN_DESCRIPTIONS[asset][field.name]
            assert f"| `{field.name}` | {field.type} | {meaning} |" in text


def test_the_example_lists_every_setting():
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = {line.removeprefix("# ").split("=")[0] for line in lines if "=" in line}
    assert {str(field.validation_alias) for field in Settings.model_fields.values()} <= listed


def test_the_strategy_of_the_guide_works():
    namespace: dict[str, object] = {}
    exec(blocks("add-a-strategy.md", "python")[0], namespace)
    signal = namespace["Reversal"](lookback=2, places=1)
    window = Window(
        pd.DatetimeIndex(["2022-06-15", "2022-06-16"]).as_unit("us"),
        pd.Index(["A", "B", "C"]),
        {"return_aud": np.array([[0.1, -0.1, np.nan], [0.0, -0.1, -0.5]])},
        2,
    )
    table = signal.at(window).set_index("ticker")
    assert table["signal"].to_dict() == {"A": 0, "B": 1, "C": 0}
    assert table.loc["B", "score"] == 1 - 0.9 * 0.9


def test_the_toml_of_the_guide_works():
    ((name, table),) = tomllib.loads(blocks("add-a-strategy.md", "toml")[0]).items()
    strategy = entry(name, table)
    assert strategy.signal.lookback == 126
    assert strategy.allocation.bounds == (0.0, 0.4)
    assert strategy.rebalance == "quarterly"

"""What the documents say is what the code does."""

import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pytest

from parakeet_dagster.doctor_checks import ADVICE
from parakeet_dagster.metrics import METRICS
from parakeet_dagster.places import open_lake
from parakeet_dagster.sessions import between
from parakeet_dagster.settings import OTHERS, Settings
from parakeet_dagster.storage.dumps import LEFT_OUT, TABLES
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


def test_the_data_dictionary_has_every_table_of_the_database():
    text = (ROOT / "docs" / "data-dictionary.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert {*TABLES, *LEFT_OUT} <= listed


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


DAYS = [*between("2018-12-31", "2019-01-03"), *between("2023-12-29", "2024-01-05")]
RETURNS = {"GE": 0.01, "BHP.AX": 0.02, "HALTED": 0.5}


@pytest.fixture
def small_lake(tmp_path):
    """Three tickers, one of which never trades; what is being written lies beside a file."""
    lake = open_lake(str(tmp_path / ".parakeet" / "lake"))
    dates = pd.DatetimeIndex(DAYS).as_unit("us")
    columns = {
        "date": dates.repeat(3),
        "ticker": list(RETURNS) * len(DAYS),
        "return_aud": list(RETURNS.values()) * len(DAYS),
        "traded": [True, True, False] * len(DAYS),
    }
    texts = {"market": "XNYS", "currency": "USD"}
    numbers = dict.fromkeys(SCHEMAS["daily_returns"].names, 1.0)
    lake.write("daily_returns", pd.DataFrame(numbers | texts | columns), DAYS)
    lake.write("raw_prices", lake.read("raw_prices", []), DAYS[-4:])
    for name, weight in {"equal_weight": 0.5, "dual_momentum": 1.0}.items():
        rows = {"date": dates, "ticker": "GE", "weight": weight, "rebalance": True}
        lake.write(f"allocations/{name}", pd.DataFrame(rows), DAYS)
    folder = tmp_path / ".parakeet/lake/daily_returns/session=2024-01-03"
    (folder / f".part-0.parquet.{os.getpid()}.tmp").write_bytes(b"half")
    return lake


def table(found):
    """As a pandas frame, whoever made it; days as text."""
    found = found.to_pandas() if isinstance(found, polars.DataFrame) else found
    days = {name: found[name].astype(str).str[:10] for name in ("date", "session") if name in found}
    return found.assign(**days).reset_index(drop=True)


def answers(name):
    """What ``name`` is after each snippet of the guide that sets it."""
    found = []
    for block in blocks("reading-the-lake.md", "python"):
        if f"\n{name} = " in block:
            namespace: dict[str, object] = {}
            exec(block, namespace)
            found.append(namespace[name])
            if "copy" in namespace:
                namespace["copy"].close()
    return found


def test_every_reader_finds_a_day_in_the_lake(small_lake):
    found = answers("day")
    assert len(found) == 3
    for answer in map(table, found):
        assert answer["ticker"].tolist() == ["BHP.AX", "GE"]
        assert answer["return_aud"].tolist() == [0.02, 0.01]


def test_every_reader_finds_some_days_in_the_lake(small_lake):
    found = answers("days")
    assert len(found) == 3
    for answer in map(table, found):
        day = answer["date" if "date" in answer else "session"]
        assert day.tolist() == ["2024-01-02", "2024-01-03", "2024-01-04"]
        assert answer["tickers"].tolist() == [3] * 3
        assert answer["mean"].tolist() == pytest.approx([0.53 / 3] * 3)


def test_a_reader_finds_the_strategies_in_the_path(small_lake):
    (weights,) = answers("weights")
    assert weights["strategy"].tolist() == ["dual_momentum", "equal_weight"]
    assert weights["weight"].tolist() == [1.0, 0.5]


def test_every_reader_finds_a_ticker_s_history_in_the_lake(small_lake):
    found = answers("history")
    assert len(found) == 3
    for answer in map(table, found):
        assert answer["date"].tolist() == [day for day in DAYS if day >= "2019-01-02"]
        assert set(answer["return_aud"]) == {0.01}


def test_a_copy_of_the_lake_takes_what_is_new_and_nothing_twice(small_lake):
    before = table(answers("history")[-1])
    rows = small_lake.read("daily_returns", DAYS[-1:]).assign(date=pd.Timestamp("2024-01-08"))
    small_lake.write("daily_returns", rows, ["2024-01-08"])
    after = table(answers("history")[-1])
    assert after["date"].tolist() == [*before["date"], "2024-01-08"]


def test_a_window_is_read_from_python(small_lake):
    (window,) = answers("window")
    assert sorted(set(table(window)["date"])) == DAYS[-4:]
    assert window.columns.tolist() == ["date", "ticker", "return_aud"]


def test_the_alerts_document_names_every_metric_and_examination():
    text = (ROOT / "docs" / "alerts.md").read_text()
    for name, unit in METRICS.items():
        assert f"| `{name}` | {unit} |" in text
    for name in ADVICE:
        assert f"\n| {name} |" in text


def test_every_variable_that_is_deployed_is_known():
    """The doctor calls any other misspelt."""
    files = [path for name in ("deploy", "infrastructure") for path in (ROOT / name).rglob("*")]
    texts = [path.read_text() for path in files if path.suffix in (".yaml", ".yml", ".tf", ".sh")]
    named = set(re.findall(r"\bPARAKEET_[A-Z_]*[A-Z]\b", "\n".join(texts)))
    assert named <= {*Settings.variables(), *OTHERS}
    assert not {*Settings.variables()} & {*OTHERS}


def test_every_way_back_names_a_test_that_is_there():
    """Of what could be lost, see operations.md; a name may be cut short by dots."""
    text = (ROOT / "docs" / "operations.md").read_text()
    named = re.findall(r"`(?:(storage/\w+\.py)::)?(Test\w+)(?:::(\w+)(?:\.\.\.)?)?`", text)
    assert len(named) > 10
    for file, group, test in named:
        source = (ROOT / "parakeet_dagster_tests" / (file or "test_recovery.py")).read_text()
        assert f"class {group}:" in source
        assert not test or f"    def {test}" in source.partition(f"class {group}:")[2]

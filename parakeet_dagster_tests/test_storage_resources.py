"""One lake a run, also for the I/O manager; and nothing of it afterwards."""

import dagster as dg
import pandas as pd

from parakeet_dagster.resources import storage
from parakeet_dagster.resources.io_manager import LakeIOManager
from parakeet_dagster.resources.storage import LakeResource
from parakeet_dagster.storage.lake import Lake


def test_a_run_has_one_lake_and_keeps_nothing_of_what_it_read(tmp_path, database_url, monkeypatch):
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)
    listed: list[list[str]] = []
    opened: list[Lake] = []
    kept: list[Lake] = []

    def open_lake(url):
        opened.append(real(url))
        return opened[-1]

    real = storage.open_lake
    monkeypatch.setattr(storage, "open_lake", open_lake)
    day = "2022-06-01"

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition([day]))
    def fx_rates(lake: dg.ResourceParam[Lake]) -> pd.DataFrame:
        listed.append(lake.sessions("fx_rates"))
        rates = lake.read("fx_rates", []).astype({"source": "str"})
        rates.loc[0] = [pd.Timestamp(day), "USD", 1.4, 1.4, "ecb", False]
        return rates.astype({"date": "datetime64[us]", "carried": "bool"})

    @dg.asset(deps=[fx_rates], partitions_def=dg.StaticPartitionsDefinition([day]))
    def reader(lake: dg.ResourceParam[Lake]) -> None:
        listed.append(lake.sessions("fx_rates"))
        assert lake.recall("fx_rates", [day])["aud_per_unit"].tolist() == [1.4]
        kept.append(lake)

    lake = LakeResource(url=str(tmp_path))
    resources = {"lake": lake, "io_manager": LakeIOManager(lake=lake)}
    assert dg.materialize([fx_rates, reader], partition_key=day, resources=resources).success

    assert len(opened) == 1
    assert listed == [[], [day]]
    (ended,) = kept
    (tmp_path / "fx_rates" / f"session={day}" / "part-0.parquet").unlink()
    assert ended.sessions("fx_rates") == []

"""The I/O manager: many partitions from one output, many partitions into one input."""

import dagster as dg
import pandas as pd

from parakeet_dagster.partitions import LOOKBACK
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.lake import Lake


class LakeIOManager(dg.ConfigurableIOManager):
    """Frames in the lake, one file per session.

    An output is split by its column ``date`` into the run's sessions, a session without rows
    becoming an empty, typed file. An input is the run's sessions and the look-back before them
    (see ``trailing``); what is missing inside the stored history is an error that names it.
    """

    lake: dg.ResourceDependency[Lake]

    @one_line_failures
    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Write the sessions of the run."""
        asset = asset_path(context.asset_key)
        self.lake.write(asset, obj, context.asset_partition_keys)
        context.add_output_metadata({"path": f"{self.lake.store.url}/{asset}"})

    @one_line_failures
    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Read the sessions of the run, and as many before them as the input looks back."""
        keys = context.asset_partition_keys
        lookback = int((context.definition_metadata or {}).get(LOOKBACK, 0))
        return self.lake.read_window(asset_path(context.asset_key), keys, lookback)


def asset_path(key: dg.AssetKey) -> str:
    """Where an asset lives in the lake: ``signals/dual_momentum``."""
    return "/".join(key.path)

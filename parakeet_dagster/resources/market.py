"""Where tickers and prices come from, as assets receive them."""

from pathlib import Path

import dagster as dg
import pandas as pd

from parakeet_dagster.connect import members, open_price_source
from parakeet_dagster.dead_runs import bury
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.settings import load_settings


class UniverseResource(dg.ConfigurableResource[pd.DataFrame]):
    """The members of the universes that are fetched."""

    universes: list[str]
    file: str | None = None

    def create_resource(self, context: dg.InitResourceContext) -> pd.DataFrame:  # noqa: ARG002 - Dagster's signature
        """The members, see ``strategy.universes.members_of``."""
        return members(tuple(self.universes), Path(self.file) if self.file else None)


class PriceSourceResource(dg.ConfigurableResource[PriceSource]):
    """The vendor of ``PARAKEET_PRICE_SOURCE``."""

    name: str

    def create_resource(self, context: dg.InitResourceContext) -> PriceSource:
        """One source a run. A killed run must not keep this one out of the pool."""
        if context.instance is not None:
            bury(context.instance)
        return open_price_source(load_settings())

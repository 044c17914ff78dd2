"""Where tickers and prices come from, as assets receive them."""

import dagster as dg

from parakeet_dagster.connect import active_universe, open_price_source
from parakeet_dagster.dead_runs import bury
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.settings import load_settings
from parakeet_dagster.universe_sources.active import ActiveUniverse


class UniverseResource(dg.ConfigurableResource[ActiveUniverse]):
    """The universes of ``PARAKEET_UNIVERSES``, from ``PARAKEET_UNIVERSE_SOURCE``."""

    universes: list[str]
    source: str
    file: str | None = None

    def create_resource(self, context: dg.InitResourceContext) -> ActiveUniverse:  # noqa: ARG002 - Dagster's signature
        """One source a run."""
        return active_universe(load_settings())


class PriceSourceResource(dg.ConfigurableResource[PriceSource]):
    """The vendor of ``PARAKEET_PRICE_SOURCE``."""

    name: str

    def create_resource(self, context: dg.InitResourceContext) -> PriceSource:
        """One source a run. A killed run must not keep this one out of the pool."""
        if context.instance is not None:
            bury(context.instance)
        return open_price_source(load_settings())

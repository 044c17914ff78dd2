"""The whole graph on one screen.

ticker_universe -> raw_prices -+-> market_data
                               +-> daily_returns -> signals/<strategy> -> allocations/<strategy>
fx_rates -----------------------------^                                           |
                                          orders/<strategy>, performance/<strategy> <-+

Loading this connects to nothing; it reads the settings, with none set too.
"""

from collections.abc import Mapping

import dagster as dg

from parakeet_dagster import logs
from parakeet_dagster.assets.fx import fx_rates
from parakeet_dagster.assets.orders import orders_asset
from parakeet_dagster.assets.performance import performance_assets
from parakeet_dagster.assets.prices import market_data, raw_prices
from parakeet_dagster.assets.returns import daily_returns
from parakeet_dagster.assets.strategies import strategy_assets
from parakeet_dagster.assets.universe import ticker_universe
from parakeet_dagster.assets.walk_forward import walk_forward_assets
from parakeet_dagster.backup_schedule import backup, backup_schedule
from parakeet_dagster.checks.fx import FX_CHECKS
from parakeet_dagster.checks.healing import HEALING_CHECKS
from parakeet_dagster.checks.orders import orders_check
from parakeet_dagster.checks.prices import PRICE_CHECKS
from parakeet_dagster.checks.strategies import strategy_checks
from parakeet_dagster.choices import enabled_strategies
from parakeet_dagster.connect import check_settings
from parakeet_dagster.resources.io_manager import LakeIOManager
from parakeet_dagster.resources.market import PriceSourceResource, UniverseResource
from parakeet_dagster.resources.storage import LakeResource, NeonResource
from parakeet_dagster.schedules import (
    daily_job,
    daily_schedule,
    monthly_schedule,
    monthly_verification,
)
from parakeet_dagster.sensors import healing_sensor
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.telling_sensors import telling_sensors
from strategy.strategy import Strategy


def build_definitions(settings: Settings, strategies: Mapping[str, Strategy]) -> dg.Definitions:
    """The graph for these settings and these strategies."""
    lake = LakeResource(url=settings.lake_url)
    terms, live = settings.terms, settings.live_strategy
    running = "RUNNING" if settings.schedules_running else "STOPPED"
    return dg.Definitions(
        assets=[
            ticker_universe,
            fx_rates,
            raw_prices,
            market_data,
            daily_returns,
            *(asset for name, one in strategies.items() for asset in strategy_assets(name, one)),
            *(orders_asset(name, one, terms, live) for name, one in strategies.items()),
            *performance_assets(strategies, settings),
            *walk_forward_assets(strategies, settings),
        ],
        asset_checks=[
            *PRICE_CHECKS,
            *FX_CHECKS,
            *HEALING_CHECKS,
            *(check for name, one in strategies.items() for check in strategy_checks(name, one)),
            *(orders_check(name) for name in strategies),
        ],
        resources={
            "lake": lake,
            "neon": NeonResource(),
            "prices": PriceSourceResource(name=settings.price_source),
            "universe": UniverseResource(
                universes=list(settings.universe_keys),
                source=settings.universe_source,
                file=str(settings.universe_file) if settings.universe_file else None,
            ),
            "io_manager": LakeIOManager(lake=lake),
        },
        jobs=[daily_job, monthly_verification, backup],
        schedules=[
            daily_schedule(dg.DefaultScheduleStatus(running)),
            monthly_schedule(dg.DefaultScheduleStatus(running)),
            backup_schedule(dg.DefaultScheduleStatus(running)),
        ],
        sensors=[
            healing_sensor(dg.DefaultSensorStatus(running)),
            *telling_sensors(settings),
        ],
        executor=dg.in_process_executor,
    )


_settings = load_settings()
logs.configure(_settings.logs, _settings.secrets)
check_settings(_settings)
defs = build_definitions(_settings, enabled_strategies(_settings))

"""Whether a ticker was ever stored: a wrong one is told, and no empty table."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parakeet_api.problems import not_stored

IS_KNOWN = text("""
    SELECT EXISTS (SELECT FROM market_data WHERE ticker = :ticker)
        OR EXISTS (SELECT FROM market_data_revisions WHERE ticker = :ticker)
        OR EXISTS (SELECT FROM corporate_actions WHERE ticker = :ticker)
""")


async def require_ever_stored(session: AsyncSession, ticker: str) -> None:
    """Tell a ticker without rows in a range, or at a moment, from one that nobody ever stored.

    Raises:
        ProblemError: 404.
    """
    if not await session.scalar(IS_KNOWN, {"ticker": ticker}):
        raise not_stored(f"{ticker}: no bar is stored; GET /v1/prices lists what is")

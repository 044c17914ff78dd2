"""``/v1/health``: whether the API answers, and the database behind it. Needs no key."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import Response

from parakeet_api.access import Reading, anonymous

router = APIRouter()

_ONE = text("SELECT 1")


class Health(BaseModel):
    """That all is well; where it is not, the answer is a problem."""

    status: Annotated[Literal["ok"], Field(description="Always ok.", examples=["ok"])]


@router.get("/health", dependencies=[Depends(anonymous)])
async def health(session: Reading, response: Response) -> Health:
    """Whether the database answers: 503 where it does not."""
    await session.execute(_ONE)
    response.headers["Cache-Control"] = "no-store"
    return Health(status="ok")

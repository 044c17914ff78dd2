"""``/v1/strategies``."""

from fastapi import APIRouter

router = APIRouter()

"""``/v1/trades``."""

from fastapi import APIRouter

router = APIRouter()

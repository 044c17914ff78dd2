"""``/v1/signals``."""

from fastapi import APIRouter

router = APIRouter()

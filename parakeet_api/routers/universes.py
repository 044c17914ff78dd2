"""``/v1/universes``."""

from fastapi import APIRouter

router = APIRouter()

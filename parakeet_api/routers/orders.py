"""``/v1/orders``."""

from fastapi import APIRouter

router = APIRouter()

"""``/v1/performance``."""

from fastapi import APIRouter

router = APIRouter()

"""``/v1/holdings``."""

from fastapi import APIRouter

router = APIRouter()

"""``/v1/status``."""

from fastapi import APIRouter

router = APIRouter()

"""``/v1/returns``."""

from fastapi import APIRouter

router = APIRouter()

"""``/v1/allocations``."""

from fastapi import APIRouter

router = APIRouter()

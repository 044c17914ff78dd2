"""``/``: the page, a static shell. Needs no key; it asks for one."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)

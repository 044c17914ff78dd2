"""Tests of what the assets read."""

"""Thin Dagster wrappers around storage."""

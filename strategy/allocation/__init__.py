"""Allocations, one module each: how the chosen tickers share their budget."""

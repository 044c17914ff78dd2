"""Overlays, one module each: how much of the chosen portfolio to hold at all."""

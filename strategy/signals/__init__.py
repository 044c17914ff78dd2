"""Signals, one module each. A signal is a function of the window that ends at its session."""

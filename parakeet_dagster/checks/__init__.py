"""Asset checks, one module per asset family."""

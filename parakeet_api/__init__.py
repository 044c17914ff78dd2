"""The API over HTTP: what Parakeet computed, for other programs. No Dagster here."""

"""The files that a person writes: opening holdings and trades. No Dagster, no database here."""

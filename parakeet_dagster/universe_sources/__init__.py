"""Where the members of universes come from, behind one small interface. No Dagster here."""

"""Where data lives: the lake (files or S3) and the database. No Dagster here."""

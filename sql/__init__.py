"""The database schema: numbered, idempotent SQL files, applied in order; read nowhere else."""

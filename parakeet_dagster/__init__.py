"""Orchestration only: what runs, when, on which data, with which resource."""

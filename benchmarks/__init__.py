"""Benchmarks of sk_dsn, one question a module; run one with ``python -m benchmarks.NAME``."""

"""Benchmarks of sk_dsn, one question a module: ``python -m benchmarks`` runs all, ``python -m benchmarks.NAME`` one."""

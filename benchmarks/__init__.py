"""The benchmarks of sk_dsn. Each file opens with its question; `python -m benchmarks.NAME` answers
it.

The environment variable SK_DSN_CHECKOUT names the folder of another checkout, built in place. The
benchmarks then measure its sk_dsn.
"""
import os
import sys

if checkout := os.environ.get("SK_DSN_CHECKOUT"):
    sys.path.insert(0, checkout)

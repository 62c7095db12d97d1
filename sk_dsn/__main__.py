"""`python -m sk_dsn`: see `sk_dsn._cli`."""
import sys

from ._cli.main import main

if __name__ == "__main__":
    sys.exit(main())

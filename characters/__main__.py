"""Start the developers' commands: `python -m characters`."""

from __future__ import annotations

import sys

from characters.cli import main

__all__ = []

if __name__ == "__main__":
    sys.exit(main())

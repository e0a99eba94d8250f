"""Start the developers' commands: `python -m characters`."""

from __future__ import annotations

import sys

from characters.installation import not_installed

__all__ = []

if __name__ == "__main__":
    try:
        from characters.cli import main
    except ModuleNotFoundError as error:
        sys.exit(not_installed(error))
    sys.exit(main())

"""Start the demo from a checkout.

python main.py                                            a window
python main.py --headless --script play.toml --report r.json    no window, driven by a file
"""

from __future__ import annotations

import sys

__all__ = []

if __name__ == "__main__":
    try:
        from characters.commands.demo import main
    except ModuleNotFoundError as error:
        from characters.installation import not_installed

        sys.exit(not_installed(error))
    sys.exit(main())

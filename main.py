"""Start the demo from a checkout.

python main.py                                            a window
python main.py --headless --script play.toml --report r.json    no window, driven by a file
"""

from __future__ import annotations

import os
import sys

__all__ = []

if __name__ == "__main__":
    # Set before pygame is imported: standard output belongs to the game.
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        from characters.commands.demo import main
    except ModuleNotFoundError as error:
        from characters.not_installed import not_installed

        sys.exit(not_installed(error))
    sys.exit(main())

"""What to say where our packages were copied, but what they need was not installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

__all__ = ["not_installed"]


def not_installed(error: ModuleNotFoundError) -> str:
    """Return which package is missing and how to install it. Raises the error if it is ours."""
    missing = (error.name or "").partition(".")[0]
    if missing in ("", "characters", "engine"):
        raise error
    here, command = Path(__file__).resolve().parent.parent, f'"{sys.executable}" -m pip install'
    if not (here / "pyproject.toml").is_file():  # in an environment, not in a checkout
        return f"{missing} is not installed for this Python. Try: {command} {missing}"
    by_make = "`make play` installs it and starts the demo; or t" if shutil.which("make") else "T"
    return (
        f"{missing} is not installed for this Python, and perhaps more that this needs. "
        f'{by_make}ry: {command} -e "{here}"'
    )

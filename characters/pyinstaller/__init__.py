"""What PyInstaller has to know of a game with characters: found by an entry point of the wheel.

* hook-characters: the modules that are loaded by name, the assets, and the data of extras
* hook-engine: the modules that are loaded by name
* rthooks: what a frozen game does before its main script begins
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_hook_dirs"]


def get_hook_dirs() -> list[str]:
    """Return the folder with the hooks."""
    return [str(Path(__file__).parent)]

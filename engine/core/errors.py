"""The errors of the engine: `except EngineError` catches each of them.

    EngineError
    +-- TomlFileError         a scene file or another TOML file has mistakes; `problems` lists them
    +-- EditError             the scene editor refused a change; nothing was changed
    +-- WrongThreadError      a scene was used from another thread than its own (a RuntimeError too)
    +-- DataFolderError       the game's data folder cannot be made (an OSError too)
    +-- PrefsError            preferences were not saved; retryable unless the file is refused
    |   +-- PrefsLockedError  another process has the file; retryable once it ends
    +-- ForeignFileError      the bytes are no preferences file (a ValueError too)
    +-- NewerVersionError     the preferences were written by a later version (a ValueError too)
    +-- LockHeldError         another process holds a lock file
    +-- NotAFileError         a folder, a link, a pipe or a device is in a file's place (an OSError)

`PlayerPrefs.open` turns the last four into a report or a PrefsLockedError. Wrong arguments raise
ValueError, TypeError or LookupError, as Python's own calls do. An exception in a component's hook
is not raised: `scene.on_error` emits it as a ComponentError, which is a value.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["EngineError", "install_command"]


class EngineError(Exception):
    """Base class of what the engine raises besides Python's own errors."""

    retryable: bool = False
    """Whether the same call may succeed later without a change to the program or its files."""


def install_command(extra: str = "", root: Path = Path(__file__).parents[2]) -> str:
    """Return the command that installs this package, or an extra of it, as an advice names it.

    In a checkout, which has a pyproject.toml at its `root`, that is the checkout and no wheel.
    """
    is_checkout = (root / "pyproject.toml").is_file()
    option, name = ("-e ", str(root)) if is_checkout else ("", "pygame-troupe")
    return f'pip install {option}"{name}[{extra}]"' if extra else f'pip install {option}"{name}"'

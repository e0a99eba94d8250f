"""Where a game keeps its data: a folder of its own, so that two games never share anything."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import platformdirs

from engine.core.errors import EngineError
from engine.core.file_system import disk_advice

__all__ = ["data_folder", "DataFolderError", "game_name", "main_folder", "make_data_folder"]

UNNAMED = "Game"

# Folders that say nothing about the game: the one above is named after it.
_SOURCE_FOLDERS = frozenset({"src", "source"})
_SCRIPT_FOLDERS = frozenset({"bin", "Scripts"})  # of console scripts: the script is named after it
# What Windows takes for a device, in any folder and with any ending.
_WINDOWS_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?")


class DataFolderError(EngineError, OSError):
    """The data folder cannot be made; the message says which and why."""


def game_name() -> str:
    """Return the name of a game that gave none: that of its main script's folder.

    A frozen program is called as its file, an interactive session as the folder it stands in.
    """
    if getattr(sys, "frozen", False):
        return Path(sys.executable).stem or UNNAMED
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if not script:
        return Path.cwd().name or UNNAMED
    path = Path(script).resolve()
    if path.parent.name in _SCRIPT_FOLDERS:
        return path.stem or UNNAMED
    folder = path.parent.parent if path.parent.name in _SOURCE_FOLDERS else path.parent
    return folder.name or UNNAMED


def main_folder() -> Path:
    """Return the folder of the game's main script, or else the one in which it was started.

    In a program of PyInstaller it is the folder with the unpacked files.
    """
    unpacked = getattr(sys, "_MEIPASS", None)
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if unpacked:
        return Path(unpacked)
    return Path(script).resolve().parent if script else Path.cwd()


def make_data_folder(path: Path) -> Path:
    """Make a data folder that this user alone can read, if need be, and return it.

    Where the disk only refuses for now, full or without permission, there may be none: who saves
    there says so, and goes on in memory. Raises DataFolderError for a path that no folder can have.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        if disk_advice(error):
            return path
        is_file = isinstance(error, FileExistsError)
        why = "it is a file" if is_file else error.strerror or str(error)
        raise DataFolderError(
            f"The data folder {path} cannot be made: {why}. Name a folder that can be written."
        ) from error
    return path


def data_folder(name: str = "", company: str = "") -> Path:
    """Return the data folder of a game, below the platform's folder for user data.

    It need not exist. Without a name the game is called by `game_name()`.
    """
    words = filter(None, (_file_name(company), _file_name(name or game_name()) or UNNAMED))
    return Path(platformdirs.user_data_path(appauthor=False)).joinpath(*words)


def _file_name(name: str) -> str:
    """Return a name as every platform can write it as a folder's."""
    text = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .")
    return f"_{text}" if _WINDOWS_DEVICE.fullmatch(text) else text

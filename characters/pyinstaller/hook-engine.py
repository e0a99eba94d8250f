"""Run by PyInstaller for a game that imports `engine`."""

from PyInstaller.utils.hooks import collect_submodules

__all__ = ["hiddenimports"]

hiddenimports = collect_submodules("engine")

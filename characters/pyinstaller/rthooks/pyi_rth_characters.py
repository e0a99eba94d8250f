"""Run by PyInstaller before the game: one that was started as a child becomes that instead."""

from engine.core.processes import run_as_child

__all__ = []

run_as_child()

"""Plays small games: in this process, or as programs with a screen that nobody sees."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pygame
import pytest

from characters.client.service_process import ServiceProcess
from characters.components.character import Character

__all__ = ["borrow_service", "play", "run_program", "start_program"]

WITHIN = 30.0
PROGRAM_SECONDS = 400.0  # on a machine that is busy with everything else


def start_program(folder: Path, *command: object) -> subprocess.Popen[str]:
    """Start a program in a folder, with its data below that; its outputs are pipes."""
    own = {"HOME": "home", "XDG_DATA_HOME": "home", "LOCALAPPDATA": "home"}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {name: str(folder / inner) for name, inner in own.items()}
    environment |= {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def run_program(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run such a program to its end; return what it printed."""
    with start_program(folder, *command) as program:
        try:
            printed, errors = program.communicate(timeout=PROGRAM_SECONDS)
        finally:
            program.kill()
    return subprocess.CompletedProcess(program.args, program.returncode, printed, errors)


def borrow_service(url: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let games of this process keep their data in the folder, and talk to the service there."""
    patch.setenv("SDL_VIDEODRIVER", "dummy")
    patch.setattr(platformdirs, "user_data_path", lambda *_, **__: folder)
    patch.setattr(ServiceProcess, "url_of", lambda self, name: url)


def play(
    program: Callable[[], object],
    url: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    shows: str = "",
) -> tuple[Character, ...]:
    """Run a program until it ends; return the characters that its levels had.

    Its window is closed once a character is connected and `shows` was printed. A program that does
    not come so far fails. Its data lie in the folder, its service is the one at the URL.
    """
    characters: list[Character] = []
    printed = io.StringIO()
    start = Character.start

    def started(self: Character) -> None:
        start(self)
        characters.append(self)

    def has_shown_all() -> bool:
        living = [one for one in characters if not one.is_destroyed]
        return shows in printed.getvalue() and any(one.is_connected for one in living)

    player = Player(has_shown_all)
    borrow_service(url, folder, patch)
    patch.setattr(Character, "start", started)
    patch.setattr(pygame.event, "get", player.events)
    patch.setattr(time, "sleep", player.sleep)
    patch.setattr(sys, "stdout", printed)
    program()
    assert shows in printed.getvalue()
    return tuple(characters)


class Player:
    """Walks to the right, and closes the window once all was shown."""

    def __init__(self, has_shown_all: Callable[[], bool]) -> None:
        self._has_shown_all = has_shown_all
        self._ends_at = time.monotonic() + WITHIN
        self._is_walking = False

    def events(self) -> list[pygame.event.Event]:
        """Return what pygame would: what the player did since the last frame."""
        self._look_at_watch()
        if self._has_shown_all():
            return [pygame.event.Event(pygame.QUIT)]
        if self._is_walking:
            return []
        self._is_walking = True
        return [pygame.event.Event(pygame.KEYDOWN, key=pygame.K_d)]

    def sleep(self, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Sleep between two frames of a program without a window."""
        self._look_at_watch()
        sleep(seconds)

    def _look_at_watch(self) -> None:
        assert time.monotonic() < self._ends_at, "the program did not show what it is about"

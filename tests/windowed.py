"""The whole game in its real window on a screen nobody sits at, run frame by frame by a test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from characters.commands.demo import Game, LevelFolder, parse
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.player import Player
from characters.ui.hud import Hud
from engine.objects.objects import Component
from engine.objects.scene import Scene
from tests.screen import Screen

__all__ = ["windowed", "WindowedGame"]

C = TypeVar("C", bound=Component)

WITHIN = 180.0  # seconds, on a machine that is busy with everything else


class WindowedGame:
    """A game whose frames run only while the test waits for something."""

    def __init__(self, game: Game) -> None:
        self.app = game.app

    @property
    def scene(self) -> Scene:
        """The active level."""
        scene = self.app.scenes.active
        assert scene is not None
        return scene

    @property
    def player(self) -> Player:
        """The player's component."""
        return self._one(Player)

    @property
    def manager(self) -> CharacterManager:
        """The manager of the characters."""
        return self._one(CharacterManager)

    @property
    def hud(self) -> Hud:
        """The HUD."""
        return self._one(Hud)

    def character(self, name: str) -> Character:
        """Return a character by its id."""
        found = self.scene.find_components(Character)
        return next(c for c in found if c.character_id == name)

    def run_until(self, condition: Callable[[], bool], what: str) -> None:
        """Run frames until the condition holds."""
        end = time.monotonic() + WITHIN
        while not condition():
            assert time.monotonic() < end, f"not within {WITHIN:g} s: {what}"
            self.app.tick()
            time.sleep(0.005)

    def run(self, frames: int = 3) -> None:
        """Run so many frames."""
        for _ in range(frames):
            self.app.tick()

    def _one(self, kind: type[C]) -> C:
        found = self.scene.find_component(kind)
        assert found is not None
        return found


@contextmanager
def windowed(folder: Path, screen: Screen, level: str, *options: str) -> Iterator[WindowedGame]:
    """Open the game on a screen, with a level by its name or file, and give its window the keys."""
    parsed = parse(
        ["--data", str(folder / "data"), "--scene", level, "--microphone", "none", *options]
    )
    with patch.dict(os.environ, screen.environment), ExitStack() as stack:
        game = Game(parsed, LevelFolder(parsed.scene), stack)
        running = WindowedGame(game)
        game.app.scenes.load(parsed.scene)
        running.run_until(lambda: game.app.scenes.active is not None, "a level")
        screen.turn_to_window()
        running.run_until(lambda: game.app.input.has_focus, "the focus")
        running.run()
        yield running

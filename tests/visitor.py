"""A visitor of a game with a window: says a name, waits for the answer, closes the window.

Run with the game's module or script, or imported by it: the visitor needs the product and pygame
alone, and so goes with a game that was installed or frozen somewhere else.
"""

from __future__ import annotations

import runpy
import sys
import time

import pygame

from characters.components.character import Character
from engine.objects.objects import Component

__all__ = ["come"]

WITHIN = 60.0
_start = Character.start


class Visitor(Component):
    """Talks to the character on the same object."""

    _has_spoken: bool = False
    _ends_at: float = 0.0

    def awake(self) -> None:
        self._ends_at = time.monotonic() + WITHIN

    def update(self, dt: float) -> None:
        character = self.require_component(Character)
        if character.is_connected and not self._has_spoken:
            self._has_spoken = True
            character.session.send_text("My name is Bob.")
        lines = [turn.text for turn in character.view.transcript if turn.speaker == "character"]
        is_answered = any("Bob" in line for line in lines)
        if is_answered or time.monotonic() > self._ends_at:
            print(f"{character.label}:", *lines, flush=True)
            pygame.event.post(pygame.event.Event(pygame.QUIT))


def come() -> None:
    """Let a visitor come to every character that starts from now on."""

    def start(self: Character) -> None:
        _start(self)
        self.game_object.add(Visitor())

    Character.start = start  # type: ignore[method-assign]  # the point of it


if __name__ == "__main__":
    come()
    game = sys.argv[1]
    if game.endswith(".py"):
        sys.modules["__main__"].__file__ = game  # as for a script that Python was given
        runpy.run_path(game, run_name="__main__")
    else:
        runpy.run_module(game, run_name="__main__", alter_sys=True)

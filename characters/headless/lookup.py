"""Finds what a script names in the game, or says what there is instead."""

from __future__ import annotations

from typing import TypeVar

from characters.components import Character, CharacterManager, Player
from characters.headless.runner import StepError
from characters.runtime import Runtime, SessionHandle
from engine.application import Application
from engine.scene import Scene

__all__ = ["Lookup"]

C = TypeVar("C")


class Lookup:
    """The level and the sessions of a game. Everything here raises StepError when it is missing."""

    def __init__(self, application: Application, runtime: Runtime) -> None:
        self._application = application
        self._runtime = runtime

    @property
    def scene(self) -> Scene:
        """The level that is played."""
        scene = self._application.scenes.active
        if scene is None:
            raise StepError("no level is loaded")
        return scene

    @property
    def player(self) -> Player:
        """The player in it."""
        return self._found(Player)

    @property
    def manager(self) -> CharacterManager:
        """The manager of its characters."""
        return self._found(CharacterManager)

    def _found(self, kind: type[C]) -> C:
        found = self.scene.find_component(kind)
        if found is None:
            raise StepError(f"level {self.scene.name!r} has no {kind.__name__}")
        return found

    def character(self, name: str) -> Character:
        """Return a character of the level by its key or id."""
        here = self.scene.find_components(Character)
        for character in here:
            if name in (character.key, character.character_id):
                return character
        have = ", ".join(character.key for character in here) or "nobody"
        raise StepError(f"{name!r} is not in level {self.scene.name!r}; it has: {have}")

    def session(self, name: str) -> SessionHandle:
        """Return an open session by its key or its character's id, in this level or carried."""
        sessions = self._runtime.sessions
        for key, session in sessions.items():
            if name in (key, session.character_id):
                return session
        have = ", ".join(sessions) or "nobody"
        raise StepError(f"nobody is called {name!r}; there are: {have}")

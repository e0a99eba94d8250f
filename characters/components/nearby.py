"""Nearby: which characters matter in every frame; the many others are looked at in turns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from characters.components.character import Character
from characters.core.state import SessionState
from engine.camera import Camera

__all__ = ["MOST_IN_SIGHT", "PER_LOOK", "Nearby", "Range"]

Vector = tuple[float, float]

# A thousand are looked at within 1.4 seconds; up to this many, in each look.
PER_LOOK = 24
MARGIN = 120.0  # pixels: a figure whose feet are outside may reach into the picture
# More than so many who rest in the picture are a crowd: only those beside the player have names.
MOST_IN_SIGHT = 12


class Range(NamedTuple):
    """What counts as near: beside the player, or talking within earshot; and what is in sight."""

    here: Vector
    beside: float
    earshot: float
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, camera: Camera, here: Vector, beside: float, earshot: float) -> Range:
        """Return the range around a player whose picture is the camera's."""
        left, top = camera.to_world((-MARGIN, -MARGIN))
        right, bottom = camera.to_world((camera.size[0] + MARGIN, camera.size[1] + MARGIN))
        return cls(here, beside, earshot, left, top, right, bottom)

    def holds(self, distance: float, state: SessionState) -> bool:
        """Tell whether somebody so far away, in that state, matters; an error always does."""
        if distance <= self.beside or state is SessionState.ERROR:
            return True
        return state is not SessionState.DISCONNECTED and distance <= self.earshot

    def shows(self, place: Vector) -> bool:
        """Tell whether the place is in the picture."""
        return self.left <= place[0] <= self.right and self.top <= place[1] <= self.bottom


class Nearby:
    """Keeps the characters that are within range of the player, by key."""

    def __init__(self) -> None:
        self.distances: dict[str, float] = {}
        """How far each of them is, as of the last look."""
        self._in_sight: dict[str, None] = {}
        self._turns: Iterator[tuple[str, Character]] = iter(())

    @property
    def in_sight(self) -> tuple[str, ...]:
        """Who rests in the picture and is not near; nobody where that is a crowd."""
        return tuple(self._in_sight) if len(self._in_sight) <= MOST_IN_SIGHT else ()

    def look(self, characters: Mapping[str, Character], within: Range) -> set[str]:
        """Look at those who are near and at some of the others.

        Returns the keys of who is not near any more, and of who talks too far away to be.
        """
        some = list(islice(self._turns, PER_LOOK))
        if len(some) < PER_LOOK:
            self._turns = iter(tuple(characters.items()))
            some += islice(self._turns, PER_LOOK - len(some))
        before = self.distances
        near = [(key, characters[key]) for key in before if key in characters]
        distances: dict[str, float] = {}
        in_sight, far = self._in_sight, set[str]()
        for key, character in (*near, *some):
            in_sight.pop(key, None)
            state = character.state
            if state is None or character.is_destroyed:
                continue
            place = character.transform.position
            distance = math.dist(place, within.here)
            if within.holds(distance, state):
                distances[key] = distance
                continue
            if state is not SessionState.DISCONNECTED:
                far.add(key)
            if within.shows(place):
                in_sight[key] = None
        self.distances = distances
        if len(in_sight) > len(characters):  # some of them left the level
            self._in_sight = {key: None for key in in_sight if key in characters}
        return far | (before.keys() - distances.keys())

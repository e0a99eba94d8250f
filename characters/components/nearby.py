"""Nearby: which characters matter in every frame; the many others are looked at in turns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from characters.components.character import Character
from characters.core.state import SessionState
from engine.camera import Camera

__all__ = ["PER_FRAME", "Nearby", "Range"]

Vector = tuple[float, float]

# A thousand are looked at twice a second; up to this many, in each frame.
PER_FRAME = 32
MARGIN = 120.0  # pixels: a figure whose feet are outside may reach into the picture


@dataclass(frozen=True, slots=True)
class Range:
    """What counts as near: beside the player, in the picture, or talking within earshot."""

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

    def holds(self, place: Vector, distance: float, state: SessionState) -> bool:
        """Tell whether somebody there, in that state, matters; an error always does."""
        if distance <= self.beside or state is SessionState.ERROR:
            return True
        if state is not SessionState.DISCONNECTED and distance <= self.earshot:
            return True
        return self.left <= place[0] <= self.right and self.top <= place[1] <= self.bottom


class Nearby:
    """Keeps the characters that are within range of the player, by key."""

    def __init__(self) -> None:
        self.distances: dict[str, float] = {}
        """How far each of them is, as of the last look."""
        self._turns: Iterator[tuple[str, Character]] = iter(())

    def look(self, characters: Mapping[str, Character], within: Range) -> set[str]:
        """Look at those who are near and at some of the others; return the keys of who left."""
        some = list(islice(self._turns, PER_FRAME))
        if len(some) < PER_FRAME:
            self._turns = iter(tuple(characters.items()))
            some += islice(self._turns, PER_FRAME - len(some))
        before = self.distances
        near = [(key, characters[key]) for key in before if key in characters]
        self.distances = {}
        for key, character in (*near, *some):
            if character.is_destroyed or not character.has_session:
                continue
            place = character.transform.position
            distance = math.dist(place, within.here)
            if within.holds(place, distance, character.view.state):
                self.distances[key] = distance
        return before.keys() - self.distances.keys()

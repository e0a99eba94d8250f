"""Who is near the player, who hears the player, and who is connected or kept awake for that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeAlias

from characters.components.character import Character, ConnectMode
from characters.session.conversation import SessionState
from characters.session.policy import IdlePolicy
from characters.session.targeting import Candidate, Target, TargetingOptions, choose
from engine.objects.scene import Camera

__all__ = ["Addressing", "Approach", "Hibernation", "Nearby", "Range"]

Vector: TypeAlias = tuple[float, float]

# A thousand are looked at within 1.4 seconds; up to this many, in each look.
PER_LOOK = 48
MARGIN = 120.0  # pixels: a figure whose feet are outside may reach into the picture
# More idle characters than this in the picture are a crowd: only those beside the player count.
MOST_IN_SIGHT = 12
# Each command to the network thread costs the frame a change of threads: no more than it takes
# for a character beside the player never to hibernate.
ACTIVITY_PER_HIBERNATION = 4
# A player who walks this much further than the reach from a target chosen by hand lets go of it.
LEAVING_FACTOR = 1.5


class Range(NamedTuple):
    """What counts as near: beside the player, or talking within earshot; and what is in sight."""

    position: Vector
    beside: float
    earshot: float
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, camera: Camera, position: Vector, beside: float, earshot: float) -> Range:
        """Return the range around a player whose picture is the camera's."""
        left, top = camera.to_world((-MARGIN, -MARGIN))
        right, bottom = camera.to_world((camera.size[0] + MARGIN, camera.size[1] + MARGIN))
        return cls(position, beside, earshot, left, top, right, bottom)

    def holds(self, distance: float, state: SessionState) -> bool:
        """Tell whether a character so far away, in that state, is near; an error always is."""
        if distance <= self.beside or state is SessionState.ERROR:
            return True
        return state is not SessionState.DISCONNECTED and distance <= self.earshot

    def shows(self, position: Vector) -> bool:
        """Tell whether the position is in the picture."""
        return self.left <= position[0] <= self.right and self.top <= position[1] <= self.bottom


class Nearby:
    """Keeps those of a level's thousands of characters that are within range of the player."""

    def __init__(self) -> None:
        self.distances: dict[str, float] = {}
        """How far each of them is, as of the last look."""
        self._in_sight: dict[str, None] = {}
        self._turns: Iterator[tuple[str, Character]] = iter(())

    @property
    def in_sight(self) -> tuple[str, ...]:
        """The idle characters in the picture that are not near; none where they are a crowd."""
        return tuple(self._in_sight) if len(self._in_sight) <= MOST_IN_SIGHT else ()

    def look(self, characters: Mapping[str, Character], within: Range) -> set[str]:
        """Look at the near characters and at some of the others.

        Return the keys of those that are near no more, and of those that talk too far away.
        """
        some = list(islice(self._turns, PER_LOOK))
        if len(some) < PER_LOOK:
            self._turns = iter(tuple(characters.items()))
            some += islice(self._turns, PER_LOOK - len(some))
        before = self.distances
        near = [(key, characters[key]) for key in before if key in characters]
        distances: dict[str, float] = {}
        in_sight, far, player = self._in_sight, set[str](), within.position
        for key, character in (*near, *some):
            in_sight.pop(key, None)
            state = character.state
            if state is None or character.is_destroyed:
                continue
            position = character.game_object.transform.position
            distance = math.dist(position, player)
            if distance <= within.beside or within.holds(distance, state):
                distances[key] = distance
                continue
            if state is not SessionState.DISCONNECTED:
                far.add(key)
            if within.shows(position):
                in_sight[key] = None
        self.distances = distances
        if len(in_sight) > len(characters):  # some of them left the level
            self._in_sight = {key: None for key in in_sight if key in characters}
        return far | (before.keys() - distances.keys())


@dataclass
class Addressing:
    """Decides which character hears the player, from where the player stands and looks."""

    position: Vector | None = None
    facing: Vector = (0.0, 0.0)
    target: Target = field(default_factory=Target)

    @property
    def key(self) -> str | None:
        """The session key of the character that hears the player."""
        return self.target.key

    def talk_to_next(self, candidates: Iterable[Candidate], reach: float) -> None:
        """Choose the next candidate in reach, from left to right and around."""
        ordered = sorted(candidates, key=lambda candidate: candidate.offset)
        keys = [c.key for c in ordered if math.hypot(*c.offset) <= reach]
        if not keys:
            return
        at = keys.index(self.key) if self.key in keys else -1
        self.target = self.target.talk_to(keys[(at + 1) % len(keys)])

    def move(self, position: Vector, facing: Vector) -> bool:
        """Take where the player stands and looks; return whether the player walked."""
        has_walked = position != self.position
        self.position, self.facing = position, facing
        return has_walked

    def has_left(self, position: Vector, reach: float) -> bool:
        """Tell whether the player is too far from a position to still mean who stands there."""
        return self.position is None or math.dist(position, self.position) > reach * LEAVING_FACTOR

    def candidates(self, positions: Iterable[tuple[str, Vector]]) -> list[Candidate]:
        """Return the characters at the positions as the player sees them."""
        if self.position is None:
            return []
        x, y = self.position
        return [Candidate(key, (px - x, py - y)) for key, (px, py) in positions]

    def choose(
        self, candidates: list[Candidate], now: float, options: TargetingOptions, *, pinned: bool
    ) -> None:
        """Choose the target anew; a pinned one stays."""
        self.target = choose(self.target, candidates, self.facing, now, options, pinned=pinned)


class Approach:
    """Connects characters with `connect = "on_approach"`, once each time that the player comes."""

    def __init__(self) -> None:
        self._approached: set[str] = set()

    def look(self, character: Character, distance: float, within: float) -> None:
        """Take how far a character is now; connect it if the player has just come near."""
        if distance > within:
            self._approached.discard(character.key)
        elif character.connect is ConnectMode.ON_APPROACH and character.key not in self._approached:
            self._approached.add(character.key)
            if character.session.is_at_rest:
                character.session.connect()

    def leave(self, key: str) -> None:
        """Note that the player is not near that character any more."""
        self._approached.discard(key)


class Hibernation:
    """Wakes hibernating characters when the player comes near, and keeps them awake meanwhile."""

    def __init__(self) -> None:
        self._kept_awake_at: dict[str, float] = {}

    def keep_awake(self, in_reach: Iterable[Character], now: float) -> None:
        """Wake the characters in the player's reach, and now and then report the player active."""
        sleepy = [c for c in in_reach if c.reconnect_policy.idle is not IdlePolicy.KEEP]
        for character in sleepy:
            if character.view.is_hibernating:
                character.session.wake()
        if any(now >= self._due_at(character) for character in sleepy):
            for character in sleepy:  # all in one frame: the others go without
                self._kept_awake_at[character.key] = now
                character.session.player_acted()

    def _due_at(self, character: Character) -> float:
        share = character.reconnect_policy.hibernate_after_seconds / ACTIVITY_PER_HIBERNATION
        return self._kept_awake_at.get(character.key, -math.inf) + share

"""Player: walks, looks at somebody, and says things to the one who listens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from pydantic import NonNegativeFloat, PositiveFloat

from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.pathfinding import find_path
from characters.components.places import SpawnPoint
from characters.core.bounds import check_number
from engine.component import Component
from engine.physics import Box, BoxCollider, move_and_slide
from engine.signal import Signal

__all__ = ["PLAYER_BINDINGS", "Player"]

Vector = tuple[float, float]

PLAYER_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "talk": ("t", "pad 0"),
        "type": ("return", "pad 3"),
        "mute": ("m", "pad 2"),
        "next_target": ("tab", "pad 5"),
    }
)
"""What the player's keys do; `scene.input.bindings` may name others before the level starts."""

CLOSE_ENOUGH = 3.0  # pixels: a frame's walk is about as long


class Player(Component):
    """The figure that the player moves; put it on an object with a collider or without.

    Walking is WASD, arrows or pad. T is held to talk, M mutes (kept in the preferences),
    Tab turns to the next one in reach. `say` is what a chat box calls.
    """

    name: str = "Visitor"
    speed: NonNegativeFloat = 190.0
    size: tuple[PositiveFloat, PositiveFloat] = (
        26.0,
        14.0,
    )  # of the feet, which are what bumps into furniture

    _facing: Vector = (0.0, 1.0)
    _is_talking: bool = False
    _path: list[Vector] = field(default_factory=list)
    _notices: Signal[str] = field(default_factory=lambda: Signal("player.notices"))

    def __post_init__(self) -> None:
        check_number("speed", self.speed, zero_is_fine=True)
        for side in self.size:
            check_number("size", side, zero_is_fine=False)

    @property
    def facing(self) -> Vector:
        """Where the player looks, as a vector of length 1; y grows downwards."""
        return self._facing

    @property
    def is_walking(self) -> bool:
        """Whether a walk that `walk_to` began is still under way."""
        return bool(self._path)

    @property
    def notices(self) -> Signal[str]:
        """Sentences for the player, such as why a line was not sent."""
        return self._notices

    @property
    def target(self) -> Character | None:
        """The character that hears the player."""
        manager = self._manager()
        return None if manager is None else manager.target

    def awake(self) -> None:
        """Name the keys, unless somebody has named others."""
        for action, keys in PLAYER_BINDINGS.items():
            self.input.bindings.setdefault(action, keys)

    def start(self) -> None:
        """Stand where the door led to."""
        wanted = self.scene.spawn
        for spawn in self.scene.find_components(SpawnPoint):
            if wanted is not None and spawn.label == wanted:
                self.transform.position = spawn.transform.position

    def on_validate(self) -> None:
        """Let everybody know the new name."""
        manager = self._manager()
        if manager is not None:
            manager.follow_settings()

    def update(self, dt: float) -> None:
        """Walk, and do what the keys say."""
        self._walk(dt)
        manager = self._manager()
        if manager is None:
            return
        manager.listen_from(self.transform.position, self._facing)
        if self.input.captured is None:
            self._obey_keys(manager)
        self._hold_to_talk(manager)

    # acts

    def say(self, text: str, to: Character | None = None) -> bool:
        """Send typed text to the one who listens, or to `to`; say why if it cannot be sent."""
        text = text.strip()
        if not text:
            return False
        listener = to or self.target
        if listener is None or not listener.has_session:
            self._notices.emit("Nobody is near enough to hear you: walk up to somebody.")
            return False
        listener.session.send_text(text)
        return True

    def walk_to(self, point: Vector) -> None:
        """Walk to a point, around what is in the way; a move of the player's own ends it."""
        self._path = find_path(
            self.transform.position, point, self.size, self._solid(), self.scene.size
        )

    def look_at(self, point: Vector) -> None:
        """Turn towards a point."""
        x, y = self.transform.position
        self._face((point[0] - x, point[1] - y))

    def set_muted(self, muted: bool) -> None:
        """Mute the microphone or not; the wish is kept over restarts."""
        manager = self._manager()
        if manager is not None:
            manager.choices.set_muted(muted)

    # inside

    def _obey_keys(self, manager: CharacterManager) -> None:
        if self.input.get_button_down("mute"):
            self.set_muted(not manager.ears.muted)
        if self.input.get_button_down("next_target"):
            manager.target_next()

    def _hold_to_talk(self, manager: CharacterManager) -> None:
        # A key that is still down when a menu opens counts as let go.
        wants = self.input.captured is None and self.input.get_button("talk")
        if wants != self._is_talking:
            self._is_talking = wants
            if wants:
                manager.ears.allow()
            manager.ears.push_to_talk(wants)

    def _walk(self, dt: float) -> None:
        push = (self.input.get_axis("horizontal"), self.input.get_axis("vertical"))
        if push != (0.0, 0.0):
            self._path.clear()
            self._step(push, min(1.0, math.hypot(*push)) * self.speed * dt)
        elif self._path:
            self._follow_path(self.speed * dt)

    def _follow_path(self, length: float) -> None:
        x, y = self.transform.position
        goal = self._path[0]
        way = (goal[0] - x, goal[1] - y)
        distance = math.hypot(*way)
        if distance <= max(CLOSE_ENOUGH, length):
            self._path.pop(0)
        if distance > 0.0 and not self._step(way, min(length, distance)):
            self._path.clear()  # something has moved into the way

    def _step(self, way: Vector, length: float) -> bool:
        """Move in a direction as far as is free; return whether it was any way at all."""
        self._face(way)
        scale = length / math.hypot(*way)
        before = self.transform.position
        motion = (way[0] * scale, way[1] * scale)
        slide = move_and_slide(before, motion, self.size, self._solid())
        width, height = self.scene.size
        x = min(max(slide.position[0], 0.0), width)
        y = min(max(slide.position[1], 0.0), height)
        self.transform.position = (x, y)
        return math.dist(before, (x, y)) > length * 0.05

    def _solid(self) -> list[Box]:
        return [
            collider.box
            for collider in self.scene.find_components(BoxCollider)
            if not collider.is_trigger
            and collider.enabled
            and collider.game_object is not self.game_object
        ]

    def _manager(self) -> CharacterManager | None:
        return self.scene.find_component(CharacterManager)

    def _face(self, way: Vector) -> None:
        length = math.hypot(*way)
        if length > 0.0:
            self._facing = (way[0] / length, way[1] / length)

"""Player: the figure that walks, looks and talks, and the places of a level that concern it.

SpawnPoint and Door lead it from level to level; a Trigger tells a character that it has come, or
what else happens. NextVisitor and FaultKeys are for demos: a kiosk that forgets who used it, and
the F-keys that break connections. `find_path` goes around furniture.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import TypeAlias

from pydantic import NonNegativeFloat, PositiveFloat

from characters.components.character import Character
from characters.components.faults import Faults
from characters.components.manager import CharacterManager, PlayerIdentity
from characters.components.slots import SaveSlots
from characters.english import ENGLISH
from characters.protocol.fields import check_number
from characters.protocol.messages import ContextUpdate, TriggerMessage
from characters.session.conversation import SessionState
from engine.core.events import Signal
from engine.objects.objects import Component
from engine.objects.physics import Box, move_and_slide, solid_boxes
from engine.scenes.manager import SceneManager

__all__ = [
    "Door", "FAULT_BINDINGS", "FaultKeys", "find_path", "NextVisitor", "Player", "PLAYER_BINDINGS",
    "SpawnPoint", "Trigger",
]  # fmt: skip

Vector: TypeAlias = tuple[float, float]
Cell: TypeAlias = tuple[int, int]


class SpawnPoint(Component):
    """Where the player stands after a load that asked for its label."""

    label: str = "default"


PLAYER_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"talk": ("t", "pad 0"), "next_target": ("tab", "pad 5")}
)
"""The player's keys; `scene.input.bindings` may name others before the level starts."""

CLOSE_ENOUGH = 3.0  # pixels: a frame's walk is about as long


class Player(PlayerIdentity):
    """The figure that the player moves, on an object with a collider or without.

    WASD, arrows or pad walk. T is held to talk, M mutes the microphone (kept in the preferences),
    Tab turns to the next character in reach. A chat box calls `say`.
    """

    speed: NonNegativeFloat = 190.0
    size: tuple[PositiveFloat, PositiveFloat] = (26.0, 14.0)  # of the feet, which bump into walls

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
        """Whether a walk begun with `walk_to` is still under way."""
        return bool(self._path)

    @property
    def notices(self) -> Signal[str]:
        """Sentences for the player, such as why a text was not sent."""
        return self._notices

    @property
    def target(self) -> Character | None:
        """The character that hears the player."""
        manager = self._manager()
        return None if manager is None else manager.target

    def awake(self) -> None:
        """Bind the keys that the game has not bound yet."""
        for action, keys in PLAYER_BINDINGS.items():
            self.input.bindings.setdefault(action, keys)

    def start(self) -> None:
        """Stand at the spawn point that the door named."""
        for point in self.scene.find_components(SpawnPoint):
            if point.label == self.scene.spawn:
                self.transform.position = point.transform.position

    def on_validate(self) -> None:
        """Tell every character the new name."""
        manager = self._manager()
        if manager is not None:
            manager.apply_settings()

    def update(self, dt: float) -> None:
        """Walk, and obey the keys."""
        self._walk(dt)
        manager = self._manager()
        if manager is None:
            return
        manager.listen_from(self.transform.position, self._facing)
        if self.input.captured is None:
            self._obey_keys(manager)
        self._hold_to_talk(manager)

    # for the game

    def say(self, text: str, to: Character | None = None) -> bool:
        """Send typed text to the target, or to `to`; return whether it was handed to a session.

        When nobody is near, `notices` says so. Raises nothing: what the session refuses comes as
        `TextRefused` among the character's events.
        """
        text = text.strip()
        if not text:
            return False
        listener = to or self.target
        if listener is None or not listener.has_session:
            self._notices.emit(ENGLISH("player.nobody_near"))
            return False
        listener.session.send_text(text)
        return True

    def walk_to(self, point: Vector) -> None:
        """Walk to a point, around what is in the way; a movement key ends it."""
        here, bounds = self.transform.position, self.scene.size
        self._path = find_path(here, point, self.size, solid_boxes(self.game_object), bounds)

    def look_at(self, point: Vector) -> None:
        """Turn towards a point."""
        x, y = self.transform.position
        self._face((point[0] - x, point[1] - y))

    def set_muted(self, muted: bool) -> None:
        """Mute or unmute the microphone; kept over restarts."""
        manager = self._manager()
        if manager is not None:
            manager.choices.set_muted(muted)

    def _obey_keys(self, manager: CharacterManager) -> None:
        if self.input.get_button_down("mute"):
            self.set_muted(not manager.voice_input.muted)
        if self.input.get_button_down("next_target"):
            manager.target_next()

    def _hold_to_talk(self, manager: CharacterManager) -> None:
        # A key that is still down when a menu opens counts as released.
        is_held = self.input.captured is None and self.input.get_button("talk")
        if is_held != self._is_talking:
            self._is_talking = is_held
            manager.voice_input.push_to_talk(is_held)

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
        direction = (goal[0] - x, goal[1] - y)
        distance = math.hypot(*direction)
        if distance <= max(CLOSE_ENOUGH, length):
            self._path.pop(0)
        if distance > 0.0 and not self._step(direction, min(length, distance)):
            self._path.clear()  # something has moved into the way

    def _step(self, direction: Vector, length: float) -> bool:
        """Move in a direction as far as it is free; return whether the player moved at all."""
        self._face(direction)
        scale = length / math.hypot(*direction)
        before = self.transform.position
        motion = (direction[0] * scale, direction[1] * scale)
        x, y = move_and_slide(before, motion, self.size, solid_boxes(self.game_object))
        width, height = self.scene.size
        after = (min(max(x, 0.0), width), min(max(y, 0.0), height))
        self.transform.position = after
        return math.dist(before, after) > length * 0.05

    def _manager(self) -> CharacterManager | None:
        return self.scene.find_component(CharacterManager)

    def _face(self, direction: Vector) -> None:
        length = math.hypot(*direction)
        if length > 0.0:
            self._facing = (direction[0] / length, direction[1] / length)


class Door(Component):
    """Loads another level when the player walks into it.

    The player comes in at the spawn point labelled `spawn`. A player who starts inside the
    doorway has to leave it before it opens.
    """

    target: str
    spawn: str = "default"
    size: tuple[PositiveFloat, PositiveFloat] = (56.0, 40.0)

    _is_armed: bool = False

    @property
    def box(self) -> Box:
        """The area that counts as the doorway."""
        x, y = self.transform.position
        return Box(x, y, *self.size)

    def late_update(self, dt: float) -> None:
        """Open when the player has walked in."""
        player = self.scene.find_component(Player)
        if player is None:
            return
        if not self.box.contains(player.transform.position):
            self._is_armed = True
        elif self._is_armed:
            self._is_armed = False
            self.open()

    def open(self) -> None:
        """Load the target level. Raises LookupError without a SceneManager."""
        scenes = self.scene.find_service(SceneManager)
        if scenes is None:
            raise LookupError(
                f"The door {self.game_object.name!r} leads to {self.target!r}, but this scene "
                "knows no other levels: let it run in an Application(open_scene=...), which loads "
                "them by name."
            )
        scenes.load(self.target, self.spawn)


class Trigger(Component):
    """Tells a character that something happened, which it may speak about.

    It fires when all that is set holds: the player is inside `area` (around its object),
    `after_seconds` have passed (inside the area, or since the start), `key` is pressed. With none
    of them it fires by `fire` alone. `event` names an [[event]] of the persona, `message` says what
    happened in free text, or word for word what is said about it: `<speak>Who is there?</speak>`.
    `context` is what the character knows from then on. While it is not connected the news waits.
    """

    character: Character | None = None  # that of its own object if none is named
    event: str = ""
    message: str = ""
    context: str = ""
    area: tuple[PositiveFloat, PositiveFloat] | None = None  # width and height in pixels
    after_seconds: NonNegativeFloat = 0.0
    key: str = ""
    repeats: bool = False  # again after the area was left, the time has passed, the key is pressed

    _seconds: float = 0.0
    _is_armed: bool = True
    _is_due: bool = False

    def __post_init__(self) -> None:
        check_number("after_seconds", self.after_seconds, zero_is_fine=True)
        if not (self.event or self.message or self.context):
            raise ValueError("event, message or context must say what happened")

    def fire(self) -> None:
        """Tell the character, as soon as it is connected; a handler may call this too."""
        self._is_due = True

    def update(self, dt: float) -> None:
        """Look whether it is time, and tell what is due."""
        if self._is_time(dt):
            self._is_armed, self._seconds = False, 0.0
            self.fire()
        character = self.character or self.get_component(Character)
        if self._is_due and character is not None and character.is_connected:
            self._is_due = False
            self._tell(character)

    def start(self) -> None:
        """Raise LookupError when there is no character to tell."""
        if self.character is None and self.get_component(Character) is None:
            raise LookupError(
                f"The Trigger of object {self.game_object.name!r} has nobody to tell: put it on "
                'the object of a Character or set `character = "Object name"`.'
            )

    def _is_time(self, dt: float) -> bool:
        if self.area is None and not self.after_seconds and not self.key:
            return False
        if not self._is_inside():
            self._seconds, self._is_armed = 0.0, self._is_armed or self.repeats
            return False
        if self.repeats and (self.key or self.area is None):
            self._is_armed = True
        self._seconds += dt
        is_pressed = not self.key or (
            self.input.captured is None and self.input.get_key_down(self.key)
        )
        return self._is_armed and self._seconds >= self.after_seconds and is_pressed

    def _is_inside(self) -> bool:
        if self.area is None:
            return True
        player = self.scene.find_component(Player)
        box = Box(*self.transform.position, *self.area)
        return player is not None and box.contains(player.transform.position)

    def _tell(self, character: Character) -> None:
        if self.context:
            character.session.send(ContextUpdate(text=self.context, run_llm="false"))
        if self.event or self.message:
            character.session.send(TriggerMessage(self.event or None, self.message or None))


class NextVisitor(Component):
    """Ends the conversation of the Character on its object, and starts a new one.

    The old one is forgotten here and at the service. The key works while this character is the
    one that hears the player.
    """

    key: str = "n"

    _is_waiting: bool = False

    def update(self, dt: float) -> None:
        """Obey the key; connect again as soon as the old session is closed."""
        character = self.require_component(Character)
        manager = self.scene.find_component(CharacterManager)
        is_target = manager is not None and manager.target is character
        if is_target and self.input.captured is None and self.input.get_key_down(self.key):
            self.next_visitor()
        if self._is_waiting and character.state is SessionState.DISCONNECTED:
            self._is_waiting = False
            character.session.connect()

    def next_visitor(self) -> None:
        """Forget this visitor; a handler or a button may call this too."""
        character = self.require_component(Character)
        manager = self.scene.find_component(CharacterManager)
        if manager is not None and character.has_session:
            slots = self.scene.find_service(SaveSlots)
            if slots is not None:
                slots.forget([character.key])
            manager.runtime.forget_session(character.key)
            self._is_waiting = True


FAULT_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"cut": ("f5",), "black_hole": ("f6",), "kill_service": ("f7",), "start_service": ("f8",)}
)
"""F5 cuts the connection of the target, F6 makes it a black hole or heals it, F7 kills the
service, F8 starts it."""


class FaultKeys(Component):
    """Injects the scene's Faults by key, except while the player types."""

    _black_hole_key: str | None = None

    def awake(self) -> None:
        """Bind the keys that the game has not bound yet."""
        for action, keys in FAULT_BINDINGS.items():
            self.input.bindings.setdefault(action, keys)

    def update(self, dt: float) -> None:
        """Inject the faults whose keys went down."""
        faults = self.scene.find_service(Faults)
        if faults is None or self.input.captured is not None:
            return
        pressed, key = self.input.get_button_down, self._target_key()
        if pressed("cut") and key is not None:
            faults.cut(key)
        if pressed("black_hole"):
            self._toggle_black_hole(faults)
        if pressed("kill_service") and faults.has_service:
            faults.kill_service()
        if pressed("start_service") and faults.has_service and not faults.is_service_running:
            faults.start_service()

    def _toggle_black_hole(self, faults: Faults) -> None:
        before, self._black_hole_key = self._black_hole_key, None
        if before is not None and faults.is_black_hole(before):  # it was not healed meanwhile
            faults.heal(before)
            return
        self._black_hole_key = self._target_key()
        if self._black_hole_key is not None:
            faults.black_hole(self._black_hole_key)

    def _target_key(self) -> str | None:
        manager = self.scene.find_component(CharacterManager)
        target = None if manager is None else manager.target
        return None if target is None else target.key


CELL = 12.0  # pixels: the side of a square of the grid
_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def find_path(
    start: Vector, goal: Vector, size: Vector, walls: Sequence[Box], bounds: Vector
) -> list[Vector]:
    """Return the points to walk to; the last is as near to the goal as a box of `size` can come.

    `bounds` is the size of the level in pixels; the path stays inside it.
    """
    columns, rows = math.ceil(bounds[0] / CELL), math.ceil(bounds[1] / CELL)
    blocked = set(_blocked(walls, size, columns, rows))
    first, end = _cell(start, columns, rows), _cell(goal, columns, rows)
    came_from = _search(first, end, blocked, columns, rows)
    last = min(came_from, key=lambda cell: math.dist(_middle(cell), goal))
    points = [goal] if last == end else [_middle(last)]
    before = came_from[last]
    while before is not None and before != first:
        points.append(_middle(before))
        before = came_from[before]
    return points[::-1]


def _search(
    start: Cell, goal: Cell, blocked: set[Cell], columns: int, rows: int
) -> dict[Cell, Cell | None]:
    """Return how each visited cell was reached; stops at the goal (A*)."""
    came_from: dict[Cell, Cell | None] = {start: None}
    cost = {start: 0.0}
    waiting = [(0.0, start)]
    while waiting:
        _, here = heapq.heappop(waiting)
        if here == goal:
            break
        for there, length in _neighbours(here, blocked, columns, rows):
            longer = cost[here] + length
            if longer < cost.get(there, math.inf):
                cost[there] = longer
                came_from[there] = here
                heapq.heappush(waiting, (longer + math.dist(there, goal), there))
    return came_from


def _neighbours(
    here: Cell, blocked: set[Cell], columns: int, rows: int
) -> Iterator[tuple[Cell, float]]:
    x, y = here
    for dx, dy in _STEPS:
        there = (x + dx, y + dy)
        if not (0 <= there[0] < columns and 0 <= there[1] < rows) or there in blocked:
            continue
        # Around a corner only where both sides are free: the walker is wider than a point.
        if dx and dy and ((x + dx, y) in blocked or (x, y + dy) in blocked):
            continue
        yield there, math.hypot(dx, dy)


def _blocked(walls: Iterable[Box], size: Vector, columns: int, rows: int) -> Iterator[Cell]:
    for wall in walls:
        box = Box(wall.x, wall.y, wall.width + size[0], wall.height + size[1])
        left, right = (box.x - box.width / 2) / CELL, (box.x + box.width / 2) / CELL
        top, bottom = (box.y - box.height / 2) / CELL, (box.y + box.height / 2) / CELL
        for x in range(max(0, math.floor(left)), min(columns, math.ceil(right))):
            for y in range(max(0, math.floor(top)), min(rows, math.ceil(bottom))):
                if box.contains(_middle((x, y))):
                    yield x, y


def _cell(point: Vector, columns: int, rows: int) -> Cell:
    x, y = int(point[0] // CELL), int(point[1] // CELL)
    return min(max(x, 0), columns - 1), min(max(y, 0), rows - 1)


def _middle(cell: Cell) -> Vector:
    return (cell[0] + 0.5) * CELL, (cell[1] + 0.5) * CELL

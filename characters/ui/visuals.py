"""What a level looks like: the drawn components that scene files place, and their faces.

The drawing itself is loaded when something is drawn. Facial animation is made of pure functions:
a face follows from the session's view and the clock alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator

from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.player import Player
from characters.protocol.messages import Visemes
from characters.session.conversation import DialogueState, SessionState, SessionView
from characters.ui.appearance import (
    ASLEEP,
    EXPRESSIONS,
    PROPS,
    STRIDE,
    Face,
    LookName,
    PropKind,
    PropSize,
)
from engine.core.events import Subscription
from engine.objects.objects import Component
from engine.ui.colour import hex_colour
from engine.ui.geometry import Rect, scale_of, snapped

if TYPE_CHECKING:
    from characters.ui.paint.people import CharacterDrawing

__all__ = ["Backdrop", "CharacterSprite", "PlayerSprite", "Prop"]


Theme: TypeAlias = Literal["clinic", "lobby", "exam"]
Facing: TypeAlias = Literal["left", "right", "front"]
Pose: TypeAlias = Literal["stand", "sit"]


def _colour_or_none(text: str) -> str:
    try:
        hex_colour(text or "#000")
    except ValueError:
        raise ValueError("must be a colour such as #7aa6c9") from None
    return text


Tint: TypeAlias = Annotated[str, AfterValidator(_colour_or_none)]
Reach: TypeAlias = tuple[float, float, float, float]
CHARACTER_REACH: Reach = (60.0, 160.0, 60.0, 20.0)

_TURNS = {"left": -1, "front": 0, "right": 1}
_STEPS_PER_PIXEL = 1 / 14
_VISEME_SECONDS = 0.15  # an older one belongs to a sound that is over


class Backdrop(Component):
    """The room behind everything: wall, floor, window light. One per scene.

    The floor begins at y = 232 (`appearance.FLOOR_TOP`); what is above it is wall.
    """

    draws_sharp: ClassVar[bool] = True

    theme: Theme = "clinic"

    def draw(self, surface: Any) -> None:
        """Draw what is in view of the room."""
        scale = scale_of(surface)
        left, top = snapped(self.scene.camera.to_screen((0, 0)), scale)
        for picture, (x, y) in self.parts(scale):
            surface.blit(picture, (left + x, top + y))

    def parts(self, scale: float | None = None) -> Iterator[tuple[Any, tuple[float, float]]]:
        """Yield the pictures that cover the view, each with its place; made when first seen.

        `scale` is that of the surface that they are for, without it that of the window.
        """
        from characters.ui.paint.painter import shared_painter
        from characters.ui.paint.rooms import room_parts

        camera = self.scene.camera
        seen = Rect(*camera.to_world((0, 0)), *camera.size)
        yield from room_parts(shared_painter(self.scene, scale), self.theme, self.scene.size, seen)


class Prop(Component):
    """A piece of furniture; its object's position is the middle of its foot.

    `label` is written on what carries writing: a door's sign, a board, a counter.
    """

    draws_sharp: ClassVar[bool] = True
    draw_reach: ClassVar[Reach] = (170.0, 210.0, 170.0, 90.0)  # of the largest kinds

    kind: PropKind
    label: str = ""
    colour: Tint = ""  # "#rrggbb"; empty for its own
    flip: bool = False

    @property
    def size(self) -> PropSize:
        """How large it is drawn and how much floor it takes."""
        return PROPS[self.kind]

    def picture(self, scale: float | None = None) -> tuple[Any, tuple[float, float]]:
        """Return the picture of the piece, and the place of its foot in it; `scale` as of parts."""
        from characters.ui.paint.furniture import prop_picture
        from characters.ui.paint.painter import shared_painter

        painter = shared_painter(self.scene, scale)
        return prop_picture(painter, self.kind, self.label, self.colour, self.flip)

    def draw(self, surface: Any) -> None:
        """Draw the piece."""
        scale = scale_of(surface)
        picture, foot = self.picture(scale)
        x, y = self.scene.camera.to_screen(self.transform.position)
        surface.blit(picture, snapped((x - foot[0], y - foot[1]), scale))


class CharacterSprite(Component):
    """A person or machine with a face, which shows the session of the Character on the same object.

    `pose` "sit" hides the legs, for a bed, a sofa or a desk in front. Colours are `#rrggbb`, or
    empty for the look's own.
    """

    draws_sharp: ClassVar[bool] = True
    draw_reach: ClassVar[Reach] = CHARACTER_REACH
    head_height: ClassVar[float] = 126.0  # of the tip of its badge, over the feet

    look: LookName = "visitor"
    facing: Facing = "front"
    pose: Pose = "stand"
    colour: Tint = ""
    skin: Tint = ""
    hair: Tint = ""

    _still: tuple[SessionView, int, int, Face] | None = None
    _shape: float | None = None
    _shaped_at: float = 0.0
    _subscription: Subscription | None = None
    _drawing: CharacterDrawing | None = None
    _character: Character | None = None
    _manager: CharacterManager | None = None
    _player: Player | None = None

    def start(self) -> None:
        """Subscribe to the events of the Character on the same object."""
        character = self.get_component(Character)
        if character is not None:
            self._subscription = character.events.subscribe(self._receive)

    def on_destroy(self) -> None:
        """Cancel the subscription."""
        if self._subscription is not None:
            self._subscription.cancel()

    def prewarm(self) -> Iterator[None]:
        """Draw what is seen at rest and in talk, a picture for each step."""
        drawing, turn = _dressed(self, None), _TURNS[self.facing]
        is_sitting = self.pose == "sit"
        yield from drawing.prewarm_sleep(turn, is_sitting)
        yield from drawing.prewarm((turn,), (Face(),), is_sitting=is_sitting)
        yield from drawing.prewarm_talk(turn)

    @property
    def view(self) -> SessionView | None:
        """The state of the session, None without one."""
        character = self._companion()
        return None if character is None else character.view_if_any

    def draw(self, surface: Any) -> None:
        """Draw the character with the face of this moment."""
        owner, drawing = self.game_object, _dressed(self, scale_of(surface))
        scene, place = owner.scene, owner.transform.position
        t, own = scene.time.now, drawing.own
        feet = scene.camera.to_screen(place)
        turn, is_sitting = _TURNS[self.facing], self.pose == "sit"
        face = self._face(t, own, place[0])
        lift = bob(t, own, face.mouth > 0)
        if face.mouth:
            drawing.draw(surface, feet, face, turn=turn, is_sitting=is_sitting, lift=lift)
        else:
            drawing.draw_still(surface, feet, face, turn, is_sitting, lift)

    def _face(self, t: float, own: float, x: float) -> Face:
        """Return the face of this moment."""
        character = self._companion()
        view = None if character is None else character.view_if_any
        if character is None or view is None or view.state is SessionState.DISCONNECTED:
            return ASLEEP  # as most of a crowd
        dx = self._player_dx(x)
        if not view.is_speaking:
            if view.dialogue is DialogueState.SPEAKING:  # text without sound moves the mouth
                return face(view, t, own, dx=dx)
            return self._still_face(view, t, own, dx)
        shape = self._shape if t - self._shaped_at < _VISEME_SECONDS else None
        return face(view, t, own, level=self._voice_level(character), shape=shape, dx=dx)

    def _still_face(self, view: SessionView, t: float, own: float, dx: float) -> Face:
        """Return the face of who does not talk: the one before, unless something has changed."""
        known, shut, look = self._still, lids(t, own), gaze(dx)
        if known is None or known[0] is not view or known[1:3] != (shut, look):
            known = self._still = view, shut, look, face(view, t, own, dx=dx)
        return known[3]

    def _receive(self, event: object) -> None:
        if isinstance(event, Visemes):
            self._shape, self._shaped_at = openness(event.weights), self.scene.time.now

    def _voice_level(self, character: Character) -> float:
        if self._manager is None or self._manager.is_destroyed:
            self._manager = self.scene.find_component(CharacterManager)
        return 0.0 if self._manager is None else self._manager.runtime.voice.level(character.key)

    def _companion(self) -> Character | None:
        """Return the Character on the same object; looked up once, for the sake of crowds."""
        if self._character is None or self._character.is_destroyed:
            self._character = self.get_component(Character)
        return self._character

    def _player_dx(self, x: float) -> float:
        if self._player is None or self._player.is_destroyed:
            self._player = self.scene.find_component(Player)
        return 0.0 if self._player is None else self._player.transform.position[0] - x


class PlayerSprite(Component):
    """The player, whose legs walk where the object moves.

    Behind a piece or a person that hides the face, an outline shows where the player stands.
    """

    execution_order: ClassVar[int] = -60  # the outline is drawn below the HUD
    draws_sharp: ClassVar[bool] = True
    draw_reach: ClassVar[Reach] = CHARACTER_REACH

    look: LookName = "player"
    colour: Tint = ""
    skin: Tint = ""
    hair: Tint = ""

    _drawing: CharacterDrawing | None = None
    _turn: int = 0
    _walked: float = 0.0
    _last: tuple[float, float] | None = None
    _is_hidden: bool = False

    def prewarm(self) -> Iterator[None]:
        """Draw the pictures of a walk, one for each step."""
        faces = [Face("calm", lids) for lids in range(3)]
        yield from _dressed(self, None, 0.3).prewarm((0, -1, 1), faces)

    def late_update(self, dt: float) -> None:
        """Move the legs as far as the object has moved, and look who stands before it."""
        if self.scene.time.frame % _LOOK_EVERY == 0:
            self._is_hidden = any(self._hiders())
        x, y = self.transform.position
        dx, dy = (x - self._last[0], y - self._last[1]) if self._last else (0.0, 0.0)
        self._last = (x, y)
        if abs(dx) + abs(dy) < 0.01:
            self._walked = 0.0
            return
        self._walked += (dx * dx + dy * dy) ** 0.5
        self._turn = 0 if abs(dx) < abs(dy) * 0.5 else (1 if dx > 0 else -1)

    def draw(self, surface: Any) -> None:
        """Draw the player in mid-step."""
        drawing = _dressed(self, scale_of(surface), 0.3)
        t, own = self.scene.time.now, drawing.own
        drawing.draw(
            surface,
            self.scene.camera.to_screen(self.transform.position),
            Face("calm", lids(t, own)),
            turn=self._turn,
            swing=self._swing(),
            lift=bob(t, own, False),
        )

    def on_gui(self, surface: Any) -> None:
        """Draw the outline of a player that is hidden."""
        if self._is_hidden:
            feet = self.scene.camera.to_screen(self.transform.position)
            drawing = _dressed(self, scale_of(surface), 0.3)
            drawing.draw_outline(surface, feet, self._turn, self._swing())

    def _hiders(self) -> Iterator[bool]:
        """Yield for whatever is drawn over the player whether it hides the face."""
        x, y = self.transform.position
        face = Rect(x - 10, y - 94, 20, 20)
        for one in self.scene.find_drawn((CharacterSprite, Prop)):
            size = (one.size.w, one.size.h) if isinstance(one, Prop) else _FIGURE
            yield _hides(one, y, size, face)

    def _swing(self) -> int:
        return STRIDE[int(self._walked * _STEPS_PER_PIXEL + 0.5) % len(STRIDE)]


_LOOK_EVERY = 6  # frames: seldom enough for a crowd, often enough for a walk
_FIGURE = (60.0, 118.0)


def _hides(one: Component, depth: float, size: tuple[float, float], face: Rect) -> bool:
    """Tell whether a picture of that size, with its foot at its object, lies over all of a face."""
    (x, y), (w, h) = one.transform.position, size
    return y > depth and face.inside(Rect(x - w / 2, y - h, w, h)) == face


def _dressed(
    sprite: CharacterSprite | PlayerSprite, scale: float | None, own: float | None = None
) -> CharacterDrawing:
    """Return the drawing of a sprite, a new one when its look, its colours or the scale changed.

    `own` sets its breath and blinks apart from others'; by default it follows from the name.
    """
    worn = (sprite.look, sprite.colour, sprite.skin, sprite.hair)
    kept = sprite._drawing
    if kept is not None and kept.worn == worn and kept.scale == scale:
        return kept
    from characters.ui.paint.painter import shared_painter
    from characters.ui.paint.people import CharacterDrawing

    own = phase(sprite.game_object.name) if own is None else own
    sprite._drawing = CharacterDrawing(shared_painter(sprite.scene, scale), worn, own)
    return sprite._drawing


# Facial animation

_BLINK_EVERY = 4.2
_BLINK_SECONDS = 0.16


def phase(name: str) -> float:
    """Return a number from 0 to 1 for a name, so that a crowd does not blink at once."""
    return sum((i + 1) * ord(letter) for i, letter in enumerate(name)) * 0.618034 % 1.0


def lids(t: float, own: float) -> int:
    """Return 0 for open eyes, 1 half closed, 2 closed."""
    since = (t + own * _BLINK_EVERY) % (_BLINK_EVERY + own)
    if since > _BLINK_SECONDS:
        return 0
    return 2 if since < _BLINK_SECONDS * 0.6 else 1


def mouth(level: float, is_talking: bool, t: float, shape: float | None = None) -> int:
    """Return 0 (closed) to 4: how wide the mouth is.

    By the voice's level and the latest viseme's `shape` (0 to 1), by one of the two, or by the
    clock while text arrives without sound.
    """
    if level > 0.02:
        loud = min(4.0, 1 + level * 7)
        return int(loud) if shape is None else round((loud + 4 * shape) / 2)
    if not is_talking:
        return 0
    if shape is not None:
        return round(4 * shape)
    beat = math.sin(t * 17.0) + math.sin(t * 11.3 + 1.0)
    return max(0, min(4, round(1.4 + beat)))


def openness(weights: Mapping[str, float]) -> float:
    """Return how far a viseme opens the mouth, 0 to 1: vowels do, lips and teeth close it."""
    return max(0.0, min(1.0, sum(_OPEN.get(name, 0.0) * w for name, w in weights.items())))


def bob(t: float, own: float, is_talking: bool) -> int:
    """Return by how many pixels the head stands higher than at rest: breath, and a nod in talk."""
    breath = math.sin(t * 1.7 + own * math.tau)
    nod = 0.8 * math.sin(t * 6.0) if is_talking else 0.0
    return round(0.8 + 0.8 * breath + nod)


def gaze(dx: float) -> int:
    """Return where the eyes turn to see something `dx` pixels to the right: -1, 0 or 1."""
    return 0 if abs(dx) < 40 else (1 if dx > 0 else -1)


def emotion(view: SessionView | None) -> str:
    """Return the name of the expression that suits the session."""
    if view is None or view.state in (SessionState.DISCONNECTED, SessionState.DISCONNECTING):
        return "asleep"
    if view.state is SessionState.ERROR:
        return "sadness"
    if view.state is SessionState.RECONNECTING:
        return "surprise"
    felt = (view.emotion or "neutral").lower()
    felt = _SYNONYMS.get(felt, felt)
    return felt if felt in EXPRESSIONS else "neutral"


def face(
    view: SessionView | None,
    t: float,
    own: float,
    *,
    level: float = 0.0,
    shape: float | None = None,
    dx: float = 0.0,
) -> Face:
    """Return the face of this moment; `dx` is how far to the right the player stands."""
    felt = emotion(view)
    is_talking = view is not None and (view.is_speaking or view.dialogue is DialogueState.SPEAKING)
    is_thinking = view is not None and view.dialogue is DialogueState.THINKING
    look = 1 if is_thinking and felt != "asleep" else gaze(dx)
    return Face(felt, lids(t, own), mouth(level, is_talking, t, shape), look)


_OPEN = {
    "aa": 1.0, "oh": 0.8, "e": 0.6, "ou": 0.5, "ih": 0.4, "rr": 0.3, "nn": 0.25, "dd": 0.25,
    "th": 0.25, "kk": 0.25, "ch": 0.25, "ss": 0.15, "ff": 0.1,
}  # fmt: skip

_SYNONYMS = {  # what services call them
    "happy": "joy", "happiness": "joy", "amused": "joy", "excited": "joy", "proud": "joy",
    "sad": "sadness", "sorrow": "sadness", "angry": "anger", "annoyed": "anger",
    "afraid": "fear", "worried": "fear", "anxious": "fear", "nervous": "fear",
    "surprised": "surprise", "curious": "anticipation", "interested": "anticipation",
    "relaxed": "calm", "content": "calm", "warm": "trust", "kind": "trust", "friendly": "trust",
    "disgusted": "disgust", "hurt": "pain", "tired": "calm",
}  # fmt: skip

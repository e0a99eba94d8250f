"""Trigger: tells a character what happens in the level, by place, time and key."""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveFloat

from characters.components.character import Character
from characters.components.player import Player
from characters.protocol.fields import check_number
from characters.protocol.messages import ContextUpdate, TriggerMessage
from engine.objects.objects import Component
from engine.objects.physics import Box

__all__ = ["Trigger"]


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

"""Which field of the inspector is chosen, and the value under edit: decided without drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from engine.input import Input
from engine.inspection import DEFAULT, LEVEL, FieldRow
from engine.live_fields import CODE
from engine.scene_editor import Edit
from engine.ui.text_field import TextField

__all__ = ["Draft", "FieldState", "Line", "edited", "listing", "origin_words", "window"]

_TURNS: Mapping[str, int] = MappingProxyType(
    {"left": -1, "up": -1, "right": 1, "down": 1, "space": 1, "mouse 4": -1, "mouse 5": 1}
)
_ERASERS = ("backspace", "delete")
_MOVERS = ("left", "right", "home", "end")


class Draft:
    """A value under edit: one of its choices, or a line of text that the first letter replaces."""

    def __init__(self, row: FieldRow) -> None:
        self.row = row
        self.is_fresh = not row.choices
        """Whether nothing was typed yet: then typing begins anew, as in a table of figures."""
        self.field = TextField()
        self.field.insert(row.text)

    @property
    def text(self) -> str:
        """The value as it would be saved."""
        return self.field.text

    @property
    def is_changed(self) -> bool:
        """Whether it differs from what is there."""
        return self.text != self.row.text

    def turn(self, by: int) -> None:
        """Go to another of the choices."""
        choices = self.row.choices
        here = choices.index(self.text) if self.text in choices else 0
        self.field.clear()
        self.field.insert(choices[(here + by) % len(choices)])

    def feed(self, source: Input) -> None:
        """Take the keys of this frame."""
        if self.row.choices:
            for key, by in _TURNS.items():
                if times := source.get_key_repeat(key):
                    self.turn(by * times)
            return
        if self.is_fresh and (source.typed or any(map(source.get_key_repeat, _ERASERS))):
            self.field.clear()
            self.is_fresh = False
        self.is_fresh = self.is_fresh and not any(map(source.get_key_repeat, _MOVERS))
        self.field.feed(source)


@dataclass(slots=True)
class FieldState:
    """The chosen row, the value under edit, and what was last said of an edit."""

    chosen: int = 0
    draft: Draft | None = None
    message: str = ""
    is_refusal: bool = False

    def move(self, by: int, rows: int) -> None:
        """Choose a row further up or down; the list has ends."""
        self.chosen = max(0, min(rows - 1, self.chosen + by))
        self.message = ""

    def begin(self, row: FieldRow) -> None:
        """Edit a value."""
        self.draft = Draft(row)
        self.message = ""

    def leave(self) -> None:
        """Drop what is under edit."""
        self.draft = None
        self.message = ""

    def say(self, message: str, *, is_refusal: bool = False) -> None:
        """Say what became of an edit."""
        self.message, self.is_refusal = message, is_refusal


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list: a field by its index, or a heading."""

    text: str
    index: int | None = None


def listing(rows: Sequence[FieldRow]) -> tuple[Line, ...]:
    """Return the fields under the names of their tables."""
    lines: list[Line] = []
    group = None
    for index, row in enumerate(rows):
        if row.group != group:
            group = row.group
            lines.append(Line(group or "Object"))
        lines.append(Line(row.name, index))
    return tuple(lines)


def window(lines: Sequence[Line], chosen: int, room: int) -> Sequence[Line]:
    """Return the lines that find room, the chosen one in the middle while the list goes on."""
    at = next((n for n, line in enumerate(lines) if line.index == chosen), 0)
    start = max(0, min(at - room // 2, len(lines) - room))
    return lines[start : start + room]


def origin_words(row: FieldRow) -> str:
    """Return who says a value, and what saving does."""
    if row.is_fixed:
        return "Set by the game's code: it can only be seen here."
    if row.origin == CODE:
        return "Made in code: an edit applies, and there is nothing to save to."
    if row.origin == LEVEL:
        return "The level's file says so."
    if row.origin == DEFAULT:
        return "The default. Saving adds a line to the level."
    return f"From {row.origin}. Saving overrides it in this level alone."


def edited(edit: Edit) -> str:
    """Return what was changed, and where it was saved."""
    name = edit.path.rpartition(".")[2]
    words = f"{name} is {edit.text or 'empty'} now. "
    if edit.saved is None:
        return words + "Made in code: there is nothing to save to."
    return words + (edit.note or f"Saved in {edit.saved.name}, line {edit.line}.")

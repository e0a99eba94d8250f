"""FieldDeeds: what keys and clicks do in the inspector's list of fields."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

from characters.components.character import Character
from characters.overlay.cast import Cast
from characters.overlay.field_state import FieldState, edited
from characters.overlay.hud_state import HudState, Layer
from engine.input import Input
from engine.inspection import FieldRow
from engine.scene_editor import EditError, SceneEditor

__all__ = ["FieldDeeds"]

_log = logging.getLogger(__name__)

_STEPS: Mapping[str, int] = MappingProxyType(
    {
        "up": -1,
        "down": 1,
        "pad up": -1,
        "pad down": 1,
        "mouse 4": -3,
        "mouse 5": 3,
        "page up": -12,
        "page down": 12,
        "home": -1000,
        "end": 1000,
    }
)
_ENTER = ("return", "enter", "pad 0")


class FieldDeeds:
    """Edits the fields of the inspected character's object, in this frame."""

    def __init__(self, cast: Cast, state: HudState) -> None:
        self._cast = cast
        self._hud = state

    @property
    def state(self) -> FieldState:
        """What is chosen and under edit."""
        return self._hud.fields

    @property
    def is_open(self) -> bool:
        """Whether the fields are shown and take the keys."""
        return self._hud.layer is Layer.FIELDS

    @property
    def rows(self) -> tuple[FieldRow, ...]:
        """The fields of the inspected character's object."""
        who = self._character
        return () if who is None else self._editor.rows(who.game_object)

    @property
    def chosen(self) -> FieldRow | None:
        """The chosen field."""
        rows = self.rows
        return rows[min(self.state.chosen, len(rows) - 1)] if rows else None

    @property
    def buttons(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        """What can be clicked below the list: what Enter, Escape and U do."""
        if self.state.draft is not None:
            return (("Enter: save", self.accept), ("Esc: leave it", self.cancel))
        return (("Enter: edit", self.begin), ("U: undo", self.undo), ("Esc: back", self.close))

    def obey(self, source: Input) -> None:
        """Do what the keys of this frame say."""
        if self._is_gone or not self._hud.is_inspector_open:
            self.close()
        elif source.get_button_down("inspector"):
            self.close()
            self._hud.is_inspector_open = False
        elif self.state.draft is not None:
            self._write(source)
        else:
            self._browse(source)

    def open(self) -> None:
        """Show the fields, in place of the session, and take the keys."""
        if self._hud.is_inspector_open and self._character is not None:
            self._hud.inspected = self._character.key  # whoever listens next: these are edited
            self._hud.layer = Layer.FIELDS
            self.state.move(0, len(self.rows))

    def close(self) -> None:
        """Show the session again, and give the keys back to the game."""
        self.state.leave()
        self._hud.close()

    def click(self, index: int) -> None:
        """Choose the row and edit it; the row under edit goes to its next choice."""
        draft = self.state.draft
        if draft is not None and draft.row == self.rows[index]:
            if draft.row.choices:
                draft.turn(1)
            return
        self.state.chosen = index
        self.begin()

    def begin(self) -> None:
        """Edit the chosen value."""
        row = self.chosen
        if row is not None and not row.is_fixed:
            self.state.begin(row)

    def accept(self) -> None:
        """Apply and save what was typed; what is wrong stays under edit, and says why."""
        draft, who = self.state.draft, self._character
        if draft is None or who is None:
            return
        if not draft.is_changed:
            self.state.leave()
            return
        try:
            edit = self._editor.set(who.game_object, draft.row, draft.text)
        except EditError as error:
            self.state.say(f"Not changed: {error}", is_refusal=True)
            return
        self.state.leave()
        self.state.say(edited(edit))
        self._hud.inspected = who.key  # which may be what was edited

    def cancel(self) -> None:
        """Leave the value as it was."""
        self.state.leave()

    def undo(self) -> None:
        """Take the last edit back."""
        try:
            edit = self._editor.undo()
        except EditError as error:
            self.state.say(str(error), is_refusal=True)
            return
        self.state.say(f"Undone: {edit.path.rpartition('.')[2]} of {edit.object} is as before.")

    # inside

    @property
    def _editor(self) -> SceneEditor:
        return self._cast.scene.get_service(SceneEditor)

    @property
    def _character(self) -> Character | None:
        cast = self._cast
        target = None if cast.manager is None else cast.manager.target
        first = next(iter(cast.characters), None)
        return cast.find(self._hud.inspected) or target or first

    @property
    def _is_gone(self) -> bool:
        """Whether nobody is there, or the one whose field is under edit has left meanwhile."""
        is_found = self._cast.find(self._hud.inspected) is not None
        return self._character is None or (self.state.draft is not None and not is_found)

    def _browse(self, source: Input) -> None:
        if source.get_button_down("menu") or source.get_button_down("fields"):
            self.close()
            return
        for key, by in _STEPS.items():
            if times := source.get_key_repeat(key):
                self.state.move(by * times, len(self.rows))
                _log.debug("Field %s is chosen.", self.chosen and self.chosen.path)
        if any(map(source.get_key_down, _ENTER)):
            self.begin()
            draft = self.state.draft
            if draft is not None and source.typed:  # in a slow frame, after Enter
                draft.feed(source)
        elif source.get_key_down("u"):
            self.undo()
        elif source.get_key_down("tab"):
            self._next_character()

    def _write(self, source: Input) -> None:
        draft = self.state.draft
        assert draft is not None  # see obey
        if source.get_button_down("menu"):
            self.cancel()
            return
        draft.feed(source)
        if any(map(source.get_key_down, _ENTER)):
            self.accept()

    def _next_character(self) -> None:
        keys, here = self._cast.keys, self._character
        at = keys.index(here.key) if here is not None and here.key in keys else -1
        self._hud.inspected = keys[(at + 1) % len(keys)]
        self.state.leave()

"""The Slots page: what was saved, to be loaded, saved over or deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from characters.components.slots import SaveSlots
from characters.storage.slots import LONGEST_NAME, Picture, SlotError, SlotInfo
from characters.ui import words
from characters.ui.model import SceneQuery
from characters.ui.state import ENTER_KEYS, UP_DOWN, HudAction, HudLayer, HudState, run_first, steps
from engine.core.input import Input
from engine.ui.text_field import TextField

__all__ = ["SlotActions", "SlotPage"]


@dataclass(slots=True)
class SlotPage:
    """What is seen of the slots: read when the page opens, and after each change."""

    slots: tuple[SlotInfo, ...] = ()
    pictures: dict[str, Picture | None] = field(default_factory=dict)
    asked: tuple[str, str] = ("", "")
    """What was asked for once, "delete" or "save_over", and of which slot: once more does it."""
    is_stale: bool = True


class SlotActions:
    """Carries out what the player does with the slots, in this frame.

    The first row is for a new slot, whose name is typed; each of the others is a slot.
    """

    def __init__(self, query: SceneQuery, state: HudState, page: SlotPage) -> None:
        self._say = query.words
        self._hud = state
        self.page = page
        self.slots = query.scene.find_service(SaveSlots)
        self._query = query

    @property
    def is_there(self) -> bool:
        """Whether this game has slots."""
        return self.slots is not None

    @property
    def rows(self) -> int:
        """How many rows there are, that for a new slot among them."""
        self._read()
        return 1 + len(self.page.slots)

    @property
    def chosen(self) -> int:
        """The row that the keys are about."""
        return min(self._hud.slot_index, self.rows - 1)

    @property
    def slot(self) -> SlotInfo | None:
        """The chosen slot, None on the row for a new one."""
        return self.page.slots[self.chosen - 1] if self.chosen else None

    @property
    def note(self) -> str:
        """What is to be known of the chosen row, before Enter is pressed."""
        slot, (asked, name) = self.slot, self.page.asked
        if self.slots is not None and self.slots.is_busy:
            return self._say("slots.busy")
        if slot is None:
            return self._say("slots.name_hint" if self._hud.slot_name else "slots.new_hint")
        if name == slot.name:
            sure = "slots.sure_delete" if asked == "delete" else "slots.sure_save_over"
            return self._say(sure, name=slot.name)
        if slot.is_damaged:
            return self._say("slots.newer" if slot.is_newer else "slots.damaged")
        if slot.fresh:
            return self._say("slots.fresh", names=", ".join(slot.fresh))
        return self._say("slots.kept", names=", ".join(slot.here)) if slot.here else ""

    def where(self, slot: SlotInfo) -> str:
        """Return the level of a slot, when it was saved and how long was played by then."""
        played = words.ago(self._say, slot.played_seconds)
        age = 0.0 if self.slots is None else self.slots.seconds_since(slot)
        when = words.ago(self._say, age)
        return self._say("slots.where", level=slot.level.capitalize(), ago=when, played=played)

    def buttons(self) -> tuple[HudAction, ...]:
        """Return what can be done with the chosen row, then what concerns all of them."""
        say, is_on = self._say, self.slots is not None and self.slots.autosave
        choice = say("slots.autosave_on") if is_on else say("slots.autosave_off")
        own = (
            HudAction(self.enter, say("slots.save"), ENTER_KEYS),
        ) if self.slot is None else (
            HudAction(self.enter, say("slots.load"), ENTER_KEYS),
            HudAction(lambda: self._ask("save_over"), say("slots.save_over"), ("space", "pad 2")),
            HudAction(lambda: self._ask("delete"), say("slots.delete"), ("delete", "pad 3")),
        )  # fmt: skip
        return (*own, HudAction(self._toggle_autosave, choice, ("tab", "pad 4")))

    # what the player does

    def obey(self, source: Input) -> None:
        """Run what the keys of this frame say."""
        name = self._hud.slot_name
        if source.get_button_down("menu"):
            self._leave()
        elif name is not None:
            name.feed(source)
            run_first(source, (HudAction(self.enter, keys=ENTER_KEYS),))
        else:
            if by := steps(source, UP_DOWN):
                self.choose(self.chosen + by)
            run_first(source, self.buttons())

    def open(self) -> None:
        """Show the page."""
        self._hud.layer, self._hud.slot_index, self._hud.slot_name = HudLayer.SLOTS, 0, None
        self.page.is_stale, self.page.asked = True, ("", "")

    def choose(self, index: int) -> None:
        """Let the keys be about this row; an index beyond the last goes round to the first."""
        self._hud.slot_index = index % self.rows
        self._hud.slot_name, self.page.asked = None, ("", "")

    def click(self, index: int) -> None:
        """Choose a row, or do what Enter does if it is chosen."""
        if index == self.chosen:
            self.enter()
        else:
            self.choose(index)

    def enter(self) -> None:
        """Load the chosen slot; on the first row, type a name and then save."""
        slot, name = self.slot, self._hud.slot_name
        if slot is not None:
            self._do(lambda slots: slots.load(slot.name))
        elif name is None:
            self._hud.slot_name = typed = TextField(LONGEST_NAME)
            typed.suggest(self._new_name())
        else:
            self._do(lambda slots: slots.save(name.text))
            self._hud.slot_name = None

    def _ask(self, what: str) -> None:
        """Do what cannot be undone, if it was asked for before."""
        slot = self.slot
        if slot is None:
            return
        if self.page.asked != (what, slot.name):
            self.page.asked = what, slot.name
        elif what == "delete":
            self._do(lambda slots: slots.delete(slot.name))
        else:
            self._do(lambda slots: slots.save(slot.name))

    def _do(self, act: Callable[[SaveSlots], object]) -> None:
        self.page.asked = "", ""
        if self.slots is None or self.slots.is_busy:
            return
        try:
            act(self.slots)
        except SlotError as error:
            self._hud.say(self._say.translate(str(error)))
        self.page.is_stale = True

    def _toggle_autosave(self) -> None:
        if self.slots is not None:
            self.slots.autosave = not self.slots.autosave

    def _leave(self) -> None:
        """Stop to type a name, or go back to the menu."""
        if self._hud.slot_name is not None:
            self._hud.slot_name = None
        else:
            self._hud.layer = HudLayer.MENU

    def _new_name(self) -> str:
        """Return a name that no slot has: the level's, with a number."""
        scene = self._query.scene
        level = (scene.level or scene.name).capitalize()[: LONGEST_NAME - 5]
        taken = {slot.name for slot in self.page.slots}
        return next(name for n in range(1, 10_000) if (name := f"{level} {n}") not in taken)

    def _read(self) -> None:
        """Read the slots once, not in each frame; while one is written they are not settled."""
        if self.slots is None or not self.page.is_stale:
            return
        self.page.slots = self.slots.list()
        self.page.pictures = {it.name: self.slots.picture(it.name) for it in self.page.slots}
        self.page.is_stale = self.slots.is_busy

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from characters.storage.slots import SlotError
from characters.ui.model import SceneQuery
from characters.ui.slots import SlotActions, SlotPage
from characters.ui.state import HudState
from tests.characters.ui.fakes import Stage


def test_a_slot_that_cannot_be_saved_says_why_on_the_screen() -> None:
    def fail(name: str) -> None:
        raise SlotError("The disk is full.")

    state = HudState()
    actions = SlotActions(SceneQuery(Stage().scene), state, SlotPage(is_stale=False))
    slots: Any = SimpleNamespace(is_busy=False, all=lambda: (), picture=lambda name: None)
    slots.save = fail
    actions.slots = slots
    actions._do(lambda it: it.save("Harbour"))
    assert state.notice == "The disk is full."

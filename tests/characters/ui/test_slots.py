from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from characters.client.runtime import RuntimeBuilder
from characters.components.slots import LoadedSlot, SaveSlots
from characters.storage.slots import SavedMind, SlotError, SlotInfo, SlotStore, pack_values
from characters.ui.model import SceneQuery
from characters.ui.slots import SlotActions, SlotPage
from characters.ui.state import HudLayer, HudState
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs

ANN = SavedMind("ann", "Ann", "s1", 4, "local", is_here=True)
BOB = SavedMind("bob", "Bob", why_fresh="cannot_branch", is_here=True)


class NotedSlots(SaveSlots):
    """Slots that note what they are asked for."""

    def __init__(self, prefs: PlayerPrefs) -> None:
        super().__init__(RuntimeBuilder().build(), prefs)
        self.asked: list[str] = []
        self.problem = ""

    def save(self, name: str, *_: Any, **__: Any) -> Future[SlotInfo]:
        if self.problem:
            raise SlotError(self.problem)
        self.asked.append(f"save {name}")
        return Future()

    def load(self, name: str) -> Future[LoadedSlot]:
        self.asked.append(f"load {name}")
        return Future()

    def delete(self, name: str) -> Future[None]:
        self.asked.append(f"delete {name}")
        return Future()


class Page:
    """The page over two slots and a damaged one."""

    def __init__(self, prefs: PlayerPrefs) -> None:
        store = SlotStore(prefs)
        for name, at, minds in (("kept", 30.0, (ANN,)), ("cloud", 20.0, (ANN, BOB))):
            store.write(SlotInfo(name, at, 5.0, "quay", {}, minds), pack_values({}), None)
        prefs.set_bytes("slot.broken.info", b"damage")
        self.slots, self.state, scene = NotedSlots(prefs), HudState(), Scene("Quay")
        scene.provide(self.slots)
        self.actions = SlotActions(SceneQuery(scene), self.state, SlotPage())
        self.actions.open()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        yield Page(prefs)


def test_what_becomes_of_everybody_is_told_before_a_slot_is_loaded(page: Page) -> None:
    notes = []
    for row in range(page.actions.rows):
        page.actions.choose(row)
        notes.append(page.actions.note)
    assert notes[1:] == [
        "As they were: Ann.",
        "These will begin afresh, because nothing of them was kept: Bob.",
        "This slot is damaged. It can be deleted, or saved over.",
    ]


def test_the_first_row_saves_under_a_name_and_the_others_load(page: Page) -> None:
    page.actions.enter()
    assert page.state.slot_name is not None
    assert page.state.slot_name.text == "Quay 1"
    page.actions.enter()
    page.actions.choose(2)
    page.actions.enter()
    assert page.slots.asked == ["save Quay 1", "load cloud"]


def test_what_cannot_be_undone_is_asked_for_twice(page: Page) -> None:
    page.actions.choose(1)
    _, save_over, delete, _ = page.actions.buttons()
    delete.run()
    assert page.slots.asked == []
    assert page.actions.note == "Once more: delete kept for good?"
    save_over.run()
    assert page.slots.asked == []
    save_over.run()
    assert page.slots.asked == ["save kept"]


def test_the_choice_of_an_autosave_is_on_the_page(page: Page) -> None:
    page.actions.buttons()[-1].run()
    assert page.slots.autosave
    assert page.state.layer is HudLayer.SLOTS


def test_a_slot_that_cannot_be_saved_says_why_on_the_screen(page: Page) -> None:
    page.slots.problem = "The disk is full."
    page.actions.enter()
    page.actions.enter()
    assert page.state.notice == "The disk is full."

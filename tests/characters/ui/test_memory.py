from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from characters.session.conversation import SessionState
from characters.transport.base import RememberedFact
from characters.ui.actions import Actions
from characters.ui.model import SceneQuery
from characters.ui.state import HudLayer
from tests.characters.ui.fakes import Stage

NAME = RememberedFact("name", "Ada", since=70.0, told_in="s1")
DOG = RememberedFact("dog", "Rex", is_here=False, also_in=("other",))


Ask = Callable[[Any, str], Coroutine[Any, Any, Any]]


class FakeMemory:
    """A service's memory of one talk."""

    def __init__(self) -> None:
        self.known = {"name": NAME}
        self.forgotten: list[str] = []

    async def facts(self, session_id: str) -> tuple[RememberedFact, ...]:
        return (*self.known.values(), DOG)

    async def correct(self, session_id: str, key: str, value: str) -> None:
        self.known[key] = replace(self.known[key], value=value, told_in="")

    async def pin(self, session_id: str, key: str, is_pinned: bool) -> None:
        self.known[key] = replace(self.known[key], is_pinned=is_pinned)

    async def forget_fact(self, session_id: str, key: str) -> None:
        self.forgotten.append(key)
        self.known.pop(key, None)


class MemoryStage(Stage):
    """Ada has a talk; the service answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = FakeMemory()
        self.asked: list[tuple[Ask, Future[Any]]] = []
        runtime: Any = self.runtime
        runtime.context = SimpleNamespace(wall_clock=lambda: 100.0)
        runtime.ask_memory = self.ask
        runtime.forget_fact = lambda key, fact: self.ask(
            key, lambda it, session: it.forget_fact(session, fact)
        )
        self.becomes("ada", SessionState.CONNECTED, session_id="s1", model="")
        self.press("f3", "i")
        self.frame()

    def ask(self, key: str, ask: Ask) -> Future[Any]:
        self.asked.append((ask, Future()))
        return self.asked[-1][1]

    def answered(self) -> None:
        """Let the service answer all that it is asked, and show it."""
        while self.asked:
            ask, future = self.asked.pop()
            future.set_result(asyncio.run(ask(self.memory, "s1")))
            self.frame()

    @property
    def shown(self) -> list[str]:
        page = self.page
        return [f"{it.key} {it.value}, {page.source(it)}" for it in page.facts]

    @property
    def page(self) -> Any:
        hud = self.hud
        return Actions(SceneQuery(self.scene), hud.state, hud.notify, lambda: None).memory


def test_the_page_asks_the_service_and_shows_the_answer_in_a_later_frame() -> None:
    stage = MemoryStage()
    assert (stage.shown, stage.page.note) == ([], "A moment ...")
    stage.frame(3)
    assert len(stage.asked) == 1
    stage.answered()
    assert stage.shown == [
        "name Ada, told 30 s ago, in this talk",
        "dog Rex, only in: other talks (1)",
    ]
    assert not stage.errors


def test_a_fact_is_pinned_corrected_and_forgotten_by_keys() -> None:
    stage = MemoryStage()
    stage.answered()
    stage.press("space")
    stage.answered()
    assert stage.page.chosen.is_pinned
    stage.press("return", "backspace", "backspace", "backspace")
    stage.type("Eve")
    stage.press("return")
    stage.answered()
    assert stage.shown[0].startswith("name Eve, ")
    stage.press("delete")
    assert stage.page.note == "Once more: forget name for good, in all talks and slots?"
    assert stage.memory.forgotten == []
    stage.press("delete")
    stage.answered()
    assert (stage.memory.forgotten, len(stage.shown)) == (["name"], 1)


def test_what_is_known_elsewhere_alone_can_only_be_forgotten() -> None:
    stage = MemoryStage()
    stage.answered()
    stage.press("down", "space", "return")
    assert stage.asked == []
    assert stage.page.state.value is None
    assert [action.label for action in stage.page.buttons()] == ["Forget (Del)", "Esc: back"]


def test_a_service_that_does_not_answer_says_so_and_nothing_is_lost() -> None:
    stage = MemoryStage()
    stage.answered()
    stage.press("space")
    stage.asked.pop()[1].set_exception(OSError("refused"))
    stage.frame()
    assert stage.page.note == "The service did not answer, or could not do that."
    assert len(stage.shown) == 2


def test_the_page_is_asked_anew_when_the_talk_went_on_and_for_another_character() -> None:
    stage = MemoryStage()
    stage.answered()
    stage.frame(3)
    assert stage.asked == []
    stage.becomes("ada", SessionState.RECONNECTING, session_id="s1", model="")
    stage.frame()
    assert len(stage.asked) == 1
    stage.answered()
    stage.press("tab")
    assert stage.page.note == "There is no talk yet: nothing is known of you."


def test_a_cloud_that_is_none_of_ours_is_not_asked() -> None:
    stage = MemoryStage()
    stage.answered()
    stage.becomes("ada", SessionState.CONNECTED, session_id="s9", model=None)
    stage.frame(3)
    assert stage.asked == []
    assert stage.page.note == "This character's service does not tell what it knows."


def test_the_keys_go_back_to_the_game_and_the_menu_leads_here_too() -> None:
    stage = MemoryStage()
    stage.answered()
    stage.press("escape")
    assert stage.hud.state.layer is HudLayer.GAME
    stage.press("f3", "i")
    assert stage.hud.state.layer is HudLayer.GAME
    menu = Actions(SceneQuery(stage.scene), stage.hud.state, stage.hud.notify, lambda: None).menu()
    next(entry for entry in menu if entry.label == "What they know of you ...").run()
    assert (stage.hud.state.layer, stage.hud.state.is_inspector_open) == (HudLayer.MEMORY, True)

"""The inspector's Memory page: what a character knows of the player, since when, and from where."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from characters.client.context import KeepingTransport, RememberedFact
from characters.client.runtime import Runtime
from characters.components.character import Character
from characters.components.slots import SaveSlots
from characters.ui import words
from characters.ui.model import SceneQuery
from characters.ui.state import ENTER_KEYS, UP_DOWN, HudAction, HudLayer, HudState, run_first, steps
from engine.core.input import Input
from engine.ui.text_field import TextField

__all__ = ["MemoryActions"]

_log = logging.getLogger(__name__)

LONGEST_VALUE = 200  # letters, as the service takes them


class MemoryActions:
    """Carries out what the player does with what a character knows of him, in this frame.

    The service is asked and changed on other threads; a later frame finds the answer.
    """

    def __init__(self, query: SceneQuery, state: HudState) -> None:
        self._say = query.words
        self._query = query
        self._hud = state
        self.state = state.memory

    @property
    def is_open(self) -> bool:
        """Whether the page is shown and takes the keys."""
        return self._hud.layer is HudLayer.MEMORY

    @property
    def facts(self) -> tuple[RememberedFact, ...]:
        """What is known: in this conversation first, then what only others of theirs know."""
        return self.state.facts or ()

    @property
    def chosen(self) -> RememberedFact | None:
        """The fact that the keys are about."""
        facts = self.facts
        return facts[min(self.state.chosen, len(facts) - 1)] if facts else None

    @property
    def note(self) -> str:
        """What is to be known of the page, or of the chosen fact before it is changed."""
        state, character, fact = self.state, self._character, self.chosen
        if character is None or character.view.session_id is None:
            return self._say("memory.no_talk")
        if character.view.model is None:
            return self._say("memory.not_told")
        if state.has_failed:
            return self._say("memory.failed")
        if state.facts is None or state.work is not None:
            return self._say("memory.busy")
        if fact is None:
            return self._say("memory.nothing")
        if state.value is not None:
            return self._say("memory.typing")
        if state.asked == fact.key:
            return self._say("memory.sure", key=fact.key)
        return self._say("memory.is_pinned") if fact.is_pinned else ""

    def source(self, fact: RememberedFact) -> str:
        """Return since when a fact is known, from where, and where else it is."""
        say, others = self._say, self._places(fact)
        if not fact.is_here:
            return say("memory.only_in", places=others)
        runtime, character = self._runtime, self._character
        now = 0.0 if runtime is None else runtime.context.wall_clock()
        here = None if character is None else character.view.session_id
        key = "memory.told_here" if fact.told_in == here else "memory.told_elsewhere"
        key = key if fact.told_in else "memory.corrected"
        told = say("memory.told_long_ago")
        if fact.since is not None:
            told = say(key, ago=words.ago(say, max(0.0, now - fact.since)))
        return say("memory.also_in", told=told, places=others) if others else told

    def _places(self, fact: RememberedFact) -> str:
        """Return the slots that know the same, and how many other conversations."""
        known, say = self.state.slots, self._say
        names = sorted({known[it] for it in fact.also_in if it in known})
        others = sum(it not in known for it in fact.also_in)
        return ", ".join([*names, *([say("memory.other_talks", n=others)] if others else [])])

    def buttons(self) -> tuple[HudAction, ...]:
        """Return what can be done with the chosen fact."""
        say, fact = self._say, self.chosen
        back = HudAction(self.leave, say("menu.back"), binding="menu")
        if self.state.value is not None:
            return (HudAction(self.accept, say("field.save"), ENTER_KEYS), back)
        if fact is None:
            return (back,)
        forget = HudAction(self.forget, say("memory.forget"), ("delete", "pad 3"))
        if not fact.is_here:
            return (forget, back)
        pin = say("memory.unpin") if fact.is_pinned else say("memory.pin")
        correct = HudAction(self.correct, say("memory.correct"), ENTER_KEYS)
        return (correct, HudAction(self.pin, pin, ("space", "pad 2")), forget, back)

    # what the player does

    def obey(self, source: Input) -> None:
        """Run what the keys of this frame say."""
        self._read()
        value = self.state.value
        if self._character is None or not self._hud.is_inspector_open:
            self.close()
        elif source.get_button_down("inspector"):
            self.close()
            self._hud.is_inspector_open = False
        elif value is not None:
            if not run_first(source, self.buttons()):
                value.feed(source)
        elif source.get_button_down("memory"):
            self.close()
        else:
            if by := steps(source, UP_DOWN):
                self.choose(self.state.chosen + by)
            tab = HudAction(self._next_character, keys=("tab", "pad 5"))
            run_first(source, (*self.buttons(), tab))

    def open(self) -> None:
        """Show the page in place of the session, with the inspector around it."""
        character = self._character
        if character is not None:
            self._hud.is_inspector_open, self._hud.is_faults_open = True, False
            self._hud.inspected = character.key  # also when the target changes meanwhile
            self._hud.layer = HudLayer.MEMORY
            self._hud.fields.leave()
            self.state.about(character.key)
            self.state.value, self.state.seen, self.state.has_failed = None, None, False

    def open_page(self) -> None:
        """Show the page if the inspector is open."""
        if self._hud.is_inspector_open:
            self.open()

    def close(self) -> None:
        """Show the session again, and give the keys back to the game."""
        self.state.value, self.state.asked = None, ""
        self._hud.close()

    def leave(self) -> None:
        """Stop to type a correction, or close the page."""
        if self.state.value is None:
            self.close()
        self.state.value = None

    def choose(self, index: int) -> None:
        """Let the keys be about this fact; the list has ends."""
        self.state.chosen = max(0, min(len(self.facts) - 1, index))
        self.state.value, self.state.asked = None, ""

    def correct(self) -> None:
        """Begin to type another value."""
        if self.chosen is not None and self.state.work is None:
            self.state.value = typed = TextField(LONGEST_VALUE)
            typed.suggest(self.chosen.value)

    def accept(self) -> None:
        """Put what was typed in place of what is known."""
        fact, typed = self.chosen, self.state.value
        self.state.value = None
        text = "" if typed is None else typed.text.strip()
        if fact is not None and text and text != fact.value:
            self._ask(lambda it, session_id: it.correct(session_id, fact.key, text))

    def pin(self) -> None:
        """Let only a correction change the fact, or let it be as before."""
        fact = self.chosen
        if fact is not None and fact.is_here:
            is_pinned = not fact.is_pinned
            self._ask(lambda it, session_id: it.pin(session_id, fact.key, is_pinned))

    def forget(self) -> None:
        """Delete what is known under a key, if it was asked for before."""
        fact = self.chosen
        if fact is not None and self.state.asked != fact.key:
            self.state.asked = fact.key
        elif fact is not None:
            self._do(lambda runtime, key: runtime.forget_fact(key, fact.key))

    def _ask(self, ask: Callable[[KeepingTransport, str], Awaitable[None]]) -> None:
        self._do(lambda runtime, key: runtime.ask_memory(key, ask))

    def _do(self, ask: Callable[[Runtime, str], Future[Any]]) -> None:
        state, runtime = self.state, self._runtime
        state.asked = ""
        if runtime is None or state.work is not None:
            return
        try:
            state.work = ask(runtime, state.key)
        except LookupError:  # its conversation has ended meanwhile
            state.has_failed = True

    def _next_character(self) -> None:
        self._hud.inspected = self._query.key_after(self.state.key)

    # what is there

    @property
    def _character(self) -> Character | None:
        return self._query.inspected(self._hud.inspected)

    @property
    def _runtime(self) -> Runtime | None:
        return None if self._query.manager is None else self._query.manager.runtime

    def _read(self) -> None:
        """Take what has come, and ask again where the conversation has gone on since."""
        state, character, runtime = self.state, self._character, self._runtime
        work = state.work
        if work is not None and work.done():
            state.work = None
            self._take(work)
        if character is None or runtime is None:
            return
        state.about(character.key)
        view = character.view
        now = view.session_id, view.state, len(view.transcript)
        is_asking = state.work is not None or state.value is not None
        if view.session_id and view.model is not None and state.seen != now and not is_asking:
            state.seen = now
            key, slots = character.key, self._query.scene.find_service(SaveSlots)
            state.slots = {} if slots is None else _by_session(slots)
            state.work = runtime.ask_memory(key, partial(_facts_of, key))

    def _take(self, done: Future[Any]) -> None:
        state, error = self.state, done.exception()
        state.has_failed = error is not None
        found = None if error is not None else done.result()
        if error is None and found is None:
            state.seen = None  # something was changed: look at it
        elif found is not None and found[0] == state.key:
            state.facts = found[1]
            pinned = sum(fact.is_pinned for fact in found[1])
            _log.debug("The memory shows %d facts, %d pinned.", len(found[1]), pinned)


async def _facts_of(
    key: str, transport: KeepingTransport, session_id: str
) -> tuple[str, tuple[RememberedFact, ...]]:
    return key, await transport.facts(session_id)


def _by_session(slots: SaveSlots) -> dict[str, str]:
    return {mind.session_id: it.name for it in slots.list() for mind in it.minds if mind.session_id}

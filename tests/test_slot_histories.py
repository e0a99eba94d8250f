"""Random talks, saves, loads, take-backs, restarts and kills, in a game and a service process.

A stand-in for a model answers with every secret that it is sent, so that one which was said after
a save, and reaches anybody on its branch, is heard at once.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web

from characters.client.config import SessionConfig
from characters.client.handle import SessionHandle
from characters.client.runtime import RuntimeBuilder
from characters.client.service_process import ServiceProcess
from characters.components.slots import SaveSlots
from characters.protocol.messages import TakenBack
from characters.service.store import SessionStore, database_of
from characters.session.conversation import SessionState
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence
from characters.transport.base import TransportError
from engine.prefs.prefs import PlayerPrefs
from tests.characters.agents.model_server import ModelServer, answer, model_server
from tests.running import AT_ONCE, running_service
from tests.test_main import PATIENT

WITHIN = 120.0
KILLED = 0.03  # of the acts; a service that starts again costs seconds
SECRET = re.compile(r"Zq[a-j]+")
STUBBORN = ReconnectPolicy(
    max_reconnect_attempts=None, backoff_base_seconds=0.05, backoff_cap_seconds=0.2
)
LINES = ("My name is {}.", "I live in {}.", "Remember {} for me.", "My dog is called {}.")


async def tell_all(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    """Answer with every secret that is known."""
    known = dict.fromkeys(SECRET.findall(json.dumps(asked["messages"])))
    return await answer(f"I know {' '.join(known) or 'nothing'}.")(request, asked)


@dataclass(frozen=True)
class Mind:
    """What a character was at a save: what was said, and what it knew, byte for byte."""

    turns: tuple[tuple[str, str], ...]
    memory: str
    secrets: frozenset[str]
    is_owed_more: bool  # a line is not answered yet, or an answer not received: that comes later


class History:
    """One player's game at a service that may be killed, and what is in his slots."""

    def __init__(
        self, service: ServiceProcess, model: ModelServer, folder: Path, seed: int
    ) -> None:
        self.service, self.model, self.folder = service, model, folder
        self.chance, self.player = Random(seed), f"player-{seed}"
        self._count = 0
        self.said: set[str] = set()  # on the branch that is played
        self.saved: dict[str, Mind] = {}
        self.kills = self.loads = 0
        self._begin()

    def _begin(self) -> None:
        """Start the game: what it knows is what is on its disk."""
        self.prefs = PlayerPrefs.open(self.folder / f"{self.player}.msgpack")
        builder = RuntimeBuilder().use_persistence(KeyValueSessionPersistence(self.prefs))
        self.runtime = builder.use_endpoint_url(lambda name: self.service.url).build()
        self.runtime.start()
        self.slots = SaveSlots(self.runtime, self.prefs)
        config = SessionConfig(PATIENT, policy=STUBBORN, local_user_id=self.player)
        self.patient: SessionHandle = self.runtime.open_session(config)
        self.patient.connect()
        self._until_connected()

    def live(self, steps: int) -> None:
        acts = (self.talk, self.talk, self.talk, self.save, self.save, self.load, self.load,
                self.take_back, self.restart)  # fmt: skip
        for _ in range(steps):
            with self._weather():
                self.chance.choice(acts)()
            self._until_connected()
            self.look()

    @contextmanager
    def _weather(self) -> Iterator[None]:
        """Kill the service at some moment of an act, now and then, and start it again."""
        if self.chance.random() > KILLED:
            yield
            return
        self.kills += 1

        def kill() -> None:
            self.service.kill()
            self.service.start()

        timer = threading.Timer(self.chance.random() * 0.1, kill)
        timer.start()
        try:
            yield
        finally:
            timer.join()

    # --- acts ---

    def talk(self) -> None:
        self._count += 1
        number = self.chance.randrange(10**6) * 100 + self._count
        secret = "Zq" + "".join("abcdefghij"[int(digit)] for digit in str(number))
        self._until_connected()
        self.said.add(secret)
        self.patient.send_text(self.chance.choice(LINES).format(secret))
        self._until(
            lambda: any(
                turn.speaker == "character" and secret in turn.text
                for turn in self.patient.view.transcript
            )
        )

    def save(self) -> None:
        name = f"slot{self.chance.randrange(3)}"
        work = self.slots.save(name)
        self._until(lambda: work.done() and not self.slots.is_busy)
        (mind,) = work.result().minds
        self.saved.pop(name, None)
        if mind.session_id is not None:  # else its service was not reached, and the slot says so
            self.saved[name] = self._stored(mind.session_id, frozenset(self.said))

    def load(self) -> None:
        if not self.saved:
            return
        name = self.chance.choice(sorted(self.saved))
        work = self.slots.load(name)
        self._until(lambda: work.done() and not self.slots.is_busy)
        try:
            loaded = work.result()
        except TransportError:  # nothing was changed
            return
        assert loaded.fresh == ()
        self.loads += 1
        mind = self.saved[name]
        self.said = set(mind.secrets)
        asked = len(self.model.asked)
        self._until_connected()
        session_id, saved_id = self.patient.view.session_id, loaded.slot.minds[0].session_id
        assert saved_id is not None
        assert session_id is not None
        assert self._stored(saved_id, mind.secrets) == mind
        if mind.is_owed_more:
            return
        assert self._stored(session_id, mind.secrets) == mind
        shown = tuple((turn.speaker, turn.text) for turn in self.patient.view.transcript)
        assert shown == mind.turns[-len(shown) :] if shown else not mind.turns
        assert len(self.model.asked) == asked  # nobody was greeted, nothing answered twice

    def take_back(self) -> None:
        self._until_connected()
        ends = list[object]()
        subscription = self.patient.events.subscribe(ends.append)
        self.patient.take_back()
        self._until(lambda: any(type(it).__name__ in ENDS for it in ends))
        subscription.cancel()
        self._until_connected()
        for end in ends:
            if isinstance(end, TakenBack):
                self.said -= set(SECRET.findall(end.text))
                return
        # A loss in between: the service may have done it, or not.
        stored = self._stored(self.patient.view.session_id or "", frozenset())
        self.said &= set(SECRET.findall(json.dumps(stored.turns)))

    def restart(self) -> None:
        """End the game, with a goodbye or without, and start it again."""
        if self.chance.random() < 0.5:
            self.runtime.network.stop(5.0)
        self.runtime.close()
        self.prefs.close()
        self._begin()

    # --- what must be so ---

    def look(self) -> None:
        """Nothing that was said elsewhere is shown, said, sent to a model, or in the branch."""
        view = self.patient.view
        shown = json.dumps([turn.text for turn in view.transcript])
        assert set(SECRET.findall(shown)) <= self.said
        if view.session_id is not None:
            stored = self._stored(view.session_id, frozenset())
            assert set(SECRET.findall(json.dumps(stored.turns) + stored.memory)) <= self.said

    def _stored(self, session_id: str, secrets: frozenset[str]) -> Mind:
        with closing(SessionStore(database_of(self.folder))) as store:
            turns = tuple((turn.speaker, turn.text) for turn in store.turns(session_id))
            is_owed_more = bool(store.pending(session_id))
            return Mind(turns, json.dumps(store.memory(session_id)), secrets, is_owed_more)

    def _until_connected(self) -> None:
        self._until(lambda: self.patient.view.state is SessionState.CONNECTED)

    def _until(self, condition: Callable[[], object]) -> None:
        end, frame = time.monotonic() + WITHIN, threading.Event()
        while not condition():
            assert time.monotonic() < end, f"not within {WITHIN:g} s"
            self.runtime.update()
            frame.wait(0.003)

    def close(self) -> None:
        self.runtime.close()
        self.prefs.close()


ENDS = {"TakenBack", "MessageRefused", "SessionStateChanged"}


def live(folder: Path, seeds: range, steps: int) -> tuple[int, int]:
    """Live through histories at one service; return how many loads and kills there were."""
    loads = kills = 0
    with model_server() as model:
        model.answers = tell_all
        told = ("--model-url", model.url, "--model-name", "any",
                "--model-first-word-within-seconds", "60")  # fmt: skip
        with running_service(folder / "service", (*AT_ONCE, *told)) as service:
            for seed in seeds:
                history = History(service, model, folder, seed)
                try:
                    history.live(steps)
                except AssertionError as error:
                    raise AssertionError(f"history {seed}: {error}") from error
                finally:
                    history.close()
                loads, kills = loads + history.loads, kills + history.kills
    return loads, kills


def test_a_history_of_a_game_and_its_service(tmp_path: Path) -> None:
    live(tmp_path, range(2, 3), 8)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(10))
def test_in_two_hundred_histories_with_kills_each_slot_is_who_was_saved(
    tmp_path: Path, batch: int
) -> None:
    loads, kills = live(tmp_path, range(100 + 20 * batch, 120 + 20 * batch), 10)
    assert loads > 5
    assert kills > 1

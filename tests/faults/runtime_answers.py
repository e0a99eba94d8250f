"""A service that is killed at random moments of a talk: each line is answered once, for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from characters.client.config import CharacterEvent
from characters.protocol.messages import (
    ActionResponse,
    BotLlmStarted,
    BotLlmText,
    BotTurnCompleted,
    ServerResponse,
    UserTextMessage,
)
from characters.service.store import SessionStore
from characters.session.conversation import SessionState
from characters.session.policy import ReconnectPolicy
from tests.faults.harness import ServiceHarness, TrackedSession
from tests.faults.row import Row

__all__ = ["killed_in_answers", "rows"]

# Answers of a quarter of a second, and kills that find many of them in their middle.
TALKING = ("--words-per-second", "200", "--think", "0.02", "--no-speech", "--seed", "1")
HASTY = ReconnectPolicy(
    max_reconnect_attempts=None,
    reconnect_budget_seconds=600.0,
    backoff_base_seconds=0.05,
    backoff_cap_seconds=0.1,
)
EXAM = (
    "My name is Ada.",
    "begin",
    "I wash my hands",
    "penicillin",
    "continue where we stopped",
    "scurvy",
    "I do not know",
    "result",
)
PASSED = "5 of five"
LONG_ENOUGH = 30.0


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield killed_in_answers(4 if quick else 20, 6 if quick else 60)


class Candidate:
    """Goes through the exam, line by line, each after the answer to the one before."""

    def __init__(self, session: TrackedSession) -> None:
        self.session = session
        self.answers: list[BotTurnCompleted] = []
        self.texts: list[str] = []
        self.deeds: list[ActionResponse] = []
        self.ids: dict[str, str] = {}  # message id -> line
        self._next = 0
        self._text = ""
        session.handle.events.subscribe(self._note)

    def _note(self, event: CharacterEvent) -> None:
        match event:
            case BotLlmStarted():
                self._text = ""
            case BotLlmText(text):
                self._text += text
            case BotTurnCompleted(message_id=str()):
                self.answers.append(event)
                self.texts.append(self._text)
            case ActionResponse(message_id=str()):
                self.deeds.append(event)
            case ServerResponse(event_type=UserTextMessage.TYPE, extras=extras) if extras:
                self.ids[str(extras["message_id"])] = str(extras["text"])

    @property
    def is_done(self) -> bool:
        """Whether the last line has its answer."""
        return len(self.answers) >= len(EXAM)

    @property
    def session_id(self) -> str:
        """The service's name for the talk."""
        return self.session.handle.view.session_id or ""

    def is_owed_by(self, store: SessionStore) -> bool:
        """Whether the service has still to tell something."""
        return bool(store.pending(self.session_id))

    def go_on(self) -> None:
        """Say the next line if the one before is answered."""
        is_up = self.session.state is SessionState.CONNECTED
        if is_up and self._next < len(EXAM) and len(self.answers) >= self._next:
            self.session.handle.send_text(EXAM[self._next])
            self._next += 1

    def faults(self, store: SessionStore) -> list[str]:
        """Say what is wrong with this talk, as the client and the disk have it."""
        found = []
        told = Counter(answer.message_id for answer in self.answers)
        answered = [self.ids.get(message_id or "", "?") for message_id in told]
        if sorted(answered) != sorted(EXAM) or set(told.values()) != {1}:
            found.append("answers that are missing or came twice")
        if not self.texts or PASSED not in self.texts[-1]:
            found.append("a wrong score")
        if any(count > 1 for count in Counter(self.deeds).values()):
            found.append("a deed done twice")
        if self.is_owed_by(store):
            found.append("answers that are owed for ever")
        turns = store.turns(self.session_id)
        if tuple(turn.text for turn in turns if turn.speaker == "player") != EXAM:
            found.append("lines lost or doubled on disk")
        kept = Counter(turn.text for turn in turns if turn.speaker == "character")
        if any(kept[text] != 1 for text in self.texts):
            found.append("answers lost or doubled on disk")
        return found


def killed_in_answers(candidates: int, kills: int) -> Row:
    """Let some take an exam at once, while their service is killed again and again."""
    chance = Random(4)
    with TemporaryDirectory() as folder, ServiceHarness(Path(folder), TALKING) as harness:
        people = [
            Candidate(
                harness.open_session(f"e{n}", persona="personas/examiner-5d2e.toml", policy=HASTY)
            )
            for n in range(candidates)
        ]
        for it in people:
            it.session.handle.connect()
        done = 0
        while done < kills and not _are_done(people):
            _talk(harness, people, chance.uniform(0.02, 0.3))
            harness.service.kill()
            harness.service.start()
            done += 1
        _talk(harness, people, LONG_ENOUGH)
        store = SessionStore(Path(folder) / "service" / "sessions.sqlite3")
        with suppress(TimeoutError):
            harness.until(lambda: not any(it.is_owed_by(store) for it in people), LONG_ENOUGH)
        again = sum(len(it.answers) - len(EXAM) for it in people)
        harness.service.kill()
        wrong = [fault for it in people for fault in it.faults(store)]
        store.close()
    cut = sum(turn.interrupted for it in people for turn in it.session.handle.view.transcript)
    figure = (
        f"{candidates} exams, {done} kills, {cut} answers cut: {candidates * len(EXAM)} lines,"
        f" {len(wrong)} talks with an answer missing or twice, {again} too many"
    ) + "".join(f"; {fault}" for fault in wrong[:3])
    return Row(4, "service killed in the middle of answers", figure, not wrong and not again)


def _are_done(people: list[Candidate]) -> bool:
    return all(it.is_done for it in people)


def _talk(harness: ServiceHarness, people: list[Candidate], seconds: float) -> None:
    """Let everybody be there, then talk for a while, or until everybody is done."""
    harness.until(lambda: all(it.session.state is SessionState.CONNECTED for it in people))
    until = perf_counter() + seconds

    def is_over() -> bool:
        for it in people:
            it.go_on()
        return _are_done(people) or perf_counter() >= until

    harness.until(is_over, seconds + 5.0)

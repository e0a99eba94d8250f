"""One character's real runner in a game, and the history that its events are checked against."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgpack

from characters.client.config import (
    CharacterEvent,
    MessageRefused,
    SessionConfig,
    TextRefused,
)
from characters.client.minds import MOST_TURNS
from characters.client.session_runner import SessionRunner
from characters.protocol.messages import (
    BotLlmText,
    BotTurnCompleted,
    ServerResponse,
    TakenBack,
    UserTextMessage,
)
from characters.session.conversation import ResumeOutcome, SessionState, SessionStateChanged
from characters.session.policy import Persist, ReconnectPolicy, ResumePolicy
from characters.storage.sessions import SessionPersistence
from tests.simulation.agent import greeting_of, line_of, number_of, numbers_of
from tests.simulation.promise import BrokenPromise, promise
from tests.simulation.session_checker import HAIR, NEXT
from tests.simulation.shell.network import Route
from tests.simulation.shell.service_host import PACE, ServiceHost

__all__ = ["ClientCharacter"]

REST = SessionState.DISCONNECTED


@dataclass
class ExpectedHistory:
    """What one conversation is known to hold, by what the player was told."""

    confirmed: set[int] = field(default_factory=set)
    hearing: set[int] = field(default_factory=set)  # whose turn is not completed yet
    answered: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)  # may have been taken back

    def confirm(self, number: int) -> None:
        """Note that a line is durable."""
        self.confirmed |= {number} - self.doubtful

    def complete(self) -> None:
        """Note that what is heard is told."""
        self.answered |= self.hearing - self.doubtful

    def doubt(self, last: int) -> None:
        """Note that the last exchange is to be taken back; its answer is lost at times."""
        certain = sorted(self.confirmed & self.answered)[:-1]
        self.doubtful |= set(range(certain[-1] + 1 if certain else 1, last + 1))
        self.confirmed -= self.doubtful
        self.answered -= self.doubtful


class ClientCharacter:
    """One character over the processes of its game."""

    def __init__(
        self,
        name: str,
        policy: ReconnectPolicy,
        persist: Persist,
        route: Callable[[Callable[[bool, str | bytes], None]], Route],
        host: ServiceHost,
        persistence: SessionPersistence,
        fail: Callable[[BrokenPromise], None],
    ) -> None:
        self.config = SessionConfig(
            name, policy=policy, persist=persist, end_user_id="player", endpoint_id="home"
        )
        self.name = name
        self.host, self.persistence, self._fail = host, persistence, fail
        self.route = route(self._spy)
        self.runner: SessionRunner | None = None
        self.diary: deque[tuple[float, object, SessionState]] = deque(maxlen=40)
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.last = 0
        self._books: dict[str, ExpectedHistory] = {}
        self._state = REST
        self._ids: set[str] = set()
        self._last_id = ""
        self._ready_at: float | None = None
        self._least_delay = 0.0  # of those in force since the ready signal
        self._active_at = 0.0
        self.is_muted = False

    def wake_up(self, runner: SessionRunner) -> None:
        """Begin with a new process: nothing is known but what is durable."""
        self.runner = runner
        runner.session.events.subscribe(self.told)
        self._state = REST

    @property
    def now(self) -> float:
        return self.route.loop.time()

    def change_delay(self, seconds: float) -> None:
        """Let the microphone open so long after the ready signal."""
        policy = replace(self.config.policy, auto_mic_start_delay_seconds=seconds)
        self.config = replace(self.config, policy=policy)
        self._least_delay = min(self._least_delay, seconds)
        if self.runner is not None:
            self.runner.reconfigure(self.config)

    def type_line(self) -> None:
        """Say the next line."""
        if self.runner is not None:
            self.last += 1
            self.host.store.typed[self.name] = self.last
            self.counts["lines typed"] += 1
            self.runner.conversation.send_text(line_of(self.name, self.last))

    def take_back(self, answer_again: bool) -> None:
        """Take the last exchange back, or let its line be answered again."""
        if self.runner is not None:
            self._book.doubt(self.last)
            self.runner.conversation.take_back(answer_again=answer_again)

    def speak(self) -> None:
        """Offer a frame that ends now, as the ears do."""
        if self.runner is not None and self.runner.conversation.offer_audio(bytes(640), self.now):
            self.counts["frames sent"] += 1

    # --- what the game is told ------------------------------------------------------------------

    def told(self, event: CharacterEvent) -> None:
        """Take an event of the runner; what is wrong with it is told to the weather."""
        try:
            self._take(event)
        except BrokenPromise as problem:
            self._fail(problem)

    def _take(self, event: CharacterEvent) -> None:
        if isinstance(event, SessionStateChanged):
            self._state_changed(event)
        elif isinstance(event, BotLlmText):
            self._heard(event.text)
        elif isinstance(event, BotTurnCompleted) and event.message_id is not None:
            self.counts["turns cut" if event.was_interrupted else "turns completed"] += 1
            # What a character was told is durable before its turn is completed, not before.
            if not (event.was_interrupted or event.was_aborted):
                self._book.complete()
            self._book.hearing.clear()
        elif isinstance(event, ServerResponse) and event.event_type == UserTextMessage.TYPE:
            self._answered_typing(event)
        elif isinstance(event, TextRefused):
            self.counts["lines refused"] += 1
        elif isinstance(event, TakenBack):
            self._taken_back(event)
        elif isinstance(event, MessageRefused):
            self.counts["undone nothing"] += 1

    @property
    def _session_id(self) -> str:
        """The conversation that is held; one that was forgotten goes on until the line ends."""
        assert self.runner is not None
        self._last_id = self.runner.session.view.session_id or self._last_id
        return self._last_id

    @property
    def _book(self) -> ExpectedHistory:
        return self._books.setdefault(self._session_id, ExpectedHistory())

    def _state_changed(self, change: SessionStateChanged) -> None:
        old, new = change.old_state, change.new_state
        self.diary.append((self.now, f"{change.reason}", new))
        is_legal = old is self._state and new in NEXT[old]
        promise(is_legal, f"The state went from {self._state.name} to {new.name}.", self.name)
        self._state = new
        if new is not SessionState.CONNECTED:
            return
        assert change.resume is not None and change.session_id is not None
        self._last_id = change.session_id  # it may be forgotten before a word is said in it
        record = self.persistence.load(self.name)
        is_durable = record is not None and record.session_id == change.session_id
        promise(is_durable or change.error, "CONNECTED before the id was durable.", self.name)
        outcome, is_known = change.resume.outcome, change.session_id in self._ids
        self.outcomes[outcome.value] += 1
        is_right = is_known is (outcome is not ResumeOutcome.FRESH)
        # A process that is killed between the write and the word leaves an id that nobody told.
        is_right = is_right or (not is_known and outcome is not ResumeOutcome.FRESH)
        promise(is_right, f"A conversation was called {outcome.value}.", self.name)
        if self.config.policy.resume_policy is ResumePolicy.ALWAYS_FRESH:
            was_dropped = old is SessionState.RECONNECTING
            promise(was_dropped or not is_known, "ALWAYS_FRESH went on with an id.", self.name)
        self._ids.add(change.session_id)

    def _taken_back(self, event: TakenBack) -> None:
        """What was taken back must never be known again; what is answered again is."""
        self.counts["answered again" if event.is_repeated else "taken back"] += 1
        if not event.is_repeated:
            self.host.store.secrets[self._session_id] |= numbers_of(event.text)

    def _heard(self, text: str) -> None:
        if text.startswith(" "):
            return
        name, number = number_of(text)
        promise(name == self.name, "An answer of another's talk was heard.", self.name)
        leaked = numbers_of(text) & self.host.store.secrets[self._session_id]
        promise(not leaked, "What must not be known in a branch was said there.", self.name)
        remembered, book = greeting_of(text), self._book
        if remembered is not None:
            if self._state is not SessionState.CONNECTED:
                return  # repeated to a game that was restarted: it tells of an earlier time
            certain = max(book.confirmed & book.answered, default=0)
            is_kept = remembered.last >= certain or not self.host.keeps(self._session_id)
            promise(is_kept, "A confirmed line was forgotten.", self.name)
        elif number:
            word = text.split()[0]
            decided = self.host.store.decided.get((self._session_id, number))
            is_undone = (self._session_id, number) in self.host.store.taken_back
            is_once = is_undone or decided in (None, word)
            promise(is_once, "An answer was decided twice.", self.name)
            book.hearing.add(number)
            self.counts["answers heard"] += 1

    def _answered_typing(self, message: ServerResponse) -> None:
        if message.status == "error":
            self.counts["lines refused"] += 1
            return
        assert self.runner is not None
        _, number = number_of(str((message.extras or {}).get("text")))
        session_id = self._session_id
        if self.host.keeps(session_id):
            store = self.host.store
            is_undone = (session_id, number) in store.taken_back
            is_kept = is_undone or number in store.told(session_id)
            promise(is_kept, "A line was confirmed before it was durable.", self.name)
        self._book.confirm(number)
        self.counts["lines confirmed"] += 1

    def check_loaded(self, saved_id: str) -> None:
        """The slot with this session was loaded: its talk is shown, and then what is new."""
        assert self.runner is not None
        turns = self.host.store.saved[saved_id].turns[-MOST_TURNS:]
        shown = [(turn.speaker, turn.text) for turn in self.runner.session.talk.transcript.turns]
        is_shown = tuple(shown[: len(turns)]) == turns
        try:
            promise(is_shown, "What is shown after a load is not what was saved.", self.name)
        except BrokenPromise as problem:
            self._fail(problem)

    # --- what the network sees ------------------------------------------------------------------

    def _spy(self, at_service: bool, data: str | bytes) -> None:
        try:
            if isinstance(data, bytes):
                self._saw_audio(data)
            elif not at_service and '"bot-ready"' in data:
                self._ready_at = self.now
                self._least_delay = self.config.policy.auto_mic_start_delay_seconds
            elif at_service and ('"user_text_message"' in data or '"hello"' in data):
                self._active_at = self.now
            elif not at_service and '"idle-timeout"' in data:
                idle = self.now - self._active_at
                promise(idle >= PACE.idle_timeout, "An idle time-out without idleness.", self.name)
                self.counts["idle time-outs"] += 1
        except BrokenPromise as problem:
            self._fail(problem)

    def _saw_audio(self, data: bytes) -> None:
        delay = self._least_delay
        timestamp: Any = msgpack.unpackb(data)[2]
        promise(timestamp >= delay - HAIR, "A frame of before ready + delay was sent.", self.name)
        is_ready = self._ready_at is not None and self.now >= self._ready_at + delay - HAIR
        promise(is_ready, "A frame came before ready + delay.", self.name)
        self.counts["frames heard"] += 1

    # --- the end ------------------------------------------------------------------------------

    def check(self) -> None:
        """In calm weather, after everybody was heard out."""
        runner = self.runner
        assert runner is not None
        view = runner.session.view
        state = view.state
        promise(state is SessionState.CONNECTED, f"In calm weather: {state.name}.", self.name)
        promise(not view.unconfirmed_lines, "A line was not confirmed nor refused.", self.name)
        promise(not runner.session.talk.waiting, "A line waits all the same.", self.name)
        for session_id, book in self._books.items():
            if self.host.keeps(session_id):
                is_kept = book.confirmed <= set(self.host.store.told(session_id))
                promise(is_kept, "A confirmed line is not in the transcript.", self.name)
        pending = self.host.store.pending(view.session_id or "")
        left = [reply for reply in pending if reply.parts is not None]
        promise(not left, "An answer never reached the player.", self.name)

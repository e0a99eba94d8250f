r"""One talk: whose turn it is, what waits for one, what the player has not been answered.

The conversation takes what happened, with the time, and returns what to do. A player who types
during a character's turn ends it; a greeting, and an answer that is told again, is then given
out whole first, so that nobody misses that he was recognised, or what he had asked.

Where the game decides who answers (`set_modes`), what the player says is noted and kept, and
answered all together when `respond` is called.

One turn of a character: the parts of an answer in, messages in their order out.

    consult -> llm-started -> llm-text* -> llm-stopped -> turn-completed
                          \-> tts-started, started-speaking .. stopped-speaking -/

Text is let out word by word at a natural pace; voice, when there is one, is made and paced by
the shell, which reports its start and its end. The turn is over when both are.

How long a silent player is waited for: a remark, a warning, the end.

How fast a talk goes: the words of an answer, the breath between sentences, patience.

What a conversation decides; the room performs it.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from characters.agents.agent import Arrived, Do, Event, Feel, Part, PlayerSaid, Prompt, Say, Silence
from characters.protocol.messages import (
    SILENT,
    USER_TEXT,
    ActionResponse,
    BotEmotion,
    BotLlmStarted,
    BotLlmStopped,
    BotLlmText,
    BotStartedSpeaking,
    BotStoppedSpeaking,
    BotTtsStarted,
    BotTurnCompleted,
    LlmNoResponse,
    ServerMessage,
    UserIdleWarning,
)

__all__ = [
    "AgentTurn",
    "Effect",
    "Effects",
    "End",
    "Entry",
    "Generate",
    "IdleTimer",
    "MAX_UNANSWERED",
    "MAX_WAITING",
    "Note",
    "PendingReply",
    "PersistEntry",
    "pieces",
    "PlayerLine",
    "RepeatAnswer",
    "ResolveReply",
    "RoomConversation",
    "Send",
    "SpeakText",
    "StopSpeaking",
    "TimingConfig",
    "TurnRequest",
]


_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)")
_BEATS = {".": 4.0, "!": 4.0, "?": 4.0, ",": 2.0, ";": 2.0}


@dataclass(frozen=True, slots=True)
class TimingConfig:
    """How fast things go (seconds); all zero, with no idle time, is for tests."""

    words_per_second: float = 14.0
    think_seconds: float = 0.25
    idle_timeout: float = 900.0
    idle_warning: float = 60.0
    remark_after: float = 45.0

    def seconds_for(self, piece: str) -> float:
        """Return how long a piece of text takes before the next one follows."""
        if self.words_per_second <= 0:
            return 0.0
        return _BEATS.get(piece.rstrip()[-1:], 1.0) / self.words_per_second


def pieces(text: str) -> list[str]:
    """Cut a text into words that carry the space before them, so that they join again."""
    found = _PIECE.findall(text)
    rest = text[sum(map(len, found)) :]
    return [*found[:-1], found[-1] + rest] if found else [text] if text else []


class IdleTimer:
    """One player's silence; `now` is in seconds."""

    def __init__(self, pace: TimingConfig, now: float) -> None:
        self._pace = pace
        self._active_at = now
        self._is_warned = False
        self._remarks_left = 0
        self._is_present = True

    def active(self, now: float) -> None:
        """Note that the player is there."""
        self._active_at = now
        self._is_warned = False

    def set_present(self, present: bool, now: float) -> None:
        """The player's connection came or went: nobody is idle who is not there."""
        self._is_present = present
        self.active(now)

    def allow_remark(self, count: int = 1) -> None:
        """Let the character break the next silence, or none."""
        self._remarks_left = count

    def deadline(self, *, is_busy: bool) -> float:
        """Return when the next of the three is due."""
        if not self._is_present:
            return math.inf
        over = self._active_at + self._pace.idle_timeout
        times = [over if self._is_warned else over - self._pace.idle_warning]
        if self._remarks_left and not is_busy:
            times.append(self._active_at + self._pace.remark_after)
        return min(times)

    def is_over(self, now: float) -> bool:
        """Tell whether the player has been silent for too long."""
        return self._is_present and now >= self._active_at + self._pace.idle_timeout

    def warning(self, now: float) -> float | None:
        """Return the seconds left when that is to be told, once."""
        left = self._active_at + self._pace.idle_timeout - now
        if not self._is_present or self._is_warned or left > self._pace.idle_warning:
            return None
        self._is_warned = True
        return left

    def takes_remark(self, now: float) -> bool:
        """Tell whether a remark is due, and count it as made."""
        is_due = now >= self._active_at + self._pace.remark_after
        if not (self._is_present and self._remarks_left and is_due):
            return False
        self._remarks_left -= 1
        return True


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to the client."""

    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Generate:
    """Ask the mind; hand its parts to `part`, and then call `thought_out`."""

    turn: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Note:
    """Let the mind take in what the player said, without an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeakText:
    """Speak this next; None: nothing more comes in this turn."""

    turn: int
    text: str | None


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Stop consulting and speaking for that turn at once."""

    turn: int


@dataclass(frozen=True, slots=True)
class PersistEntry:
    """Remember that this was said, speaker "player" or "character".

    `message_id` is what the client called a typed line; `answers` is the line that is answered.
    """

    speaker: str
    text: str
    message_id: str | None = None
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class PendingReply:
    """Remember that these lines are to be answered: with these parts, or None for undecided yet.

    It is kept in one go with what the mind remembers by then, so that an answer is decided once.
    """

    message_ids: tuple[str, ...]
    parts: tuple[Part, ...] | None


@dataclass(frozen=True, slots=True)
class ResolveReply:
    """Forget that this line is to be answered: it was, or nobody waits for it any more.

    None stands for every line whose answer is decided.
    """

    message_id: str | None


@dataclass(frozen=True, slots=True)
class End:
    """End the talk; the reason is for the client's `bye`."""

    reason: str


Entry: TypeAlias = PersistEntry | PendingReply | ResolveReply
"""What is written down, in order."""

Effect: TypeAlias = Send | Generate | Note | SpeakText | StopSpeaking | Entry | End
Effects: TypeAlias = list[Effect]


@dataclass(frozen=True, slots=True)
class PlayerLine:
    """Something that the player typed or said; `is_kept` once it is handed over to be kept."""

    text: str
    message_id: str | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class RepeatAnswer:
    """Give an answer that was decided before, and that the client has not had whole."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What a turn is about, and the lines that it answers."""

    prompt: Prompt | RepeatAnswer
    lines: tuple[PlayerLine, ...] = ()

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The lines that have ids."""
        return tuple(line.message_id for line in self.lines if line.message_id is not None)


Words: TypeAlias = deque[str]


class AgentTurn:
    """The character's turn in progress."""

    def __init__(
        self, number: int, wish: TurnRequest, pace: TimingConfig, now: float, *, voice: bool
    ) -> None:
        self.number = number
        self.is_thinking = True
        self.voice_wanted = False
        self._wish = wish
        self._pace = pace
        self._voice = voice
        self._next_at = now + pace.think_seconds
        self._parts: list[Part] = []
        self._words: Words = deque()
        self._said: list[str] = []
        self._is_told = isinstance(wish.prompt, RepeatAnswer)  # what the player said is kept
        self._text_open = False
        self._speaking = False

    @property
    def is_given_whole(self) -> bool:
        """Whether it is let out to the end when the player goes on, so that he misses nothing."""
        return isinstance(self._wish.prompt, Arrived | RepeatAnswer)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return not (self._words or self.is_thinking or self.voice_wanted)

    @property
    def next_at(self) -> float | None:
        """When the next word is due."""
        return self._next_at if self._words else None

    @property
    def _answers(self) -> str | None:
        ids = self._wish.message_ids
        return ids[-1] if ids else None

    # --- what comes in -------------------------------------------------------------------

    def part(self, part: Part, now: float) -> Effects:
        """Take a piece of the answer."""
        self._parts.append(part)
        if isinstance(part, Feel):
            return [Send(BotEmotion(part.emotion, part.scale))]
        if isinstance(part, Do):
            return [Send(ActionResponse(part.actions, self._answers))]
        return self._say(part, now)

    def _say(self, part: Say, now: float) -> Effects:
        effects: Effects = []
        if not self._text_open:
            self._text_open = True
            effects.append(Send(BotLlmStarted()))
        if not self._words:
            self._next_at = max(self._next_at, now)
        self._words.extend(pieces(part.text))
        if self._voice:
            self.voice_wanted = True
            effects.append(SpeakText(self.number, part.text))
        return effects + self.let_out(now)

    def told(self) -> Effects:
        """The mind has taken in what was said, and its answer is decided: now both are kept."""
        if self._is_told:
            return []
        self._is_told = True
        lines, ids = self._wish.lines, self._wish.message_ids
        kept = [
            PersistEntry("player", line.text, line.message_id) for line in lines if not line.is_kept
        ]
        return [*kept, PendingReply(ids, tuple(self._parts))] if ids else [*kept]

    def thought_out(self) -> Effects:
        """The mind has nothing to add."""
        self.is_thinking = False
        return [SpeakText(self.number, None)] if self.voice_wanted else []

    def voice_started(self) -> Effects:
        """The first sound is on its way."""
        if self._speaking:
            return []
        self._speaking = True
        response = BotStartedSpeaking(f"r{self.number}", self.number)
        return [Send(BotTtsStarted()), Send(response)]

    def voice_ended(self) -> Effects:
        """The last sound is on its way, or there is none."""
        self.voice_wanted = False
        return self._stop_speaking()

    # --- what goes out -------------------------------------------------------------------

    def let_out(self, now: float) -> Effects:
        """Say the words that are due."""
        effects: Effects = []
        while self._words and self._next_at <= now:
            piece = self._words.popleft()
            effects.append(self._utter(piece))
            self._next_at += self._pace.seconds_for(piece)
        if not self._words and not self.is_thinking and self.voice_wanted and self._text_open:
            self._text_open = False
            effects.append(Send(BotLlmStopped()))
        return effects

    def _utter(self, piece: str) -> Send:
        self._said.append(piece)
        return Send(BotLlmText(piece))

    def finish(self, *, is_cut: bool, rest: bool = False, error: str | None = None) -> Effects:
        """End the turn, with the words that are left if `rest`, and keep what was said."""
        effects = self.told()
        if rest and self._words:
            effects.append(self._utter("".join(self._words)))
        if self._text_open:
            effects.append(Send(BotLlmStopped()))
        effects += self._stop_speaking()
        if not self._said and not is_cut and not error:
            effects.append(Send(LlmNoResponse("abstain")))
        aborted = True if error else None
        effects.append(Send(BotTurnCompleted(is_cut, aborted, error, self._answers)))
        if self._said:
            effects.append(PersistEntry("character", "".join(self._said), answers=self._answers))
        # What the player has cut short is not told again; a voice that was is only a voice.
        if is_cut and not rest:
            effects += [ResolveReply(message_id) for message_id in self._wish.message_ids]
        return effects

    def _stop_speaking(self) -> Effects:
        if not self._speaking:
            return []
        self._speaking = False
        return [Send(BotStoppedSpeaking())]


MAX_WAITING = 8  # prompts, while the mind thinks
MAX_UNANSWERED = 32  # lines that the game has asked no answer to


class RoomConversation:
    """One talk between one player and one character."""

    def __init__(
        self, now: float, pace: TimingConfig | None = None, *, voice: bool = False
    ) -> None:
        self._pace = pace or TimingConfig()
        self._voice = voice
        self._turn: AgentTurn | None = None
        self._turns = 0
        self._waiting: deque[TurnRequest] = deque()
        self._unanswered: deque[PlayerLine] = deque()
        self._modes: Mapping[str, str] = {}
        self._patience = IdleTimer(self._pace, now)

    # --- what the shell asks -------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether the character has the turn."""
        return self._turn is not None

    @property
    def is_full(self) -> bool:
        """Whether so much waits for an answer that no more is taken."""
        return len(self._waiting) >= MAX_WAITING

    def deadline(self) -> float:
        """Return when `tick` is due next."""
        word_at = None if self._turn is None else self._turn.next_at
        return self._patience.deadline(is_busy=self.is_busy) if word_at is None else word_at

    # --- what happened -------------------------------------------------------------------

    def arrive(self, away_seconds: float | None, now: float) -> Effects:
        """The player came into a new room, and the character is ready."""
        return self.prompt(Arrived(away_seconds), now)

    def take_up(
        self, left: Iterable[tuple[PlayerLine, tuple[Part, ...] | None]], now: float
    ) -> Effects:
        """Go on where an earlier room ended: tell what it had still to tell, after what is told.

        Lines whose answer was never asked for (None) stay unanswered.
        """
        for line, parts in left:
            if parts is None:
                self._unanswered.append(line)
            else:
                self._waiting.append(TurnRequest(RepeatAnswer(parts), (line,)))
        return [] if self.is_busy else self._next(now)

    def player_said(
        self, text: str, now: float, message_id: str | None = None, lane: str = USER_TEXT
    ) -> Effects:
        """The player typed or spoke; it is kept together with what the mind makes of it."""
        if self._modes.get(lane) == SILENT:
            return self._note(text, now, message_id)
        self._patience.allow_remark()
        if self.is_full:
            self.active(now)
            return [PersistEntry("player", text, message_id)]
        return self._answer((*self._take_unanswered(), PlayerLine(text, message_id)), now)

    def _note(self, text: str, now: float, message_id: str | None) -> Effects:
        self.active(now)
        effects: Effects = [Note(text), PersistEntry("player", text, message_id)]
        if message_id is not None:
            effects.append(PendingReply((message_id,), None))
        if len(self._unanswered) == MAX_UNANSWERED:
            oldest = self._unanswered.popleft().message_id
            effects += [] if oldest is None else [ResolveReply(oldest)]
        self._unanswered.append(PlayerLine(text, message_id, is_kept=True))
        return effects

    @property
    def _unanswered_ids(self) -> set[str | None]:
        return {line.message_id for line in self._unanswered}

    def _take_unanswered(self) -> tuple[PlayerLine, ...]:
        lines = tuple(self._unanswered)
        self._unanswered.clear()
        return lines

    def _answer(self, lines: tuple[PlayerLine, ...], now: float) -> Effects:
        said = PlayerSaid(" ".join(line.text for line in lines), lines[-1].message_id)
        return self._ask(TurnRequest(said, lines), now)

    def respond(self, now: float, about: str = "", message_id: str | None = None) -> Effects:
        """Answer what was said since the last answer; else react to `about`, or just speak.

        `message_id` is the last line that is meant: when it was answered before, nothing is done.
        """
        if message_id is not None and message_id not in self._unanswered_ids:
            return []
        if self._unanswered:
            return self._answer(self._take_unanswered(), now)
        return self.prompt(Event("context", about) if about else Silence(), now)

    def prompt(self, prompt: Prompt, now: float) -> Effects:
        """Give the turn to the character, ending the one before.

        A mind that is still thinking is let finish, so that nothing that is said to it is lost.
        """
        return self._ask(TurnRequest(prompt), now)

    def _ask(self, wish: TurnRequest, now: float) -> Effects:
        self.active(now)
        if self._turn is not None and self._turn.is_thinking:
            if not self.is_full:
                self._waiting.append(wish)
            return []
        return [*self._make_room(), *self._begin(wish, now)]

    def _begin(self, wish: TurnRequest, now: float) -> Effects:
        self._turns += 1
        self._turn = turn = AgentTurn(self._turns, wish, self._pace, now, voice=self._voice)
        prompt = wish.prompt
        if not isinstance(prompt, RepeatAnswer):
            return [Generate(turn.number, prompt)]
        effects = [effect for part in prompt.parts for effect in turn.part(part, now)]
        return effects + self.thought_out(turn.number, now)

    def active(self, now: float) -> None:
        """Note that the player is there."""
        self._patience.active(now)

    def set_present(self, present: bool, now: float) -> None:
        """The player's connection came or went: nobody is idle who is not there."""
        self._patience.set_present(present, now)

    def set_voice(self, enabled: bool) -> None:
        """Turn the voice on or off from the next turn on."""
        self._voice = enabled

    def set_modes(self, modes: Mapping[str, str]) -> None:
        """Replace the respond modes; a lane that is not named is answered."""
        self._modes = dict(modes)
        if SILENT in self._modes.values():
            self._patience.allow_remark(0)

    def set_mode(self, lane: str, mode: str) -> Mapping[str, str]:
        """Set the respond mode of one lane; return them all."""
        self.set_modes({**self._modes, lane: mode})
        return self._modes

    # --- what the mind and the voice report: a turn that is over takes nothing ---------------

    def _open(self, number: int) -> AgentTurn | None:
        turn = self._turn
        return turn if turn is not None and turn.number == number else None

    def part(self, number: int, part: Part, now: float) -> Effects:
        """Take a piece of the mind's answer."""
        turn = self._open(number)
        return [] if turn is None else turn.part(part, now)

    def told(self, number: int) -> Effects:
        """The mind has taken in what was said to it in that turn: now it may be kept."""
        turn = self._open(number)
        return [] if turn is None else turn.told()

    def thought_out(self, number: int, now: float) -> Effects:
        """The mind has nothing to add to that turn."""
        turn = self._open(number)
        if turn is None:
            return []
        effects = turn.thought_out()
        if self._waiting:
            effects += self._finish(turn, is_cut=turn.voice_wanted, rest=True)
            return effects + self._next(now)
        return effects + self._let_out(turn, now)

    def failed(self, number: int, now: float) -> Effects:
        """The mind broke down in that turn; what it said so far stands."""
        turn = self._open(number)
        if turn is None:
            return []
        return self._finish(turn, is_cut=False, error="dialogue_failed") + self._next(now)

    def voice_started(self, number: int) -> Effects:
        """The first sound of that turn is on its way."""
        turn = self._open(number)
        return [] if turn is None else turn.voice_started()

    def voice_ended(self, number: int, now: float) -> Effects:
        """The last sound of that turn is on its way, or there is none."""
        turn = self._open(number)
        return [] if turn is None else turn.voice_ended() + self._let_out(turn, now)

    def interrupt(self, now: float) -> Effects:
        """The player cut the character short."""
        self.active(now)
        return self._cut() + self._next(now)

    def tick(self, now: float) -> Effects:
        """Do what is due; call it at `deadline`."""
        effects = self._let_out(self._turn, now) if self._turn is not None else []
        return effects + self._idle(now)

    # --- turns ---------------------------------------------------------------------------

    def _next(self, now: float) -> Effects:
        return self._begin(self._waiting.popleft(), now) if self._waiting else []

    def _make_room(self) -> Effects:
        turn = self._turn
        if turn is not None and turn.is_given_whole:
            return self._finish(turn, is_cut=turn.voice_wanted, rest=True)
        return self._cut()

    def _cut(self) -> Effects:
        return [] if self._turn is None else self._finish(self._turn, is_cut=True)

    def _let_out(self, turn: AgentTurn, now: float) -> Effects:
        effects = turn.let_out(now)
        return effects + self._finish(turn, is_cut=False) if turn.is_over else effects

    def _finish(
        self, turn: AgentTurn, *, is_cut: bool, rest: bool = False, error: str | None = None
    ) -> Effects:
        self._turn = None
        effects: Effects = [StopSpeaking(turn.number)] if is_cut or error else []
        return effects + turn.finish(is_cut=is_cut, rest=rest, error=error)

    # --- idleness ------------------------------------------------------------------------

    def _idle(self, now: float) -> Effects:
        if self._patience.is_over(now):
            return [End("idle-timeout")]
        left = self._patience.warning(now)
        if left is not None:
            return [Send(UserIdleWarning(round(left, 3), "Are you still there?"))]
        if not self.is_busy and self._patience.takes_remark(now):
            # The character's own word is not the player's activity.
            return self._begin(TurnRequest(Silence()), now)
        return []

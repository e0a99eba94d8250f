r"""The conversation of one room, pure: what happened goes in with its time, what to do comes out.

The turn is the player's or the character's. A player who types during the character's turn ends
it; a greeting, and an answer that is repeated after a restart, is given out whole first.

Where the game decides who answers (`set_modes`), what the player says is noted and persisted, and
answered all together when `respond` is called.

A turn takes the parts of an answer and returns messages in their order:

    generate -> llm-started -> llm-text* -> llm-stopped -> turn-completed
                          \-> tts-started, started-speaking .. stopped-speaking -/

Text is let out word by word at a natural pace; voice, when there is one, is made and paced by the
room, which reports its start and its end. The turn is over when both are.

An agent may take its time, as a language model does. What the player says ends its turn at once:
what was let out stands, the rest is dropped; where nothing was let out yet, it is asked anew, about
all that was said. Where the client has paused the character first (`pause`), the turn waits until
it is known whether a line was said at all (`overlap`). Lines are persisted when the agent is asked,
answers when they are complete.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from characters.agents.agent import (
    Arrived,
    BrokenOff,
    Do,
    Event,
    Feel,
    LimitReached,
    Part,
    PlayerSaid,
    Prompt,
    Refused,
    Say,
    Silence,
)
from characters.agents.hearing import is_backchannel
from characters.protocol import messages
from characters.protocol.messages import ModelUsage
from characters.service.effects import (
    Effects,
    End,
    Generate,
    Note,
    PauseSpeaking,
    PendingReply,
    PersistEntry,
    PlayerLine,
    ResolveReply,
    ResumeSpeaking,
    Send,
    SpeakText,
    StopSpeaking,
)
from characters.service.overlap import Overlap, OverlapEvent, OverlapOrder
from characters.service.pace import IdleTimer, TimingConfig, pieces
from characters.speech.sentences import whole_sentences

__all__ = [
    "AgentTurn", "MAX_UNANSWERED", "MAX_WAITING", "RepeatAnswer", "RoomConversation", "TurnRequest",
]  # fmt: skip


# --- one turn of the character ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepeatAnswer:
    """Give an answer that was decided before, and that the client has not received whole."""

    parts: tuple[Part, ...]
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What a turn is about, and the lines that it answers."""

    prompt: Prompt | RepeatAnswer
    lines: tuple[PlayerLine, ...] = ()

    @property
    def is_repeat(self) -> bool:
        """Whether it is about an answer that was decided before."""
        return isinstance(self.prompt, RepeatAnswer)


THINKING_SECONDS = 0.6  # without a word before the character is seen thinking
# An agent that takes longer is not waited for when the player goes on. A script never does: its
# answer to each line is given, however fast they come.
SLOW_SECONDS = 0.05


class AgentTurn:
    """The character's turn in progress: it generates, then its answer becomes durable, then ends.

    It is thinking until the answer is durable.
    """

    def __init__(
        self, number: int, request: TurnRequest, timing: TimingConfig, now: float, *, voice: bool
    ) -> None:
        self.number = number
        self.is_thinking = True
        self.is_voice_due = False
        # What a repeated answer is about was persisted by an earlier room.
        self.is_generating = not request.is_repeat
        self.request = request
        self._timing = timing
        self._has_voice = voice
        self._next_at = now + timing.think_seconds
        self._shows_thinking_at = now + THINKING_SECONDS
        self.slow_at = now + SLOW_SECONDS
        self._parts: list[Part] = []
        self._words: deque[str] = deque()
        self._said: list[str] = []
        self._unspoken = ""  # what the voice waits for the end of
        self._error: str | None = None
        self._is_text_open = False
        self._is_speaking = False
        self._paused_at: float | None = None

    @property
    def is_given_whole(self) -> bool:
        """Whether it is let out to its end when the player goes on, so that nothing is missed."""
        return isinstance(self.request.prompt, Arrived | RepeatAnswer)

    @property
    def has_said(self) -> bool:
        """Whether a word was let out."""
        return bool(self._said)

    @property
    def is_asking(self) -> bool:
        """Whether the last that was let out is a question."""
        return "".join(self._said[-2:]).rstrip("\"')] \n").endswith("?")

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        is_paused = self._paused_at is not None
        return not (self._words or self.is_thinking or self.is_voice_due or is_paused)

    @property
    def next_at(self) -> float | None:
        """When the next word is due, or that it is shown thinking."""
        if self._paused_at is not None:
            return None
        if self.is_generating and not self._is_text_open:
            return self._shows_thinking_at
        return self._next_at if self._words else None

    @property
    def _answers(self) -> str | None:
        ids = self._reply.message_ids
        return ids[-1] if ids else None

    @property
    def _reply(self) -> PendingReply:
        return PendingReply(self.request.lines, tuple(self._parts))

    def begin(self) -> Effects:
        """Ask the agent; what it is asked about becomes durable meanwhile."""
        prompt = self.request.prompt
        assert not isinstance(prompt, RepeatAnswer)
        lines = self.request.lines
        new = (line for line in lines if not line.is_kept)
        said: Effects = [PersistEntry("player", line.text, line.message_id) for line in new]
        self.request = replace(
            self.request, lines=tuple(replace(line, is_kept=True) for line in lines)
        )
        if self._answers is not None:
            said.append(PendingReply(self.request.lines, None))
        return [Generate(self.number, prompt), *said]

    # --- what comes in ---

    def part(self, part: Part, now: float) -> Effects:
        """Take a piece of the answer."""
        return self._TAKERS[type(part)](self, part, now)

    def _feel(self, part: Feel, now: float) -> Effects:
        self._parts.append(part)
        return [Send(messages.BotEmotion(part.emotion, part.scale))]

    def _do(self, part: Do, now: float) -> Effects:
        self._parts.append(part)
        return [Send(messages.ActionResponse(part.actions, self._answers))]

    def _say(self, part: Say, now: float) -> Effects:
        self._parts.append(part)
        effects = self._open_text(now)
        self._words.extend(pieces(part.text))
        return effects + self._speak(part.text) + self.let_out(now)

    def _speak(self, text: str) -> Effects:
        if not self._has_voice:
            return []
        self.is_voice_due = True
        ready, self._unspoken = whole_sentences(self._unspoken + text)
        return [SpeakText(self.number, ready)] if ready else []

    def _break_off(self, part: BrokenOff, now: float) -> Effects:
        """Drop what has come of the last sentence; one that was begun gets an end."""
        self._error = part.reason or None
        said, waiting = "".join(self._said), "".join(self._words)
        whole, rest = whole_sentences(said + waiting)
        closing = f"\u2026 {part.closing}".rstrip()
        self._unspoken = ""
        if len(whole) < len(said) or not whole:
            kept = closing if said else rest + closing
            effects = self._speak(part.closing)
        else:
            kept, effects = whole[len(said) :], []
        self._words = deque(pieces(kept))
        others = [other for other in self._parts if not isinstance(other, Say)]
        self._parts = [*others, Say(said + kept)]
        return effects + self.let_out(now)

    def _refuse(self, part: Refused, now: float) -> Effects:
        return [Send(messages.ActionRefused(part.name, part.reason))]

    def _used(self, part: ModelUsage, now: float) -> Effects:
        return [Send(messages.Metrics(custom=(asdict(part),)))]

    def _limit(self, part: LimitReached, now: float) -> Effects:
        return [Send(messages.UsageLimitReached("session_tokens", part.message))]

    _TAKERS: Mapping[type[Part], Callable[[Any, Any, float], Effects]] = {
        Say: _say,
        Feel: _feel,
        Do: _do,
        Refused: _refuse,
        BrokenOff: _break_off,
        ModelUsage: _used,
        LimitReached: _limit,
    }

    def _open_text(self, now: float) -> Effects:
        if not self._words:
            self._next_at = max(self._next_at, now)
        if self._is_text_open:
            return []
        self._is_text_open = True
        return [Send(messages.BotLlmStarted())]

    def decided(self) -> Effects:
        """Persist the answer, which is complete now."""
        if not self.is_generating:
            return []
        self.is_generating = False
        return [self._reply] if self._answers is not None else []

    def completed(self) -> Effects:
        """Note that nothing more of the answer comes."""
        self.is_thinking = False
        if not self.is_voice_due:
            return []
        rest, self._unspoken = self._unspoken, ""
        texts = (rest, None) if rest.strip() else (None,)
        return [SpeakText(self.number, text) for text in texts]

    def voice_started(self) -> Effects:
        """Note that the first sound is on its way."""
        if self._is_speaking:
            return []
        self._is_speaking = True
        return [
            Send(messages.BotTtsStarted()),
            Send(messages.BotStartedSpeaking(f"r{self.number}", self.number)),
        ]

    def voice_ended(self) -> Effects:
        """Note that the last sound is on its way, or that there is none."""
        self.is_voice_due = False
        return self._stop_speaking()

    # --- what goes out ---

    def pause(self, now: float, heard_until: float | None) -> Effects:
        """Let nothing out for now."""
        self._paused_at = now
        return [PauseSpeaking(heard_until), *self._stop_speaking()]

    def go_on(self, now: float) -> Effects:
        """Go on where it was paused."""
        if self._paused_at is not None:
            self._next_at += now - self._paused_at
            self._paused_at = None
        return [ResumeSpeaking()]

    def let_out(self, now: float) -> Effects:
        """Send the words that are due, or a sign that it is thinking."""
        if self._paused_at is not None:
            return []
        effects: Effects = []
        if self.is_generating and not self._is_text_open and now >= self._shows_thinking_at:
            effects += self._open_text(now)
        while self._words and self._next_at <= now:
            piece = self._words.popleft()
            self._said.append(piece)
            effects.append(Send(messages.BotLlmText(piece)))
            self._next_at += self._timing.seconds_for(piece)
        if not self._words and not self.is_thinking and self.is_voice_due and self._is_text_open:
            self._is_text_open = False
            effects.append(Send(messages.BotLlmStopped()))
        return effects

    def finish(self, *, is_cut: bool, rest: bool = False, error: str | None = None) -> Effects:
        """End the turn, with the words that are left if `rest`, and persist what was said."""
        error = error or self._error
        effects = self.decided()
        if rest and self._words:
            self._said.append("".join(self._words))
            effects.append(Send(messages.BotLlmText(self._said[-1])))
        if self._is_text_open:
            effects.append(Send(messages.BotLlmStopped()))
        effects += self._stop_speaking()
        if not self._said and not is_cut and not error:
            effects.append(Send(messages.LlmNoResponse("abstain")))
        aborted = True if error else None
        effects.append(Send(messages.BotTurnCompleted(is_cut, aborted, error, self._answers)))
        prompt = self.request.prompt
        if self._said and not (isinstance(prompt, RepeatAnswer) and prompt.is_kept):
            text, was_cut = "".join(self._said), bool(error) or (is_cut and not rest)
            effects.append(PersistEntry("character", text, None, self._answers, was_cut=was_cut))
        # What the player cut short is not repeated; where only the voice was cut, he has the text.
        if is_cut and not rest:
            effects += map(ResolveReply, self._reply.message_ids)
        return effects

    def withdraw(self) -> Effects:
        """End the turn as if it had not been: the agent is asked anew."""
        return [
            StopSpeaking(self.number),
            *([Send(messages.BotLlmStopped())] if self._is_text_open else ()),
        ]

    def _stop_speaking(self) -> Effects:
        if not self._is_speaking:
            return []
        self._is_speaking = False
        return [Send(messages.BotStoppedSpeaking())]


# --- the conversation ---------------------------------------------------------------------------

MAX_WAITING = 8  # turns that are requested while the agent thinks
MAX_UNANSWERED = 32  # lines that the game has requested no answer to


class RoomConversation:
    """The conversation between one player and one character."""

    def __init__(
        self,
        now: float,
        timing: TimingConfig | None = None,
        *,
        voice: bool = False,
        language: str = "en",
    ) -> None:
        self._timing = timing or TimingConfig()
        self._has_voice = voice
        self._language = language
        self._overlap = Overlap()
        self._turn: AgentTurn | None = None
        self._turns = 0
        self._waiting: deque[TurnRequest] = deque()
        self._unanswered: deque[PlayerLine] = deque()
        self._modes: Mapping[str, str] = {}
        self._idle = IdleTimer(self._timing, now)

    @property
    def is_busy(self) -> bool:
        """Whether the character has the turn."""
        return self._turn is not None

    @property
    def is_full(self) -> bool:
        """Whether so many turns wait that no more are taken."""
        turn = self._turn
        asked = len(turn.request.lines) if turn is not None and turn.is_generating else 0
        return len(self._waiting) + max(0, asked - 1) >= MAX_WAITING

    def deadline(self) -> float:
        """Return when `tick` is due next."""
        turn = self._turn
        is_asked = any(isinstance(request.prompt, PlayerSaid) for request in self._waiting)
        if turn is not None and turn.is_generating and is_asked:
            return turn.slow_at
        word_at = None if turn is None else turn.next_at
        due = self._idle.deadline(is_busy=self.is_busy) if word_at is None else word_at
        return min(due, self._overlap.deadline)

    # --- the player ---

    def arrive(self, away_seconds: float | None, now: float) -> Effects:
        """Greet the player, who has come into a new room."""
        return self.prompt(Arrived(away_seconds), now)

    def resume(self, pending: Iterable[PendingReply], now: float) -> Effects:
        """Go on where an earlier room ended: repeat its answers after the present turn.

        Lines whose answer is undecided are answered after that, unless the game decides when.
        """
        for reply in pending:
            if reply.parts is None:
                self._unanswered.extend(reply.lines)
            else:
                answer = RepeatAnswer(reply.parts, reply.is_kept)
                self._waiting.append(TurnRequest(answer, reply.lines))
        if self._unanswered and messages.SILENT not in self._modes.values():
            self._waiting.append(self._take_unanswered())
        return [] if self.is_busy else self._next(now)

    def player_said(
        self, text: str, now: float, message_id: str | None = None, lane: str = messages.USER_TEXT
    ) -> Effects:
        """Answer what the player typed or spoke; it is persisted together with the answer."""
        if self._modes.get(lane) == messages.SILENT:
            return self._note(text, now, message_id)
        self._idle.allow_remark()
        if self.is_full:
            self.active(now)
            return [PersistEntry("player", text, message_id)]
        self._unanswered.append(PlayerLine(text, message_id))
        return self._request(self._take_unanswered(), now)

    def _note(self, text: str, now: float, message_id: str | None) -> Effects:
        self.active(now)
        effects: Effects = [PersistEntry("player", text, message_id), Note(text)]
        line = PlayerLine(text, message_id, is_kept=True)
        if message_id is not None:
            effects.append(PendingReply((line,), None))
        if len(self._unanswered) == MAX_UNANSWERED:
            oldest = self._unanswered.popleft().message_id
            effects += [] if oldest is None else [ResolveReply(oldest)]
        self._unanswered.append(line)
        return effects

    def _take_unanswered(self) -> TurnRequest:
        """Take the lines that were not answered yet, as one request for an answer."""
        lines = tuple(self._unanswered)
        self._unanswered.clear()
        return _about(lines)

    def respond(self, now: float, about: str = "", message_id: str | None = None) -> Effects:
        """Answer what was said since the last answer; else react to `about`, or just speak.

        `message_id` is the last line to answer: when it was answered before, nothing is done.
        """
        unanswered = {line.message_id for line in self._unanswered}
        if message_id is not None and message_id not in unanswered:
            return []
        if self._unanswered:
            return self._request(self._take_unanswered(), now)
        return self.prompt(Event("context", about) if about else Silence(), now)

    def prompt(self, prompt: Prompt, now: float) -> Effects:
        """Give the turn to the character, ending the one before."""
        return self._request(TurnRequest(prompt), now)

    def _request(self, request: TurnRequest, now: float) -> Effects:
        """Begin a turn, or let it wait for an answer that is being made or becomes durable."""
        self.active(now)
        turn = self._turn
        if turn is None or not turn.is_thinking:
            return [*self._make_room(), *self._begin(request, now)]
        if not self.is_full:
            self._waiting.append(request)
        return self._supersede(now)

    def _supersede(self, now: float) -> Effects:
        """End an answer that takes long to make when the player has gone on."""
        turn = self._turn
        if turn is None or not turn.is_generating or now < turn.slow_at:
            return []
        asked = [request for request in self._waiting if isinstance(request.prompt, PlayerSaid)]
        if not asked:
            return []
        repeated = [request for request in self._waiting if request.is_repeat]
        others = [r for r in self._waiting if r not in asked and not r.is_repeat]
        before = () if turn.has_said else turn.request.lines
        lines = (*before, *(line for request in asked for line in request.lines))
        effects = self._cut() if turn.has_said else turn.withdraw()
        self._turn, self._waiting = None, deque([*repeated, _about(lines), *others])
        return effects + self._next(now)

    # --- the player's voice over the character's ---

    def pause(self, now: float, heard_until: float | None = None) -> Effects:
        """Wait for what the player says over the character, which the client has silenced."""
        self.active(now)
        turn = self._turn
        if turn is None or self._overlap.is_paused:
            return []
        self._overlap, _ = self._overlap.after(OverlapEvent.PAUSE, now)
        return turn.pause(now, heard_until)

    def heard(self, event: OverlapEvent, now: float) -> Effects:
        """Follow the player's voice, and the words that it had: `WORDS` before `player_said`."""
        self.active(now)
        return self._follow(event, now)

    def is_no_line(self, text: str, *, to_the_end: bool = True) -> bool:
        """Tell whether words only show that the player listens, while the character speaks.

        After a question they are its answer: `to_the_end` is whether its last words were heard.
        """
        turn = self._turn
        if turn is None or not turn.has_said or (to_the_end and turn.is_asking):
            return False
        return is_backchannel(text, self._language)

    def _follow(self, event: OverlapEvent, now: float) -> Effects:
        self._overlap, order = self._overlap.after(event, now)
        turn = self._turn
        if turn is None or order is None:
            return []
        if order is OverlapOrder.CUT:
            return self._cut() + self._next(now)
        return turn.go_on(now) + self._let_out(turn, now)

    def interrupt(self, now: float) -> Effects:
        """End the character's turn for the player, who cut it short."""
        self.active(now)
        return self._cut() + self._next(now)

    def active(self, now: float) -> None:
        """Restart the idle timer: the player is active."""
        self._idle.active(now)

    def set_present(self, present: bool, now: float) -> None:
        """Note that the player's connection came or went; the idle timer runs while it is there."""
        self._idle.set_present(present, now)

    def stay_silent(self) -> None:
        """Break no silence by a remark, until the next answer."""
        self._idle.allow_remark(0)

    def set_voice(self, enabled: bool) -> None:
        """Turn the voice on or off from the next turn on."""
        self._has_voice = enabled

    def set_modes(self, modes: Mapping[str, str]) -> None:
        """Replace the respond modes; a lane that is not named is answered."""
        self._modes = dict(modes)
        if messages.SILENT in self._modes.values():
            self.stay_silent()

    def set_mode(self, lane: str, mode: str) -> Mapping[str, str]:
        """Set the respond mode of one lane; return them all."""
        self.set_modes({**self._modes, lane: mode})
        return self._modes

    def take_back(self, now: float) -> Effects:
        """Drop what is said, or waits to be: the last exchange is undone."""
        self.active(now)
        self._waiting.clear()
        effects = self._cut()
        self._unanswered.clear()
        return effects

    # --- the agent and the voice: reports about a turn that is over change nothing ---

    def part(self, number: int, part: Part, now: float) -> Effects:
        """Take a piece of the agent's answer."""
        turn = self._open(number)
        return [] if turn is None else turn.part(part, now)

    def decided(self, number: int) -> Effects:
        """Persist that turn's answer, which the agent has completed."""
        turn = self._open(number)
        return [] if turn is None else turn.decided()

    def completed(self, number: int, now: float) -> Effects:
        """Let that turn end: its answer is complete, and durable."""
        turn = self._open(number)
        if turn is None:
            return []
        effects = turn.completed()
        if self._waiting:
            effects += self._finish(turn, is_cut=turn.is_voice_due, rest=True)
            return effects + self._next(now)
        return effects + self._let_out(turn, now)

    def failed(self, number: int, now: float) -> Effects:
        """Abort that turn, in which the agent failed; what it said so far stands."""
        turn = self._open(number)
        if turn is None:
            return []
        return self._finish(turn, is_cut=False, error="dialogue_failed") + self._next(now)

    def voice_started(self, number: int) -> Effects:
        """Note that the first sound of that turn is on its way."""
        turn = self._open(number)
        return [] if turn is None else turn.voice_started()

    def voice_ended(self, number: int, now: float) -> Effects:
        """Note that the last sound of that turn is on its way, or that there is none."""
        turn = self._open(number)
        return [] if turn is None else turn.voice_ended() + self._let_out(turn, now)

    def _open(self, number: int) -> AgentTurn | None:
        turn = self._turn
        return turn if turn is not None and turn.number == number else None

    # --- turns ---

    def _begin(self, request: TurnRequest, now: float) -> Effects:
        self._turns += 1
        self._overlap, _ = self._overlap.after(OverlapEvent.OVER, now)
        self._turn = turn = AgentTurn(
            self._turns, request, self._timing, now, voice=self._has_voice
        )
        prompt = request.prompt
        if not isinstance(prompt, RepeatAnswer):
            return turn.begin()
        effects = [effect for part in prompt.parts for effect in turn.part(part, now)]
        return effects + self.completed(turn.number, now)

    def _next(self, now: float) -> Effects:
        return self._begin(self._waiting.popleft(), now) if self._waiting else []

    def _make_room(self) -> Effects:
        turn = self._turn
        if turn is not None and turn.is_given_whole:
            return self._finish(turn, is_cut=turn.is_voice_due, rest=True)
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
        self._overlap, _ = self._overlap.after(OverlapEvent.OVER, math.inf)
        effects: Effects = [StopSpeaking(turn.number)] if is_cut or error else []
        return effects + turn.finish(is_cut=is_cut, rest=rest, error=error)

    # --- time ---

    def tick(self, now: float) -> Effects:
        """Do what is due; call it at `deadline`."""
        effects = self._supersede(now) + self._follow(OverlapEvent.TOO_LATE, now)
        effects += self._let_out(self._turn, now) if self._turn is not None else []
        return effects + self._tick_idle(now)

    def _tick_idle(self, now: float) -> Effects:
        if self._idle.is_over(now):
            return [End("idle-timeout")]
        left = self._idle.warning(now)
        if left is not None:
            return [Send(messages.UserIdleWarning(round(left, 3), "Are you still there?"))]
        if not self.is_busy and self._idle.takes_remark(now):
            # A remark of the character is no activity of the player.
            return self._begin(TurnRequest(Silence()), now)
        return []


def _about(lines: tuple[PlayerLine, ...]) -> TurnRequest:
    """Return the request for an answer to lines, all together."""
    return TurnRequest(PlayerSaid(" ".join(line.text for line in lines)), lines)

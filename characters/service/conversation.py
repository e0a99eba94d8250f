"""One talk: turns, streamed text, interruption, what the game tells, idleness.

The conversation takes what happened, with the time, and returns what to do. A character's turn
runs like this::

    consult -> llm-started -> llm-text* -> llm-stopped -> turn-completed
                          \\-> tts-started, started-speaking .. stopped-speaking -/

Text is let out word by word at a natural pace; voice, when there is one, is made and paced by
the shell, which reports its start and its end. The turn is over when both are. A player who
types during a turn ends it; a greeting is then given out whole first, so that nobody misses
that he was recognised.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from characters.core.messages import (
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
    UserIdleWarning,
)
from characters.service.dialogue.mind import (
    Arrived,
    Do,
    Feel,
    Part,
    PlayerSaid,
    Prompt,
    Say,
    Silence,
)
from characters.service.effects import Consult, Effects, End, Hush, Keep, Send, Voice
from characters.service.pace import Pace, pieces

__all__ = ["MAX_WAITING", "Conversation"]

MAX_WAITING = 8  # prompts, while the mind thinks


@dataclass(slots=True)
class _Turn:
    """The character's turn in progress."""

    number: int
    prompt: Prompt
    next_at: float
    words: deque[str] = field(default_factory=deque)
    said: list[str] = field(default_factory=list)
    thinking: bool = True
    told: bool = False  # what the player said is kept
    text_open: bool = False
    voice_wanted: bool = False
    speaking: bool = False


class Conversation:
    """One talk between one player and one character."""

    def __init__(self, now: float, pace: Pace | None = None, *, voice: bool = False) -> None:
        self._pace = pace or Pace()
        self._voice = voice
        self._turn: _Turn | None = None
        self._turns = 0
        self._waiting: deque[Prompt] = deque()
        self._active_at = now
        self._warned = False
        self._remarks_left = 0
        self._present = True

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
        turn = self._turn
        if turn is not None and turn.words:
            return turn.next_at
        return min(self._idle_deadlines()) if self._present else math.inf

    def _idle_deadlines(self) -> list[float]:
        over = self._active_at + self._pace.idle_timeout
        times = [over if self._warned else over - self._pace.idle_warning]
        if self._remarks_left and self._turn is None:
            times.append(self._active_at + self._pace.remark_after)
        return times

    # --- what happened -------------------------------------------------------------------

    def arrive(self, away_seconds: float | None, now: float) -> Effects:
        """The player came into a new room, and the character is ready."""
        return self.prompt(Arrived(away_seconds), now)

    def player_said(self, text: str, now: float, message_id: str | None = None) -> Effects:
        """The player typed or spoke; it is kept together with what the mind makes of it."""
        self._remarks_left = 1
        if self.is_full:
            self.active(now)
            return [Keep("player", text, message_id)]
        return self.prompt(PlayerSaid(text, message_id), now)

    def prompt(self, prompt: Prompt, now: float) -> Effects:
        """Give the turn to the character, ending the one before.

        A mind that is still thinking is let finish, so that nothing that is said to it is lost.
        """
        self.active(now)
        if self._turn is not None and self._turn.thinking:
            if not self.is_full:
                self._waiting.append(prompt)
            return []
        return [*self._make_room(now), *self._begin(prompt, now)]

    def _begin(self, prompt: Prompt, now: float) -> Effects:
        self._turns += 1
        self._turn = _Turn(self._turns, prompt, now + self._pace.think_seconds)
        return [Consult(self._turns, prompt)]

    def active(self, now: float) -> None:
        """Note that the player is there."""
        self._active_at = now
        self._warned = False

    def set_present(self, present: bool, now: float) -> None:
        """The player's connection came or went: nobody is idle who is not there."""
        self._present = present
        self.active(now)

    def set_voice(self, enabled: bool) -> None:
        """Turn the voice on or off from the next turn on."""
        self._voice = enabled

    def part(self, number: int, part: Part, now: float) -> Effects:
        """Take a piece of the mind's answer; a turn that is over takes nothing."""
        turn = self._turn
        if turn is None or turn.number != number:
            return []
        if isinstance(part, Feel):
            return [Send(BotEmotion(part.emotion, part.scale))]
        if isinstance(part, Do):
            return [Send(ActionResponse(part.actions))]
        return self._say(turn, part, now)

    def _say(self, turn: _Turn, part: Say, now: float) -> Effects:
        effects: Effects = []
        if not turn.text_open:
            turn.text_open = True
            effects.append(Send(BotLlmStarted()))
        if not turn.words:
            turn.next_at = max(turn.next_at, now)
        turn.words.extend(pieces(part.text))
        if self._voice:
            turn.voice_wanted = True
            effects.append(Voice(turn.number, part.text))
        return effects + self._let_out(turn, now)

    def told(self, number: int) -> Effects:
        """The mind has taken in what was said to it in that turn: now it may be kept."""
        turn = self._turn
        return [] if turn is None or turn.number != number else self._tell(turn)

    def _tell(self, turn: _Turn) -> Effects:
        prompt = turn.prompt
        if turn.told or not isinstance(prompt, PlayerSaid):
            return []
        turn.told = True
        return [Keep("player", prompt.text, prompt.message_id)]

    def thought_out(self, number: int, now: float) -> Effects:
        """The mind has nothing to add to that turn."""
        turn = self._turn
        if turn is None or turn.number != number:
            return []
        turn.thinking = False
        effects: Effects = [Voice(number, None)] if turn.voice_wanted else []
        if self._waiting:
            effects += self._finish(turn, was_interrupted=turn.voice_wanted, rest=True)
            return effects + self._next(now)
        return effects + self._let_out(turn, now)

    def _next(self, now: float) -> Effects:
        return self._begin(self._waiting.popleft(), now) if self._waiting else []

    def failed(self, number: int, now: float) -> Effects:
        """The mind broke down in that turn; what it said so far stands."""
        turn = self._turn
        if turn is None or turn.number != number:
            return []
        return self._finish(turn, was_interrupted=False, error="dialogue_failed") + self._next(now)

    def voice_started(self, number: int) -> Effects:
        """The first sound of that turn is on its way."""
        turn = self._turn
        if turn is None or turn.number != number or turn.speaking:
            return []
        turn.speaking = True
        return [Send(BotTtsStarted()), Send(BotStartedSpeaking(f"r{number}", number))]

    def voice_ended(self, number: int, now: float) -> Effects:
        """The last sound of that turn is on its way, or there is none."""
        turn = self._turn
        if turn is None or turn.number != number:
            return []
        turn.voice_wanted = False
        effects = self._stop_speaking(turn)
        return effects + self._let_out(turn, now)

    def interrupt(self, now: float) -> Effects:
        """The player cut the character short."""
        self.active(now)
        return self._cut(now) + self._next(now)

    def tick(self, now: float) -> Effects:
        """Do what is due; call it at `deadline`."""
        effects = self._let_out(self._turn, now) if self._turn is not None else []
        return effects + self._idle(now)

    # --- turns ---------------------------------------------------------------------------

    def _make_room(self, now: float) -> Effects:
        turn = self._turn
        if turn is None:
            return []
        if isinstance(turn.prompt, Arrived):
            return self._finish(turn, was_interrupted=turn.voice_wanted, rest=True)
        return self._cut(now)

    def _cut(self, now: float) -> Effects:
        return [] if self._turn is None else self._finish(self._turn, was_interrupted=True)

    def _let_out(self, turn: _Turn, now: float) -> Effects:
        effects: Effects = []
        while turn.words and turn.next_at <= now:
            piece = turn.words.popleft()
            effects.append(self._utter(turn, piece))
            turn.next_at += self._pace.seconds_for(piece)
        if not turn.words and not turn.thinking and not turn.voice_wanted:
            effects += self._finish(turn, was_interrupted=False)
        elif not turn.words and not turn.thinking and turn.text_open:
            turn.text_open = False
            effects.append(Send(BotLlmStopped()))
        return effects

    def _utter(self, turn: _Turn, piece: str) -> Send:
        turn.said.append(piece)
        return Send(BotLlmText(piece))

    def _finish(
        self, turn: _Turn, *, was_interrupted: bool, rest: bool = False, error: str | None = None
    ) -> Effects:
        effects: Effects = [Hush(turn.number)] if was_interrupted or error else []
        effects += self._tell(turn)
        if rest and turn.words:
            effects.append(self._utter(turn, "".join(turn.words)))
        if turn.text_open:
            effects.append(Send(BotLlmStopped()))
        effects += self._stop_speaking(turn)
        if not turn.said and not was_interrupted and not error:
            effects.append(Send(LlmNoResponse("abstain")))
        effects.append(Send(BotTurnCompleted(was_interrupted, True if error else None, error)))
        if turn.said:
            effects.append(Keep("character", "".join(turn.said)))
        self._turn = None
        return effects

    def _stop_speaking(self, turn: _Turn) -> Effects:
        if not turn.speaking:
            return []
        turn.speaking = False
        return [Send(BotStoppedSpeaking())]

    # --- idleness ------------------------------------------------------------------------

    def _idle(self, now: float) -> Effects:
        if not self._present:
            return []
        left = self._active_at + self._pace.idle_timeout - now
        if left <= 0:
            return [End("idle-timeout")]
        if left <= self._pace.idle_warning and not self._warned:
            self._warned = True
            return [Send(UserIdleWarning(round(left, 3), "Are you still there?"))]
        if (
            self._remarks_left
            and self._turn is None
            and now >= self._active_at + self._pace.remark_after
        ):
            return self._remark(now)
        return []

    def _remark(self, now: float) -> Effects:
        active_at, warned = self._active_at, self._warned
        self._remarks_left -= 1
        effects = self.prompt(Silence(), now)
        # The character's own word is not the player's activity.
        self._active_at, self._warned = active_at, warned
        return effects

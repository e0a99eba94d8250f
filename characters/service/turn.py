"""One turn of a character: the parts of an answer in, messages in their order out.

    consult -> llm-started -> llm-text* -> llm-stopped -> turn-completed
                          \\-> tts-started, started-speaking .. stopped-speaking -/

Text is let out word by word at a natural pace; voice, when there is one, is made and paced by
the shell, which reports its start and its end. The turn is over when both are.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

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
)
from characters.service.dialogue.mind import Arrived, Do, Feel, Part, Prompt, Say
from characters.service.effects import Effects, Keep, Owe, Send, Settle, Voice
from characters.service.pace import Pace, pieces

__all__ = ["Line", "Retell", "Turn", "Wish"]


@dataclass(frozen=True, slots=True)
class Line:
    """Something that the player typed or said; `is_kept` once it is handed over to be kept."""

    text: str
    message_id: str | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Retell:
    """Give an answer that was decided before, and that the client has not had whole."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a turn is about, and the lines that it answers."""

    prompt: Prompt | Retell
    lines: tuple[Line, ...] = ()

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The lines that have ids."""
        return tuple(line.message_id for line in self.lines if line.message_id is not None)


Words: TypeAlias = deque[str]


class Turn:
    """The character's turn in progress."""

    def __init__(self, number: int, wish: Wish, pace: Pace, now: float, *, voice: bool) -> None:
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
        self._is_told = isinstance(wish.prompt, Retell)  # what the player said is kept
        self._text_open = False
        self._speaking = False

    @property
    def is_given_whole(self) -> bool:
        """Whether it is let out to the end when the player goes on, so that he misses nothing."""
        return isinstance(self._wish.prompt, Arrived | Retell)

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
            effects.append(Voice(self.number, part.text))
        return effects + self.let_out(now)

    def told(self) -> Effects:
        """The mind has taken in what was said, and its answer is decided: now both are kept."""
        if self._is_told:
            return []
        self._is_told = True
        lines, ids = self._wish.lines, self._wish.message_ids
        kept = [Keep("player", line.text, line.message_id) for line in lines if not line.is_kept]
        return [*kept, Owe(ids, tuple(self._parts))] if ids else [*kept]

    def thought_out(self) -> Effects:
        """The mind has nothing to add."""
        self.is_thinking = False
        return [Voice(self.number, None)] if self.voice_wanted else []

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
            effects.append(Keep("character", "".join(self._said), answers=self._answers))
        # What the player has cut short is not told again; a voice that was is only a voice.
        if is_cut and not rest:
            effects += [Settle(message_id) for message_id in self._wish.message_ids]
        return effects

    def _stop_speaking(self) -> Effects:
        if not self._speaking:
            return []
        self._speaking = False
        return [Send(BotStoppedSpeaking())]

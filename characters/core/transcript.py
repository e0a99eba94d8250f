"""The turns of a conversation, as they are said, corrected and interrupted.

A transcript outlives connections: a loss closes the open turn as interrupted, and the
next turn follows in the same list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from characters.core.messages import (
    BotLlmStarted,
    BotLlmStopped,
    BotLlmText,
    BotTurnCompleted,
    FinalUserTranscription,
    ServerMessage,
)

__all__ = ["Transcript", "Turn"]

Speaker = Literal["player", "character"]

# Hours of talk; a bound all the same, because every view carries the whole tuple.
MOST_TURNS = 500


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said in one go; ``t`` is when it began, on the session's clock."""

    speaker: Speaker
    text: str
    t: float
    final: bool = True
    interrupted: bool = False
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The turns so far, oldest first."""

    turns: tuple[Turn, ...] = ()

    def said_by_player(self, text: str, t: float, message_id: str | None = None) -> Transcript:
        """Add what the player typed or was understood to say; a known message id is corrected."""
        if message_id is not None:
            for index, turn in enumerate(self.turns):
                if turn.message_id == message_id:
                    corrected = replace(turn, text=text)
                    return Transcript((*self.turns[:index], corrected, *self.turns[index + 1 :]))
        return self._with(Turn("player", text, t, message_id=message_id))

    def apply(self, message: ServerMessage, t: float) -> Transcript:
        """Return the transcript after a message; most messages change nothing."""
        if isinstance(message, FinalUserTranscription):
            return self.said_by_player(message.text, t, message.message_id)
        if isinstance(message, BotLlmStarted):
            return self._closed()
        if isinstance(message, BotLlmText):
            return self._continued(message.text, t)
        if isinstance(message, BotLlmStopped):
            return self._closed()
        if isinstance(message, BotTurnCompleted):
            return self._completed(message.was_interrupted)
        return self

    def cut(self) -> Transcript:
        """Return the transcript after a loss: the open turn ends where it was."""
        return self._closed(interrupted=True)

    def _with(self, turn: Turn) -> Transcript:
        return Transcript((*self.turns, turn)[-MOST_TURNS:])

    def _open_index(self) -> int | None:
        # The player may speak into an answer: the open turn need not be the last one.
        for index in range(len(self.turns) - 1, max(-1, len(self.turns) - 8), -1):
            if not self.turns[index].final:
                return index
        return None

    def _continued(self, text: str, t: float) -> Transcript:
        index = self._open_index()
        if index is None:
            return self._with(Turn("character", text, t, final=False))
        grown = replace(self.turns[index], text=self.turns[index].text + text)
        return Transcript((*self.turns[:index], grown, *self.turns[index + 1 :]))

    def _closed(self, *, interrupted: bool = False) -> Transcript:
        index = self._open_index()
        if index is None:
            return self
        closed = replace(self.turns[index], final=True, interrupted=interrupted)
        return Transcript((*self.turns[:index], closed, *self.turns[index + 1 :]))

    def _completed(self, was_interrupted: bool) -> Transcript:
        """Close the turn; one whose text was complete may still have been cut off in the voice."""
        if self._open_index() is not None:
            return self._closed(interrupted=was_interrupted)
        if not was_interrupted:
            return self
        for index in range(len(self.turns) - 1, -1, -1):
            if self.turns[index].speaker == "character":
                cut = replace(self.turns[index], interrupted=True)
                return Transcript((*self.turns[:index], cut, *self.turns[index + 1 :]))
        return self

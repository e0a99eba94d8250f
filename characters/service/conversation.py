"""One talk: whose turn it is, what waits for one, what the player has not been answered.

The conversation takes what happened, with the time, and returns what to do. A player who types
during a character's turn ends it; a greeting, and an answer that is told again, is then given
out whole first, so that nobody misses that he was recognised, or what he had asked.

Where the game decides who answers (`set_modes`), what the player says is noted and kept, and
answered all together when `respond` is called.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from characters.core.messages import UserIdleWarning
from characters.core.respond import SILENT, USER_TEXT
from characters.service.dialogue.mind import Arrived, Event, Part, PlayerSaid, Prompt, Silence
from characters.service.effects import Consult, Effects, End, Hush, Keep, Note, Owe, Send, Settle
from characters.service.pace import Pace
from characters.service.patience import Patience
from characters.service.turn import Line, Retell, Turn, Wish

__all__ = ["MAX_UNANSWERED", "MAX_WAITING", "Conversation"]

MAX_WAITING = 8  # prompts, while the mind thinks
MAX_UNANSWERED = 32  # lines that the game has asked no answer to


class Conversation:
    """One talk between one player and one character."""

    def __init__(self, now: float, pace: Pace | None = None, *, voice: bool = False) -> None:
        self._pace = pace or Pace()
        self._voice = voice
        self._turn: Turn | None = None
        self._turns = 0
        self._waiting: deque[Wish] = deque()
        self._unanswered: deque[Line] = deque()
        self._modes: Mapping[str, str] = {}
        self._patience = Patience(self._pace, now)

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

    def take_up(self, left: Iterable[tuple[Line, tuple[Part, ...] | None]], now: float) -> Effects:
        """Go on where an earlier room ended: tell what it had still to tell, after what is told.

        Lines whose answer was never asked for (None) stay unanswered.
        """
        for line, parts in left:
            if parts is None:
                self._unanswered.append(line)
            else:
                self._waiting.append(Wish(Retell(parts), (line,)))
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
            return [Keep("player", text, message_id)]
        return self._answer((*self._take_unanswered(), Line(text, message_id)), now)

    def _note(self, text: str, now: float, message_id: str | None) -> Effects:
        self.active(now)
        effects: Effects = [Note(text), Keep("player", text, message_id)]
        if message_id is not None:
            effects.append(Owe((message_id,), None))
        if len(self._unanswered) == MAX_UNANSWERED:
            oldest = self._unanswered.popleft().message_id
            effects += [] if oldest is None else [Settle(oldest)]
        self._unanswered.append(Line(text, message_id, is_kept=True))
        return effects

    @property
    def _unanswered_ids(self) -> set[str | None]:
        return {line.message_id for line in self._unanswered}

    def _take_unanswered(self) -> tuple[Line, ...]:
        lines = tuple(self._unanswered)
        self._unanswered.clear()
        return lines

    def _answer(self, lines: tuple[Line, ...], now: float) -> Effects:
        said = PlayerSaid(" ".join(line.text for line in lines), lines[-1].message_id)
        return self._ask(Wish(said, lines), now)

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
        return self._ask(Wish(prompt), now)

    def _ask(self, wish: Wish, now: float) -> Effects:
        self.active(now)
        if self._turn is not None and self._turn.is_thinking:
            if not self.is_full:
                self._waiting.append(wish)
            return []
        return [*self._make_room(), *self._begin(wish, now)]

    def _begin(self, wish: Wish, now: float) -> Effects:
        self._turns += 1
        self._turn = turn = Turn(self._turns, wish, self._pace, now, voice=self._voice)
        prompt = wish.prompt
        if not isinstance(prompt, Retell):
            return [Consult(turn.number, prompt)]
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

    def _open(self, number: int) -> Turn | None:
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

    def _let_out(self, turn: Turn, now: float) -> Effects:
        effects = turn.let_out(now)
        return effects + self._finish(turn, is_cut=False) if turn.is_over else effects

    def _finish(
        self, turn: Turn, *, is_cut: bool, rest: bool = False, error: str | None = None
    ) -> Effects:
        self._turn = None
        effects: Effects = [Hush(turn.number)] if is_cut or error else []
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
            return self._begin(Wish(Silence()), now)
        return []

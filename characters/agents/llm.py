"""An agent with a language model: any server that speaks the chat completions protocol.

The scripted agent stays underneath: it greets, learns facts, keeps the story, and answers whenever
the model does not: no network, a refusal, no word in time, a session that has used up its tokens.
What the model is told is made by `prompt`, what of its answer is speech by `spoken`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self

from characters.agents.agent import (
    Arrived,
    BrokenOff,
    Event,
    Feel,
    LimitReached,
    Part,
    PlayerSaid,
    Prompt,
    Refused,
    Say,
    Silence,
    Spoken,
)
from characters.agents.completions import (
    CallPiece,
    Finished,
    LlmError,
    ModelClient,
    ModelPiece,
    ModelRequest,
    TokenCount,
    WordPiece,
)
from characters.agents.persona import Persona
from characters.agents.prompt import Noted, estimate_tokens, messages_for, relevant
from characters.agents.script import ScriptedAgent
from characters.agents.spoken import SpokenText
from characters.agents.toolbox import Toolbox, refusal
from characters.protocol.messages import ModelUsage
from characters.protocol.model_settings import ModelSettings

__all__ = ["LlmAgent"]


log = logging.getLogger(__name__)

MOST_CALLS = 16  # of one answer
SPENT = "The language model has said as much as it may in this talk. From here on it is the script."


@dataclass(slots=True)
class Meter:
    """What the model has used in one session."""

    tokens_in: int = 0
    tokens_out: int = 0
    answers: int = 0

    @classmethod
    def restore(cls, memory: object) -> Meter:
        """Read back what `dump` returned; anything else counts as nothing."""
        known = memory if isinstance(memory, dict) else {}
        values = (known.get(name) for name in cls.__slots__)
        return cls(*(value if isinstance(value, int) and value >= 0 else 0 for value in values))

    def dump(self) -> dict[str, int]:
        """Return everything as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


class LlmAgent:
    """A persona that answers through a model."""

    def __init__(
        self,
        persona: Persona,
        script: ScriptedAgent,
        client: ModelClient,
        settings: ModelSettings,
        memory: Mapping[str, Any],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._persona = persona
        self._script = script
        self._client = client
        self._settings = settings
        self._now = now
        self._meter = Meter.restore(memory.get("usage"))
        self._is_spent_told = False

    @property
    def player_name(self) -> str:
        """The name by which the character knows the player, "" before it was told."""
        return self._script.player_name

    @property
    def mood(self) -> Feel:
        """How the character feels."""
        return self._script.mood

    def memory(self) -> dict[str, Any]:
        """Return everything to keep, as JSON values."""
        return self._script.memory() | {"usage": self._meter.dump()}

    def note(self, text: str) -> None:
        """Learn from what the player says; the model gets it with the next answer."""
        self._script.note(text)

    def phrases(self) -> Iterable[str]:
        """Return what a player can be expected to say."""
        return self._script.phrases()

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        """Answer a prompt; see the protocol."""
        has_answered = False
        if self._is_for_model(prompt):
            if self._is_spent():
                for told in self._tell_spent():
                    yield told
            else:
                async with aclosing(self._generate(prompt, context)) as parts:
                    async for part in parts:
                        has_answered = has_answered or not isinstance(part, ModelUsage | Refused)
                        yield part
        if has_answered:
            return
        async with aclosing(self._script.reply(prompt, context)) as parts:
            async for part in parts:
                yield part

    def _is_for_model(self, prompt: Prompt) -> bool:
        if isinstance(prompt, Arrived):
            return self._settings.greets
        if isinstance(prompt, Event):
            # What the game or the persona's author wrote for an event goes first.
            return not prompt.speech and all(
                event.name != prompt.name for event in self._persona.event
            )
        return not isinstance(prompt, Silence)

    def _is_spent(self) -> bool:
        most = self._settings.session_tokens
        return bool(most) and self._meter.tokens_in + self._meter.tokens_out >= most

    def _tell_spent(self) -> Iterable[Part]:
        if not self._is_spent_told:
            self._is_spent_told = True
            log.warning("a session has used up the tokens of its model; the script goes on")
            yield LimitReached(SPENT)

    # --- one answer ---

    async def _generate(
        self, prompt: Prompt, context: Mapping[str, Any]
    ) -> AsyncGenerator[Part, None]:
        toolbox = Toolbox(context.get("actions"), context.get("functions") or {})
        request = self._request(prompt, context, toolbox)
        answer = Answer(self._names(), self._settings, self._client.holds(request.model))
        began = self._now()
        try:
            async with aclosing(self._answer(request, answer, toolbox)) as parts:
                async for part in parts:
                    if not answer.first_word_at and isinstance(part, Say):
                        answer.first_word_at = self._now()
                        self._has_answered(prompt)
                    if isinstance(part, Feel):
                        self._script.feel(part)
                    yield part
        except LlmError:
            for refused in _acts(answer, toolbox, "the answer broke off"):
                yield refused
            if answer.has_spoken:
                yield BrokenOff(self._script.closing(context), "model_failed")
        except (GeneratorExit, asyncio.CancelledError):
            list(_acts(answer, toolbox, "the answer was cut"))  # nobody is told of it but the log
            raise
        finally:
            self._count(answer, request)
        if answer.has_spoken:
            yield self._usage(answer, began)

    def _has_answered(self, prompt: Prompt) -> None:
        self._client.worked()
        # A script that has to go on later must not take a line for the answer to an old question.
        self._script.close_question()
        if isinstance(prompt, PlayerSaid):
            self._script.note(prompt.text)

    def _names(self) -> tuple[str, ...]:
        name = self._persona.name
        return (name, *(word for word in name.split() if len(word) > 3))

    def _request(
        self, prompt: Prompt, context: Mapping[str, Any], toolbox: Toolbox
    ) -> ModelRequest:
        history: tuple[Spoken, ...] = context.get("history") or ()
        settings = self._settings
        said = [spoken.text for spoken in history[-4:]]
        said += [str(context.get("attention") or ""), getattr(prompt, "text", "")]
        known = [it for it in self._persona.knowledge if self._script.allows(it.when, context)]
        noted = Noted(
            self._script.facts,
            self._script.mood,
            relevant(known, " ".join(said)),
            bool(toolbox),
        )
        messages = messages_for(prompt, history, context, self._persona, noted, settings)
        return ModelRequest(
            settings.name, messages, settings.max_tokens, settings.temperature,
            toolbox.definitions(), settings.extra,
        )  # fmt: skip

    async def _answer(
        self, request: ModelRequest, answer: Answer, toolbox: Toolbox
    ) -> AsyncGenerator[Part, None]:
        async with aclosing(self._in_time(request, answer)) as pieces:
            async for piece in pieces:
                for part in answer.take(piece):
                    yield part
                if answer.is_over:
                    break
        for part in answer.end():
            yield part
        self._client.learn(request.model, unopened=answer.was_unopened)
        for part in _acts(answer, toolbox):
            yield part
        if not answer.is_answer:
            error = LlmError("its answer has no words")
            self._client.failed(error, request)
            raise error

    async def _in_time(
        self, request: ModelRequest, answer: Answer
    ) -> AsyncGenerator[ModelPiece, None]:
        """Yield the pieces of an answer. Raises LlmError when no word comes in time.

        A sign of life that is no word, such as a thought, does not count.
        """
        within = self._settings.first_word_within_seconds
        loop = asyncio.get_running_loop()
        words, until = 0, loop.time() + within
        async with aclosing(self._client.stream(request)) as pieces, _Waiter(pieces) as waiter:
            while True:
                try:
                    piece = await waiter.next_until(until)
                except TimeoutError:
                    if answer.lets_go():
                        yield WordPiece("")
                        until = loop.time() + within
                        continue
                    error = LlmError(f"no word came within {within:g} s")
                    self._client.failed(error, request)
                    raise error from None
                if piece is None:
                    return
                yield piece
                if answer.words > words:
                    words, until = answer.words, loop.time() + within

    # --- meters ---

    def _count(self, answer: Answer, request: ModelRequest) -> None:
        if not answer.is_answer:
            return
        asked = "".join(str(message.get("content") or "") for message in request.messages)
        answer.tokens_in = answer.tokens_in or estimate_tokens(asked)
        answer.tokens_out = answer.tokens_out or estimate_tokens(answer.text)
        self._meter.tokens_in += answer.tokens_in
        self._meter.tokens_out += answer.tokens_out
        self._meter.answers += 1

    def _usage(self, answer: Answer, began: float) -> ModelUsage:
        meter = self._meter
        return ModelUsage(
            self._settings.label, answer.tokens_in, answer.tokens_out,
            answer.first_word_at - began, self._now() - began,
            meter.tokens_in, meter.tokens_out, meter.answers,
        )  # fmt: skip


class _Waiter:
    """Waits for the pieces of an answer; one that comes too late is there for the next wait."""

    def __init__(self, pieces: AsyncGenerator[ModelPiece, None]) -> None:
        self._pieces = pieces
        self._coming: asyncio.Future[ModelPiece | None] | None = None

    async def next_until(self, time: float) -> ModelPiece | None:
        """Return the next piece, None after the last. Raises TimeoutError at a time of the loop."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._pieces, None))
        # A time-out that cancelled the wait would end the whole answer.
        async with asyncio.timeout_at(time):
            piece = await asyncio.shield(self._coming)
        self._coming = None
        return piece

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})


_SENTENCE_END = re.compile(
    r"(?<!\b(?:Mr|Ms|Dr|St))(?<!\b(?:Mrs))(?<!\b\w)[.!?\u2026]+[\"'\u201d\u2019)]*(?=\s|$)"
)


class Answer:
    """One answer as it comes in: what of it is speech, how long it may be, what it calls."""

    def __init__(self, names: Iterable[str], settings: ModelSettings, holds: bool) -> None:
        self.text = ""
        self.words = 0
        self._is_full = False
        self.was_long = False
        self.first_word_at = 0.0
        self.tokens_in = self.tokens_out = 0
        self._spoken = SpokenText(names, holds=holds)
        self._most_sentences = settings.max_sentences
        self._calls: dict[int, CallPiece] = {}
        self.has_more_calls = self.has_acted = False
        self._is_held = holds
        self._released: list[Part] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing more of it is wanted."""
        return self._is_full or self._spoken.is_over

    @property
    def has_spoken(self) -> bool:
        """Whether a word went out."""
        return self.words > 0

    @property
    def is_answer(self) -> bool:
        """Whether anything came that is heard or seen."""
        return bool(self.words or self._calls or self._spoken.calls)

    @property
    def was_unopened(self) -> bool:
        """Whether it began in a thought that was never opened."""
        return self._spoken.was_unopened

    @property
    def calls(self) -> tuple[CallPiece, ...]:
        """The calls, each with all its arguments."""
        return tuple(self._calls.values())

    @property
    def written_calls(self) -> tuple[str, ...]:
        """The texts in it that may be calls."""
        return self._spoken.calls

    def take(self, piece: ModelPiece) -> Iterable[Part]:
        """Take a piece, return what can be let out."""
        if isinstance(piece, WordPiece):
            released, self._released = self._released, []
            parts = self._limited(self._spoken.feed(piece.text))
            return released + parts
        if isinstance(piece, CallPiece):
            self._add_call(piece)
        elif isinstance(piece, TokenCount):
            self.tokens_in, self.tokens_out = piece.sent, piece.received
        elif isinstance(piece, Finished):
            self.was_long = piece.reason == "length"
        return ()

    def lets_go(self) -> bool:
        """Hold nothing back any more; return whether something was held."""
        was_held, self._is_held = self._is_held, False
        self._released = self._limited(self._spoken.release()) if was_held else []
        return bool(self._released)

    def end(self) -> Iterable[Part]:
        """Take the end, return the rest."""
        yield from self._limited(self._spoken.end())
        if self.was_long and not self.is_over and not _SENTENCE_END.search(self.text[-3:]):
            yield BrokenOff()

    def _add_call(self, piece: CallPiece) -> None:
        known = self._calls.get(piece.index)
        if known is not None:
            arguments = (known.arguments + piece.arguments)[:8000]
            piece = CallPiece(
                piece.index, known.id or piece.id, known.name or piece.name, arguments
            )
        if known is not None or len(self._calls) < MOST_CALLS:
            self._calls[piece.index] = piece
        else:
            self.has_more_calls = True

    def _limited(self, parts: Iterable[Part]) -> list[Part]:
        """Return the parts up to the last sentence that is allowed."""
        result: list[Part] = []
        for part in parts:
            if isinstance(part, Say) and not self._is_full:
                part = self._within_length(part)
                result += [part] if part.text else []
            elif not isinstance(part, Say):
                result.append(part)
        return result

    def _within_length(self, say: Say) -> Say:
        before = len(self.text)
        self.text += say.text
        ends = [found.end() for found in _SENTENCE_END.finditer(self.text)]
        if len(ends) >= self._most_sentences:
            self.text = self.text[: ends[self._most_sentences - 1]]
            self._is_full = True
        said = self.text[before:]
        self.words += len(said.split())
        return Say(said)


def _acts(answer: Answer, toolbox: Toolbox, cut: str = "") -> Iterable[Part]:
    """Yield what the calls of an answer become, once; each that is refused is in the log too.

    Of an answer that was `cut` none is made: what it calls, or with what, may have had an end.
    """
    if answer.has_acted:
        return
    answer.has_acted = True
    calls = [(call.name, call.arguments) for call in answer.calls]
    refused = []
    for text in answer.written_calls:
        written = list(toolbox.written(text))
        calls += written
        if not written:
            refused.append(Refused("", "what it wrote cannot be read as a call"))
    parts = [
        refusal(name, cut) if cut else toolbox.part(name, arguments)
        for name, arguments in calls[:MOST_CALLS]
    ]
    if answer.has_more_calls or len(calls) > MOST_CALLS:
        refused.append(Refused("", f"only {MOST_CALLS} calls of an answer are taken"))
    for part in (*parts, *refused):
        if isinstance(part, Refused):
            log.warning("a call of a model was refused: %.40r, %s", part.name, part.reason)
        yield part

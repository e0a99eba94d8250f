"""An agent with a language model: any endpoint that speaks the chat completions protocol.

The scripted agent stays underneath: it greets, learns facts, reacts to the level, and answers
whenever the model does not (no network, a refusal, a time-out before the first word).
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from characters.agents.agent import Part, PlayerSaid, Prompt, Say
from characters.agents.persona import Persona
from characters.agents.script import ScriptedAgent
from characters.protocol.failures import CharactersError

__all__ = ["LlmAgent", "LlmEndpoint"]


log = logging.getLogger(__name__)

MAX_HISTORY = 40  # messages sent along, and kept
MAX_ANSWER = 2000  # letters; a longer answer is cut
MAX_LINE = 64 * 1024


class LlmError(CharactersError):
    """The model gave no answer; the scripted agent answers instead."""


@dataclass(frozen=True, slots=True)
class LlmEndpoint:
    """Where the model is; `url` ends before `/chat/completions`, times are in seconds."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    connect_within: float = 5.0
    word_within: float = 20.0

    async def stream(self, messages: list[dict[str, str]]) -> AsyncGenerator[str, None]:
        """Stream the answer to a conversation. Raises LlmError."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        body = {"model": self.model, "messages": messages, "stream": True}
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self.connect_within, sock_read=self.word_within
        )
        url = f"{self.url.rstrip('/')}/chat/completions"
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, read_bufsize=MAX_LINE) as http,
                http.post(url, json=body, headers=headers) as answer,
            ):
                if answer.status != 200:
                    raise LlmError(f"HTTP {answer.status}")
                async for line in answer.content:
                    piece = _piece(line)
                    if piece is None:
                        return
                    if piece:
                        yield piece
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise LlmError(type(error).__name__) from error


def _piece(line: bytes) -> str | None:
    """Return the text in one line of the stream, None at its end."""
    data = line.strip().removeprefix(b"data:").strip()
    if data == b"[DONE]":
        return None
    if not line.startswith(b"data:") or not data:
        return ""
    try:
        content = json.loads(data)["choices"][0]["delta"].get("content")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return content if isinstance(content, str) else ""


class LlmAgent:
    """A persona that answers through a model."""

    def __init__(
        self,
        persona: Persona,
        script: ScriptedAgent,
        endpoint: LlmEndpoint,
        memory: Mapping[str, Any],
    ) -> None:
        self._persona = persona
        self._script = script
        self._endpoint = endpoint
        self._history = _history(memory.get("history"))

    def memory(self) -> dict[str, Any]:
        """Return everything to keep, as JSON values."""
        return self._script.memory() | {"history": self._history}

    def note(self, text: str) -> None:
        """Learn from what the player says; the model gets it with the next answer."""
        self._script.note(text)

    def phrases(self) -> Iterable[str]:
        """Return what a player can be expected to say."""
        return self._script.phrases()

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        """Answer a prompt; see the protocol."""
        said: list[str] = []
        parts = self._parts(prompt, context)
        try:
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, Say):
                        said.append(part.text)
                    yield part
        finally:
            # Also when the player interrupts: the model must know what was said.
            self._note(prompt, "".join(said))

    async def _parts(
        self, prompt: Prompt, context: Mapping[str, Any]
    ) -> AsyncGenerator[Part, None]:
        has_begun = False
        if isinstance(prompt, PlayerSaid):
            self._script.note(prompt.text)
            try:
                async with aclosing(self._ask(prompt.text, context)) as pieces:
                    async for piece in pieces:
                        has_begun = True
                        yield Say(piece)
            except LlmError as problem:
                log.warning("the model does not answer: %s", problem)
        if has_begun:
            return
        async with aclosing(self._script.reply(prompt, context)) as parts:
            async for part in parts:
                yield part

    async def _ask(self, text: str, context: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        system = {"role": "system", "content": self._system(context)}
        messages = [system, *self._history, {"role": "user", "content": text}]
        length = 0
        async with aclosing(self._endpoint.stream(messages)) as pieces:
            async for piece in pieces:
                yield piece[: MAX_ANSWER - length]
                length += len(piece)
                if length >= MAX_ANSWER:
                    return

    def _system(self, context: Mapping[str, Any]) -> str:
        facts = self._script.facts_in_words()
        lines = (
            f"You are {self._persona.name}, a character in a game. {self._persona.about}",
            "Stay in character. Answer in at most three short spoken sentences, without markup.",
            f"You remember of the player: {facts}." if facts else "",
            str(context.get("dynamic_info") or ""),
        )
        return "\n".join(line for line in lines if line)

    def _note(self, prompt: Prompt, answer: str) -> None:
        if isinstance(prompt, PlayerSaid):
            self._history.append({"role": "user", "content": prompt.text})
        if answer:
            self._history.append({"role": "assistant", "content": answer})
        del self._history[:-MAX_HISTORY]


def _history(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list):
        return []
    kept = [item for item in value if isinstance(item, dict) and {"role", "content"} <= item.keys()]
    return [{"role": str(m["role"]), "content": str(m["content"])} for m in kept[-MAX_HISTORY:]]

"""Asks an OpenAI-compatible server for an answer, piece by piece.

Servers differ in what they take and in what they send. What one refuses (tools, a system message,
a field) is left out the next time (`Accommodations`); an answer is read whether it is streamed or
not, whatever its content type (`read_chunk`). One that fails is left alone for a while
(`CircuitBreaker`). A key follows no redirect, and no word of a talk reaches the log.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import logging
import math
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from characters.protocol.failures import CharactersError
from characters.protocol.model_settings import host_of, is_on_this_machine

if TYPE_CHECKING:
    from openai import AsyncAPIResponse, AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

__all__ = [
    "Accommodations", "CallPiece", "ChunkReader", "CircuitBreaker", "Finished", "has_package",
    "LlmError",
    "Message", "ModelClient", "ModelPiece", "ModelRequest", "Thought",
    "TokenCount", "WordPiece",
]  # fmt: skip


log = logging.getLogger(__name__)

Message: TypeAlias = dict[str, Any]
"""A message as the protocol has it: `role`, `content`, and what tools need."""

CONNECT_SECONDS = 5.0
DRAIN_SECONDS = 0.1
MOST_LINE = 1 << 20  # bytes of one line of an answer
MOST_WORDS = 200  # letters of a server's own words in the log


class LlmError(CharactersError):
    """The model gave no answer; the scripted agent answers instead. Retryable.

    `status` is the server's, 0 without one; `retry_after` the seconds that it asked for.
    """

    retryable = True

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


# --- what comes in --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WordPiece:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """The model reasons, in a field of its own."""


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a call of a tool; pieces of one `index` belong together."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens the server has counted."""

    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The server says why the answer ends: "stop", "length", "tool_calls", ..."""

    reason: str


ModelPiece: TypeAlias = WordPiece | Thought | CallPiece | TokenCount | Finished


class ChunkReader:
    """Reads the objects in the lines of an answer: events, bare objects, or one object in all."""

    def __init__(self) -> None:
        self.is_over = False
        self._rest: list[str] = []
        self._is_read = False

    def feed(self, line: str) -> Mapping[str, Any] | None:
        """Return the object in a line, None if there is none."""
        text = line.strip().removeprefix("\ufeff")
        if not text or text.startswith((":", "event:", "id:", "retry:")):
            return None
        data = text.removeprefix("data:").strip()
        if data == "[DONE]":
            self.is_over = True
            return None
        found = _object(data)
        self._is_read = self._is_read or found is not None
        if found is None:
            self._rest.append(line)
        return found

    def end(self) -> Mapping[str, Any] | None:
        """Return the object that several lines make together, None if they do not."""
        return None if self._is_read else _object("\n".join(self._rest))

    @property
    def rest(self) -> str:
        """What was no object."""
        return " ".join(" ".join(self._rest).split())


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_chunk(chunk: Mapping[str, Any]) -> Iterator[ModelPiece]:
    """Yield what is in one object of an answer. Raises LlmError for a server's error."""
    if chunk.get("error"):
        raise LlmError(error_words(chunk))
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else chunk
    if isinstance(choice, dict):
        yield from _read_choice(choice)
    usage = chunk.get("usage")
    if isinstance(usage, dict):
        yield TokenCount(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))
    elif "eval_count" in chunk:
        yield TokenCount(_count(chunk, "prompt_eval_count"), _count(chunk, "eval_count"))


def _read_choice(choice: Mapping[str, Any]) -> Iterator[ModelPiece]:
    # `delta` is a streamed answer's, `message` a whole one's; others write the text beside it.
    told = next((choice[key] for key in ("delta", "message") if choice.get(key)), choice)
    if not isinstance(told, dict):
        told = {"content": told}
    if any(told.get(key) for key in ("reasoning_content", "reasoning", "thinking")):
        yield Thought()
    text = next((t for key in ("content", "text", "response") if (t := _text(told.get(key)))), "")
    if text:
        yield WordPiece(text)
    calls = told.get("tool_calls")
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        yield from _read_call(position, call)
    reason = choice.get("finish_reason") or choice.get("done_reason")
    if isinstance(reason, str):
        yield Finished(reason)


def _text(value: object) -> str:
    """Return a text, or those of a list of parts."""
    if isinstance(value, list):
        parts = (item.get("text") if isinstance(item, dict) else item for item in value)
        return "".join(part for part in parts if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _read_call(position: int, call: object) -> Iterator[CallPiece]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        return
    index, arguments = call.get("index"), function.get("arguments")
    yield CallPiece(
        index if isinstance(index, int) else position,
        _text(call.get("id")),
        _text(function.get("name")),
        arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else "",
    )


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


def error_words(body: object) -> str:
    """Return a server's own words about what went wrong."""
    for _ in range(3):
        if not isinstance(body, dict):
            break
        body = next((body[key] for key in ("error", "message", "detail") if body.get(key)), "")
    return " ".join(str(body).split())[: 4 * MOST_WORDS]


# --- what goes out --------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked: the messages, and how to answer."""

    model: str
    messages: Sequence[Message]
    max_tokens: int
    temperature: float | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accommodations:
    """What a server does not take."""

    tools: bool = False
    system: bool = False
    usage: bool = False
    max_tokens: bool = False
    temperature: bool = False

    def after(self, refusal: LlmError, request: ModelRequest) -> Accommodations | None:
        """Return what to leave out after a refusal, None if nothing is to be gained by that."""
        words = str(refusal).lower()
        if not (400 <= refusal.status < 500 or "template" in words or "role" in words):
            return None
        for name, signs in _SIGNS.items():
            is_used = bool(request.tools) if name == "tools" else True
            if is_used and not getattr(self, name) and any(sign in words for sign in signs):
                return replace(self, **{name: True})
        return None

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """Return the body of a request."""
        size = "max_completion_tokens" if self.max_tokens else "max_tokens"
        body: dict[str, Any] = {
            "model": request.model,
            "messages": folded(request.messages) if self.system else list(request.messages),
            "stream": True,
            size: request.max_tokens,
        }
        if request.temperature is not None and not self.temperature:
            body["temperature"] = request.temperature
        if request.tools and not self.tools:
            body["tools"] = list(request.tools)
        if not self.usage:
            body["stream_options"] = {"include_usage": True}
        return body | dict(request.extra)


# What servers say of what they refuse; looked for in this order.
_SIGNS: Mapping[str, tuple[str, ...]] = {
    "max_tokens": ("max_completion_tokens",),
    "temperature": ("temperature",),
    "usage": ("stream_options", "include_usage"),
    "tools": ("tool", "function"),
    "system": ("system", "role"),
}


def folded(messages: Sequence[Message]) -> list[Message]:
    """Return messages whose system text stands before the first line of the user."""
    first, *others = messages
    if first["role"] != "system" or not others:
        return list(messages)
    return [{**others[0], "content": f"{first['content']}\n\n{others[0]['content']}"}, *others[1:]]


# --- leaving a failing server alone ---------------------------------------------------------------

FAILURES_ALLOWED = 2
REST_SECONDS = 15.0
LONGEST_REST = 300.0
LONGEST_ADVICE = 3600.0


class CircuitBreaker:
    """Decides whether a server is asked: one that failed twice rests, longer each time. Pure."""

    def __init__(self) -> None:
        self.until = -math.inf
        self._failures = 0

    def is_open(self, now: float) -> bool:
        """Whether the server is left alone."""
        return now < self.until

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """Note a failure, and the seconds that the server asked for."""
        self._failures += 1
        if retry_after is not None:
            self.until = now + min(max(0.0, retry_after), LONGEST_ADVICE)
        elif self._failures >= FAILURES_ALLOWED:
            longer = REST_SECONDS * 2.0 ** min(self._failures - FAILURES_ALLOWED, 10)
            self.until = now + min(longer, LONGEST_REST)

    def worked(self) -> None:
        """Note an answer."""
        self._failures = 0
        self.until = -math.inf


# --- the client -----------------------------------------------------------------------------------


def has_package() -> bool:
    """Tell whether the package openai is installed."""
    return importlib.util.find_spec("openai") is not None


class ModelClient:
    """Asks one server, over connections that it keeps; `close` it. Belongs to one event loop.

    `locate` returns the server's URL where that changes; `url` is only its name in the log then.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        now: Callable[[], float] = monotonic,
        locate: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self.name = urlsplit(url).netloc or url
        self._url = url
        self._key = key
        self._now = now
        self._locate = locate
        self._client: AsyncOpenAI | None = None
        self._breaker = CircuitBreaker()
        self._known: dict[str, Accommodations] = {}  # of the models
        self._opens_in_thought: dict[str, bool] = {}
        self._is_failing = False
        self._loading: asyncio.Future[Any] | None = None

    def holds(self, model: str) -> bool:
        """Whether an answer is kept until its end, for it may begin in a thought."""
        return self._opens_in_thought.get(model, True)

    def learn(self, model: str, *, unopened: bool) -> None:
        """Note whether an answer began in a thought that was never opened."""
        self._opens_in_thought[model] = unopened

    def prepare(self) -> None:
        """Begin to load what the first question needs: a second, or a model from a slow disk."""
        if self._loading is None and has_package():
            self._loading = asyncio.ensure_future(self._load())

    async def _load(self) -> None:
        await self._package()
        if self._locate is not None:
            with suppress(LlmError):  # the first question tells it
                await self._locate()

    @property
    def is_resting(self) -> bool:
        """Whether the server failed, and is not asked for a while."""
        return self._breaker.is_open(self._now())

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelPiece, None]:
        """Stream an answer. Raises LlmError; what went wrong is in the log then, once."""
        if self.is_resting:
            raise LlmError("the server is left alone for a while")
        try:
            async with aclosing(self._accommodated(request)) as pieces:
                async for piece in pieces:
                    yield piece
        except LlmError as error:
            self.failed(error, request)
            raise

    async def _accommodated(self, request: ModelRequest) -> AsyncGenerator[ModelPiece, None]:
        known = self._known.get(request.model, Accommodations())
        while True:
            has_begun = False
            try:
                async with aclosing(self._ask(known.body(request))) as pieces:
                    async for piece in pieces:
                        has_begun = True
                        yield piece
                return
            except LlmError as refusal:
                changed = None if has_begun else known.after(refusal, request)
                if changed is None:
                    raise
                known = self._known[request.model] = changed

    def failed(self, error: LlmError, request: ModelRequest) -> None:
        """Note that the server did not answer as it should; it may have been too slow."""
        self._breaker.failed(self._now(), error.retry_after)
        if not self._is_failing:
            # Once for a row of failures: the player sees the persona's own lines meanwhile.
            words = self._clean(str(error), request)
            log.warning("the model at %s does not answer: %s", self.name, words)
        self._is_failing = True

    def worked(self) -> None:
        """Note that a word of an answer came."""
        self._breaker.worked()
        if self._is_failing:
            log.warning("the model at %s answers again", self.name)
        self._is_failing = False

    def _clean(self, words: str, request: ModelRequest) -> str:
        """Return a server's words without the key, and without what anybody said."""
        if self._key:
            words = words.replace(self._key, "(key)")
        said = (str(message.get("content") or "") for message in request.messages)
        for line in sorted((x for text in said for x in text.splitlines()), key=len, reverse=True):
            words = words.replace(line, "(said)") if len(line) > 3 else words
        return words[:MOST_WORDS]

    async def _ask(self, body: dict[str, Any]) -> AsyncGenerator[ModelPiece, None]:
        reader = ChunkReader()
        async with aclosing(self._lines(body)) as lines:
            async for line in lines:
                chunk = reader.feed(line)
                for piece in () if chunk is None else read_chunk(chunk):
                    yield piece
                if reader.is_over:
                    await _drain(lines)
                    return
        whole = reader.end()
        if whole is not None:
            for piece in read_chunk(whole):
                yield piece
        elif reader.rest:
            raise LlmError(f"it sends no answer but {reader.rest[:MOST_WORDS]!r}")

    async def _lines(self, body: dict[str, Any]) -> AsyncGenerator[str, None]:
        openai = await self._package()
        client = await self._connected(openai)
        try:
            async with (
                self._post(openai, client, body) as response,
                aclosing(_lines_of(response.iter_bytes())) as lines,
            ):
                async for line in lines:
                    yield line
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except (openai.APITimeoutError, TimeoutError) as error:
            raise LlmError("it takes too long") from error
        except openai.OpenAIError as error:
            raise LlmError(_reason(error)) from error
        except Exception as error:
            # Of the HTTP library below, whose name depends on the version of openai.
            raise LlmError(_reason(error)) from error

    def _post(
        self, openai: Any, client: AsyncOpenAI, body: dict[str, Any]
    ) -> AbstractAsyncContextManager[AsyncAPIResponse[AsyncStream[ChatCompletionChunk]]]:
        names = (
            "OpenAI-Organization",
            "OpenAI-Project",
            *(() if self._key else ("Authorization",)),
        )
        # What the environment holds for OpenAI's own cloud is no business of another server's.
        headers = {name: openai.Omit() for name in names}
        create = client.chat.completions.with_streaming_response.create
        answer: AbstractAsyncContextManager[AsyncAPIResponse[AsyncStream[ChatCompletionChunk]]]
        # As more fields: the package looks into each message of the others, for 10 ms and more.
        answer = create(
            model=body["model"], messages=[], stream=True, extra_body=body, extra_headers=headers
        )
        return answer

    async def _connected(self, openai: Any) -> AsyncOpenAI:
        url = self._url if self._locate is None else await self._locate()
        if self._client is None or url != self._url:
            await self.close()
            self._url, self._client = url, _make_client(openai, url, self._key)
        return self._client

    async def _package(self) -> Any:
        if not has_package():
            raise LlmError("the package openai is not installed")
        # On a thread: it takes a second, and others talk meanwhile.
        return await asyncio.to_thread(importlib.import_module, "openai")

    def _refusal(self, error: Any) -> LlmError:
        status, headers = error.status_code, error.response.headers
        if 300 <= status < 400:
            target = urlsplit(headers.get("location", "")).netloc or "elsewhere"
            return LlmError(f"it sends us to {target}, where no key is sent", status=status)
        words = error_words(error.body) or "it says no more"
        retry_after = retry_seconds(headers.get("retry-after", ""), time())
        return LlmError(f"HTTP {status}: {words}", status=status, retry_after=retry_after)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _make_client(openai: Any, url: str, key: str | None) -> AsyncOpenAI:
    is_here = is_on_this_machine(host_of(url))
    client: AsyncOpenAI = openai.AsyncOpenAI(
        base_url=url,
        api_key=key or "none",
        max_retries=0,
        timeout=openai.Timeout(None, connect=CONNECT_SECONDS),
        http_client=openai.DefaultAsyncHttpxClient(
            follow_redirects=False, trust_env=not is_here, timeout=None
        ),
    )
    return client


async def _lines_of(blocks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    rest = b""
    async for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > MOST_LINE:
            raise LlmError("it sends a line without end")
        for line in lines:
            yield line.decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")


async def _drain(lines: AsyncGenerator[str, None]) -> None:
    """Read what follows the last event, which is nothing: the connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in lines:
                pass


def _reason(error: BaseException) -> str:
    """Return why a request failed: what a library wraps says more than itself."""
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def retry_seconds(header: str, now: float) -> float | None:
    """Return the seconds in a Retry-After header: a number or a date; None without one."""
    text = header.strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None

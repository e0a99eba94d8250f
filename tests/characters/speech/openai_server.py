"""A small OpenAI-compatible speech service on the loopback address, for tests."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from aiohttp import web

__all__ = [
    "OpenAIServer",
    "serving",
    "tone",
    "wav",
]


def tone(seconds: float, rate: int, hertz: float = 220.0) -> bytes:
    """Return a tone, 16-bit mono."""
    time = np.arange(round(seconds * rate)) / rate
    return (8_000.0 * np.sin(2.0 * np.pi * hertz * time)).astype("<i2").tobytes()


def wav(pcm: bytes, rate: int, channels: int = 1, width: int = 2) -> bytes:
    """Return samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as it:
        it.setnchannels(channels)
        it.setsampwidth(width)
        it.setframerate(rate)
        it.writeframes(pcm)
    return file.getvalue()


class OpenAIServer:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.text: Any = "Where does it hurt?"
        self.segments: Any = None  # of `verbose_json`
        self.raw: bytes | None = None  # in place of what it has understood
        self.knows_verbose = True
        self.status = 200
        self.elsewhere = ""  # where a redirect leads
        self.is_stuck = False
        self.pieces: list[bytes] = [wav(tone(0.5, 22_050), 22_050)]
        self.kind = "application/octet-stream"  # the content type of what is spoken
        self.tells_length = False
        self.packs = ""  # how it says that what is spoken is packed
        self.breaks_off = False
        self.never_ends = False
        self.stays_open = False  # after all that it says has come
        self.trickles = False
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.let_go = asyncio.Event()  # somebody left before the answer was over
        self.url = ""

    async def transcribe(self, request: web.Request) -> web.Response:
        """Answer `/audio/transcriptions`."""
        form = await request.post()
        fields = {k: v for k, v in form.items() if isinstance(v, str)}
        file = form["file"]
        assert isinstance(file, web.FileField)
        self.asked.append(fields | {"file": file.file.read(), "type": file.content_type})
        await self._begin(request)
        is_verbose = fields["response_format"] == "verbose_json"
        if is_verbose and not self.knows_verbose:
            return web.json_response({"error": "response_format"}, status=400)
        if self.raw is not None:
            return web.Response(body=self.raw)
        content = {"text": self.text} | ({"segments": self.segments} if is_verbose else {})
        headers = self._location("transcriptions")
        return web.json_response(content, status=self.status, headers=headers)

    async def speak(self, request: web.Request) -> web.StreamResponse:
        """Answer `/audio/speech`, piece by piece."""
        self.asked.append(await request.json())
        await self._begin(request)
        headers = {"Content-Type": self.kind} | self._location("speech")
        if self.packs:
            headers["Content-Encoding"] = self.packs
        answer = web.StreamResponse(status=self.status, headers=headers)
        if self.tells_length:
            answer.content_length = sum(map(len, self.pieces))
        await answer.prepare(request)
        try:
            for piece in self.pieces:
                await answer.write(piece)
            if self.stays_open:
                await asyncio.Event().wait()
            while self.trickles:
                await answer.write(b"R")
                await asyncio.sleep(0.05)
            if self.breaks_off and request.transport is not None:
                request.transport.abort()
            while self.never_ends:
                await answer.write(tone(0.5, 24_000))
                await asyncio.sleep(0.005)
        except (ConnectionError, asyncio.CancelledError):
            self.let_go.set()
            raise
        return answer

    def _location(self, path: str) -> dict[str, str]:
        return {"Location": f"{self.elsewhere}/audio/{path}"} if self.elsewhere else {}

    async def _begin(self, request: web.Request) -> None:
        self.keys.append(request.headers.get("Authorization"))
        if self.is_stuck:
            await asyncio.Event().wait()


@asynccontextmanager
async def serving() -> AsyncIterator[OpenAIServer]:
    """Run a server for as long as the context is open."""
    server = OpenAIServer()
    app = web.Application()
    app.router.add_post("/v1/audio/transcriptions", server.transcribe)
    app.router.add_post("/v1/audio/speech", server.speak)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()

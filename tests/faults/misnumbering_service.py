"""A service that numbers, repeats and welcomes wrongly, and behaves in the end.

It sends the numbers from 1 to `WORDS` to whoever enters its one room. Each connection up to the
last lie gets them changed by it; what a lie adds says "lie".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from characters.protocol.codec import encode_server, parse_object
from characters.protocol.link import LINK_LABEL, Hello, Welcome, decode_link, encode_link
from characters.protocol.messages import BotLlmText, BotReady

__all__ = ["LIES", "TOLD", "Liar"]

WORDS = 20
TOLD = [f"{number} " for number in range(1, WORDS + 1)]
LIE = {"label": "rtvi-ai", "type": "bot-llm-text", "data": {"text": "lie "}}
NO_NUMBERS: tuple[object, ...] = (0, -3, True, "3", None, 2.5, 2**60, [1], {})

Frame = dict[str, Any]
Frames = list[Frame]
Lie = Callable[[Frames, Random], Frames]


def reordered(frames: Frames, chance: Random) -> Frames:
    """Let two neighbours change places."""
    at = chance.randrange(len(frames) - 1)
    return [*frames[:at], frames[at + 1], frames[at], *frames[at + 2 :]]


def shuffled(frames: Frames, chance: Random) -> Frames:
    """Let all of them come in any order."""
    return chance.sample(frames, len(frames))


def doubled(frames: Frames, chance: Random) -> Frames:
    """Say some twice, at once or later."""
    again = [*frames]
    for frame in chance.sample(frames, len(frames) // 2):
        again.insert(chance.randrange(again.index(frame), len(again) + 1), frame)
    return again


def truncated(frames: Frames, chance: Random) -> Frames:
    """End in the middle."""
    return frames[: chance.randrange(len(frames))]


def skipped(frames: Frames, chance: Random) -> Frames:
    """Leave one out."""
    at = chance.randrange(len(frames))
    return [*frames[:at], *frames[at + 1 :]]


def renumbered(frames: Frames, chance: Random) -> Frames:
    """Say something under a number that was used before, or is far ahead."""
    at = chance.randrange(1, len(frames))
    seq = frames[at]["seq"]
    return [*frames[:at], {**LIE, "seq": chance.choice((seq - 1, 1, seq + 2))}, *frames[at:]]


def unnumbered(frames: Frames, chance: Random) -> Frames:
    """Say something under what is no number, or under none."""
    at = chance.randrange(len(frames))
    wrong = chance.choice(NO_NUMBERS)
    return [*frames[:at], {**LIE, "seq": wrong} if chance.random() < 0.8 else LIE, *frames[at:]]


LIES: Mapping[str, Lie] = {
    lie.__name__: lie
    for lie in (reordered, shuffled, doubled, truncated, skipped, renumbered, unnumbered)
}


class Liar:
    """One room, which its client rejoins until it has heard all; `url` once it is started."""

    def __init__(self, lie: Lie, lies: int, seed: int) -> None:
        self.connections = 0
        self.url = ""
        self._lie = lie
        self._lies_left = lies
        self._chance = Random(seed)
        self._log: Frames = []
        self._runner: web.AppRunner | None = None
        self._add(encode_server(BotReady()))
        for word in TOLD:
            self._add(encode_server(BotLlmText(word)))

    def _add(self, frame: Mapping[str, Any]) -> None:
        self._log.append({**frame, "seq": len(self._log) + 1})

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/connect", self._connect)
        app.router.add_get("/rooms/r", self._enter)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        assert self._runner is not None  # it was started
        await self._runner.cleanup()

    async def _connect(self, request: web.Request) -> web.Response:
        self.connections += 1
        return web.json_response(
            {
                "session_id": f"live-{self.connections}",
                "character_session_id": "s",
                "room_url": f"ws://{request.host}/rooms/r",
                "room_name": "r",
                "token": "t",
            }
        )

    async def _enter(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("troupe.v1",), compress=False)
        await socket.prepare(request)
        hello = decode_link(parse_object(await socket.receive_str()))
        assert isinstance(hello, Hello)
        with suppress(ConnectionError):  # it believed no more
            await self._tell(socket, hello.received)
            if self._lies_left < 0:
                await self._listen(socket)
        await socket.close()
        return socket

    async def _tell(self, socket: web.WebSocketResponse, received: int) -> None:
        if received:
            self._add(encode_server(BotReady()))  # it ends the replay
        frames = self._log[received:]
        self._lies_left -= 1
        outcome = "rejoined" if received else "fresh"
        welcome = Welcome(0, max(0, len(frames) - 1), received + 1, outcome)
        await socket.send_str(json.dumps(encode_link(welcome)))
        if self._lies_left >= 0 and len(frames) > 2:
            frames = self._lie(frames, self._chance)
        for frame in frames:
            await socket.send_str(json.dumps(frame))

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        """Answer pings until the client leaves."""
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                raw = parse_object(message.data)
                if raw.get("label") == LINK_LABEL and raw["type"] == "ping":
                    await socket.send_str(json.dumps({**raw, "type": "pong"}))

"""Peers that repeat, reorder, truncate and misnumber what they say: nothing wrong is delivered."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from characters.client.config import CharacterEvent, SessionConfig
from characters.client.runtime import RuntimeBuilder
from characters.client.service_process import ServiceProcess
from characters.client.threads import NetworkThread
from characters.protocol.codec import encode_client
from characters.protocol.link import Hello, encode_link
from characters.protocol.messages import BotLlmText, UserTextMessage
from characters.service.store import SessionStore
from characters.session.policy import ReconnectPolicy
from tests.faults.harness import ASSETS, AT_ONCE, wait_for
from tests.faults.misnumbering_service import LIES, TOLD, Liar
from tests.faults.row import Row

__all__ = ["misnumbering_clients", "misnumbering_services", "rows"]

HASTY = ReconnectPolicy(
    max_reconnect_attempts=None,
    reconnect_budget_seconds=60.0,
    backoff_base_seconds=0.02,
    backoff_cap_seconds=0.05,
)
LINES = [f"This is line {number}." for number in range(1, 7)]
LIES_EACH = 4
DEADLINE = 60.0


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield misnumbering_services(1 if quick else 20)
    yield misnumbering_clients(3 if quick else 50)


def misnumbering_services(times: int) -> Row:
    """Let the real runtime talk to a service that lies in each way."""
    talks = connections = 0
    wrong: list[str] = []
    server = NetworkThread("liar")
    server.start()
    runtime = RuntimeBuilder().build()
    runtime.start()
    for seed, name in itertools.product(range(times), LIES):
        misnumbering_service = Liar(LIES[name], LIES_EACH, seed)
        server.submit(misnumbering_service.start()).result(DEADLINE)
        heard: list[str] = []

        def note(event: CharacterEvent, heard: list[str] = heard) -> None:
            if isinstance(event, BotLlmText):
                heard.append(event.text)

        handle = runtime.open_session(
            SessionConfig(
                "nurse", f"{name}-{seed}", endpoint=misnumbering_service.url, policy=HASTY
            )
        )
        handle.events.subscribe(note)
        handle.connect()
        try:
            wait_for(lambda: len(heard) >= len(TOLD), DEADLINE, runtime.dispatcher.drain)  # noqa: B023  # called at once
        except TimeoutError:
            wrong.append(f"{name}: not all was heard")
        talks, connections = talks + 1, connections + misnumbering_service.connections
        wrong += [] if heard == TOLD else [name]
        handle.disconnect()
        server.submit(misnumbering_service.stop()).result(DEADLINE)
    runtime.close()
    server.stop(5.0)
    figure = (
        f"{talks} talks over {connections} connections in {len(LIES)} ways:"
        f" {len(wrong)} with a wrong delivery" + "".join(f"; {it}" for it in wrong[:3])
    )
    row = "service that reorders, doubles, truncates and misnumbers its replay"
    return Row(10, row, figure, not wrong)


def misnumbering_clients(times: int) -> Row:
    """Let clients that number wrongly talk to the real service process."""
    with TemporaryDirectory() as folder:
        service = ServiceProcess(Path(folder), ASSETS, arguments=AT_ONCE)
        url = service.start()
        told = asyncio.run(_lie_to(url, times))
        service.kill()
        store = SessionStore(Path(folder) / "service" / "sessions.sqlite3")
        said = [
            [turn.text for turn in store.turns(session_id) if turn.speaker == "player"]
            for session_id in told
        ]
        store.close()
    wrong = sum(lines != LINES for lines in said)
    figure = f"{times} talks of {len(LINES)} lines: {wrong} with a wrong delivery"
    return Row(10, "client that reorders, doubles and misnumbers what it says", figure, wrong == 0)


async def _lie_to(url: str, times: int) -> list[str]:
    async with aiohttp.ClientSession() as http:
        return [await _LyingClient(http, url, seed).talk() for seed in range(times)]


class _LyingClient:
    """Numbers its lines wrongly a few times, then tells what the service lacks."""

    def __init__(self, http: aiohttp.ClientSession, url: str, seed: int) -> None:
        self._http = http
        self._url = url
        self._chance = Random(seed)
        self._ask: dict[str, Any] = {
            "character_id": f"nurse-{seed}",
            "persona": "personas/nurse-21c4.toml",
        }
        self._frames = [
            {**encode_client(UserTextMessage(line, f"m{seq}")), "seq": seq}
            for seq, line in enumerate(LINES, 1)
        ]
        self._durable: set[str] = set()

    async def talk(self) -> str:
        """Say all lines; return the session's id."""
        for lies_left in reversed(range(LIES_EACH)):
            async with self._http.post(f"{self._url}/connect", json=self._ask) as answer:
                grant = await answer.json()
            self._ask |= {
                "mode": "join",
                "room_name": grant["room_name"],
                "character_session_id": grant["character_session_id"],
                "live_id": grant["session_id"],
            }
            await self._visit(grant, is_honest=lies_left == 0)
        return str(grant["character_session_id"])

    async def _visit(self, grant: dict[str, Any], *, is_honest: bool) -> None:
        headers = {"Authorization": f"Bearer {grant['token']}"}
        async with self._http.ws_connect(
            grant["room_url"], protocols=("troupe.v1",), headers=headers
        ) as socket:
            await socket.send_str(json.dumps(encode_link(Hello())))
            welcome = json.loads(await socket.receive_str())
            missing = self._frames[welcome["received"] :]
            lie = self._chance.choice(list(LIES.values()))
            frames = missing if is_honest or len(missing) < 3 else lie(missing, self._chance)
            for frame in frames:
                # Its "lie" is none of ours: a line of a player instead, which must not be taken.
                is_lie = frame.get("label") is not None
                words = {**encode_client(UserTextMessage("lie")), "seq": frame.get("seq")}
                await socket.send_str(json.dumps(words if is_lie else frame))
            while is_honest and len(self._durable) < len(LINES):
                self._note(json.loads(await socket.receive_str(timeout=DEADLINE)))

    def _note(self, frame: dict[str, Any]) -> None:
        if frame.get("event_type") == UserTextMessage.TYPE:
            self._durable.add(frame.get("extras", {}).get("message_id"))

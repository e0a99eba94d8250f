"""Rows 26 to 31: one client, or its files, that does its worst to a service that others use.

The service is a process of its own, and so is whoever attacks it.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from characters.client.config import MessageRefused, TextRefused
from characters.client.service_process import ServiceProcess
from characters.protocol.failures import CharactersError
from characters.protocol.messages import (
    ClientMessage,
    ContextUpdate,
    UpdateSceneMetadata,
    UpdateTemplateKeys,
)
from characters.session.conversation import SessionState
from tests.bench.case import percentile
from tests.faults.harness import ASSETS, ServiceHarness, TrackedSession
from tests.faults.hostile_client import ATTACKS, enter
from tests.faults.row import Row
from tests.soak.vitals import body_of

__all__ = ["rows"]

USUAL = ("--no-speech", "--seed", "1")
CLIENTS = {"rooms": 1, "half_sent": 6}
ROUNDS = 3
FACTOR = 5.0
MEGABYTES = 100.0
BUSY_MS = 5.0  # an undisturbed service answers sooner: above, others take the machine
NOISE_MS = 1.0  # below this a p99 is the scheduler's, not the service's


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield from _attacks(2.0 if quick else 8.0)
    yield asyncio.run(_requests(every=5 if quick else 1))
    yield _unsendable()
    yield _databases()


@contextmanager
def _service(data: Path | None = None) -> Iterator[ServiceProcess]:
    service = ServiceProcess(data, ASSETS, arguments=USUAL, start_seconds=60.0)
    service.start()
    try:
        yield service
    finally:
        service.kill()


def _attacks(seconds: float) -> Iterator[Row]:
    for name, attack in ATTACKS.items():
        with _service() as service:
            calm, worst, before, peak, after = asyncio.run(_beside(service, name, seconds))
        figure = (
            f"ping p99 of another talk {worst:.1f} ms beside {calm:.1f} undisturbed;"
            f" memory {before:.0f} MB, {peak:.0f} at the peak, {after:.0f} after it"
        )
        is_quiet = calm < BUSY_MS
        figure += "" if is_quiet else "; no verdict on the ping, the machine was not quiet"
        is_held = worst <= FACTOR * max(calm, NOISE_MS) or not is_quiet
        is_right = is_held and peak - before < MEGABYTES
        yield Row(26, str(attack.__doc__).rstrip("."), figure, is_right)


async def _beside(
    service: ServiceProcess, name: str, seconds: float
) -> tuple[float, float, float, float, float]:
    """Return the ping's p99 (ms) without and with an attack, and the memory of the service.

    By turns, and each the median of its rounds: a p99 is the worst few pings of a round.
    """
    pid = service.pid
    assert pid is not None
    async with aiohttp.ClientSession() as http:
        good = await enter(http, service.url)
        peaks = [0.0]
        await _pings(good, asyncio.sleep(1.0))
        before = body_of(pid).megabytes
        command = ("-m", "tests.faults.hostile_client", name, service.url)
        clients = CLIENTS.get(name, 4)
        calm, worst = list[float](), list[float]()
        for _ in range(ROUNDS):
            calm.append(await _pings(good, asyncio.sleep(seconds / 2)))
            attack = await asyncio.create_subprocess_exec(
                sys.executable, *command, str(seconds / 2), str(clients)
            )
            done = attack.wait()
            worst.append(await _pings(good, done, lambda: peaks.append(body_of(pid).megabytes)))
        await (await enter(http, service.url)).close()  # whoever comes now finds room
        await _pings(good, asyncio.sleep(seconds))
        return median(calm), median(worst), before, max(peaks), body_of(pid).megabytes


async def _pings(
    socket: aiohttp.ClientWebSocketResponse,
    until: Coroutine[Any, Any, object],
    each: Callable[[], object] = int,
) -> float:
    """Ping a hundred times a second until something is done; return the p99 of the answers, ms."""
    times, done = [], asyncio.create_task(until)
    while not done.done():
        began = time.perf_counter()
        await socket.send_str(json.dumps({"label": "troupe", "type": "ping", "t": began}))
        while True:
            message = await socket.receive(timeout=30.0)
            if json.loads(message.data).get("type") == "pong":
                break
        times.append((time.perf_counter() - began) * 1000.0)
        each()
        await asyncio.sleep(0.01)
    return percentile(times, 0.99)


FIELDS = (
    "character_id",
    "character_session_id",
    "end_user_id",
    "end_user_metadata",
    "connection_type",
    "mode",
    "room_name",
    "spawn_agent",
    "max_num_participants",
    "default_tts_enabled",
    "default_stt_enabled",
    "vad_params",
    "turn_detection_config",
    "audio_config",
    "dynamic_info",
    "scene_description",
    "narrative_template_keys",
    "action_config",
    "emotion_config",
    "respond_modes",
    "debug",
    "invocation_metadata",
    "persona",
    "room_rejoin_ttl_seconds",
    "takeover",
    "live_id",
    "player_name",
    "model",
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**400, float("nan"), float("inf"), "", [], {}, "x" * 5000, "\0"),
    *("\ud800", "../../etc/passwd", "personas/\0.toml", "\U0001f600" * 190, ["a"] * 1000),
    *({"a": {"b": [1] * 100}}, [[[[[[[[]]]]]]]]),
)
BODIES = (b"", b"{", b"\xff\xfe", b"[" * 50_000, b"null", b'{"character_id": "a", }')
PATHS = ("/connect", "/connect/stream", "/forget", "/sessions/%00", "/rooms/x", "/%ff", "/../x")
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"},
    {"Content-Encoding": "gzip"},
    {"Host": "evil.example"},
    {"Origin": "null"},
)


async def _requests(every: int) -> Row:
    """Send what makes no sense; each answer is JSON with a reason and no fault of the server."""
    found = Counter[str]()
    with _service() as service:
        async with aiohttp.ClientSession() as http:

            async def post(path: str, data: bytes, headers: dict[str, str]) -> None:
                url = f"{service.url}{path}"
                async with http.post(url, data=data, headers=headers) as answer:
                    found[f"{answer.status // 100}xx"] += 1
                    json.loads(await answer.text(), parse_constant=_no_number)

            odd = [(field, value) for field in FIELDS for value in VALUES]
            for field, value in odd[::every]:
                body = json.dumps({"character_id": "porter-3e8f", field: value})
                await post("/connect", body.encode(), {"Content-Type": "application/json"})
            for path in PATHS:
                for data in BODIES:
                    for headers in HEADERS:
                        await post(path, data, headers)
    figure = f"{found.total()} requests: " + ", ".join(
        f"{number} answered {status}" for status, number in sorted(found.items())
    )
    return Row(27, "requests of no sense", figure, found["5xx"] == 0)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


UNSENDABLE: tuple[str | ClientMessage, ...] = (
    "x" * 70_000,
    "\ud800",
    ContextUpdate("x" * 70_000),
    ContextUpdate("漢" * 40_000),
    UpdateTemplateKeys({"a": float("nan")}),
    UpdateTemplateKeys({"a": {1}}),
    UpdateTemplateKeys({"a": "\ud800"}),
    UpdateSceneMetadata(({"name": "x", "description": "y" * 300},) * 300),
)


def _unsendable() -> Row:
    """Give a session what cannot be sent; each is refused at the call, and the talk goes on."""
    talks = 0
    with TemporaryDirectory() as folder, ServiceHarness(Path(folder)) as harness:
        it = harness.open_session("nurse")
        it.connect()
        for number, message in enumerate(UNSENDABLE, start=1):
            if isinstance(message, str):
                it.handle.send_text(message)
            else:
                it.handle.send(message)
            answers = len(it.handle.view.transcript)
            it.handle.send_text("Hello")
            harness.until(partial(_has_more, it, answers))
            with suppress(TimeoutError):
                harness.until(partial(_has_refused, it, number), 5.0)
            talks += it.state is SessionState.CONNECTED and len(it.arrivals) == 1
        refused = _refusals(it)
    figure = f"{refused} of {len(UNSENDABLE)} refused at the call, {talks} talks went on"
    is_right = refused == talks == len(UNSENDABLE)
    return Row(28, "messages that cannot be sent", figure, is_right)


def _refusals(it: TrackedSession) -> int:
    return len(it.all(TextRefused)) + len(it.all(MessageRefused))


def _has_refused(it: TrackedSession, number: int) -> bool:
    return _refusals(it) >= number


def _has_more(it: TrackedSession, answers: int) -> bool:
    return len(it.handle.view.transcript) > answers


def _header(offset: int, data: bytes) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        sqlite3.connect(path).execute("create table sessions(a)").connection.close()
        content = bytearray(path.read_bytes())
        content[offset : offset + len(data)] = data
        path.write_bytes(content)

    return damage


DATABASES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello" * 1000),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 64),
    "foreign tables": _header(0, b""),
    "unsupported format": _header(44, b"\xff" * 4),
    "page size 0": _header(16, b"\0\0"),
    "version of the future": _header(60, b"\0\0\xff\xff"),
    "a folder": lambda path: path.mkdir(),
    "a dangling link": lambda path: path.symlink_to("nowhere"),
}


def _databases() -> Row:
    started, failed = 0, list[str]()
    for name, make in DATABASES.items():
        with TemporaryDirectory() as folder:
            path = Path(folder) / "service" / "sessions.sqlite3"
            path.parent.mkdir()
            make(path)
            try:
                with _service(Path(folder)) as service:
                    asyncio.run(_talks(service.url))
                started += 1
            except (CharactersError, OSError, aiohttp.ClientError):
                failed.append(name)
    figure = f"{started} of {len(DATABASES)} services started and talked"
    figure += f"; not with: {', '.join(failed)}" if failed else ""
    return Row(29, "something else in the place of the service's database", figure, not failed)


async def _talks(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        await (await enter(http, url)).close()

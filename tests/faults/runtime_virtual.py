"""Faults that are about policy, against the real runner on virtual time; and each way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from characters.protocol.failures import FailureKind
from characters.protocol.messages import ConnectRequest
from characters.session.conversation import ResumeOutcome, SessionState, SessionStateChanged
from characters.session.events import ConnectRequested, DisconnectRequested
from characters.session.policy import ReconnectPolicy
from characters.transport.base import TransportError
from characters.transport.websocket import WebSocketTransport
from tests.bench.outage_model import ours, outage
from tests.characters.client.stage import Actor, Stage
from tests.faults.row import Row

__all__ = ["rows"]

CONNECTED, DISCONNECTED = SessionState.CONNECTED, SessionState.DISCONNECTED
HOUR = 3600.0
STEP_SECONDS = 0.0025
LAST_STEP = 40


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield outages(100 if quick else 1000)
    yield taken_back()
    yield wall_jumps()
    yield asyncio.run(classes())


def outages(clients: int) -> Row:
    """Let the service be away under the policies of ours."""
    figures, right = [], True
    for name, policy in (
        ("PATIENT", ReconnectPolicy.PATIENT),
        ("DEFAULT", ReconnectPolicy.DEFAULT),
    ):
        for seconds in (2.0, 10.0, 60.0):
            toll = outage(name, ours(policy), seconds, clients)
            times = [toll.back_after(share) for share in (0.5, 0.99)]
            back = " / ".join("-" if time is None else f"{time:.2f}" for time in times)
            figures.append(
                f"{name} {seconds:g} s: {toll.tries:.1f} tries, peak {toll.peak}, {back} s,"
                f" {toll.gave_up} gave up"
            )
            right = right and (name == "DEFAULT" or (toll.gave_up == 0 and max(toll.back) <= 4.0))
    return Row(6, f"{clients} clients, outages (t50 / t99 after it)", "; ".join(figures), right)


def _connect(stage: Stage, actor: Actor) -> None:
    stage.do(actor.runner.feed, ConnectRequested())


def _reconnect(stage: Stage, actor: Actor) -> None:
    _arrive(stage, actor)
    stage.service.last.drop()
    stage.until_state(actor, SessionState.RECONNECTING)


def _wait_for_a_retry(stage: Stage, actor: Actor) -> None:
    _arrive(stage, actor)
    stage.service.kill()
    stage.until(lambda: actor.session.view.next_retry_at is not None)


def _disconnect(stage: Stage, actor: Actor) -> None:
    _arrive(stage, actor)
    stage.do(actor.runner.feed, DisconnectRequested())


def _fail(stage: Stage, actor: Actor) -> None:
    stage.service.refuse("connection.invalid_api_key")
    _connect(stage, actor)
    stage.until_state(actor, SessionState.ERROR)


def _arrive(stage: Stage, actor: Actor) -> None:
    _connect(stage, actor)
    stage.until_state(actor, CONNECTED)


MOMENTS: tuple[Callable[[Stage, Actor], None], ...] = (
    _connect,
    _arrive,
    _reconnect,
    _wait_for_a_retry,
    _disconnect,
    _fail,
    lambda stage, actor: None,  # never connected
)


def taken_back() -> Row:
    """Disconnect in each state, every 2.5 ms of it, and look what is left."""
    leaks = tried = 0
    for moment in MOMENTS:
        for step in range(LAST_STEP):
            tried += 1
            leaks += _leaks(moment, step * STEP_SECONDS)
    figure = f"{tried} moments in {len(MOMENTS)} phases: {leaks} left tasks, sockets or places"
    return Row(12, "disconnect() in every state, at every await", figure, leaks == 0)


def _leaks(moment: Callable[[Stage, Actor], None], seconds: float) -> bool:
    with Stage() as stage:
        actor = stage.actor()
        stage.worker.seconds = 0.01
        moment(stage, actor)
        stage.run_for(seconds)
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.run_for(3.0)
        limiter = stage.context.limiter
        return bool(
            actor.state is not DISCONNECTED
            or actor.runner.is_leaking
            or stage.service.live
            or limiter.in_flight
            or limiter.waiting
            or asyncio.all_tasks(stage.loop)
        )


def wall_jumps() -> Row:
    """Set the wall clock an hour on or back in a drop, and between two runs of the game."""
    wrong = tried = 0
    for jump in (-HOUR, HOUR):
        for is_restart in (False, True):
            tried += 1
            wrong += not _keeps_its_talk(jump, is_restart)
    figure = f"{tried} jumps: {wrong} conversations lost"
    return Row(14, "wall clock jumps +-1 h", figure, wrong == 0)


def _keeps_its_talk(jump: float, is_restart: bool) -> bool:
    with Stage() as stage:
        actor = stage.actor()
        _arrive(stage, actor)
        stage.run_for(10.0)
        known = actor.session.view.session_id
        stage.service.kill()
        stage.run_for(0.5)
        stage.wall += jump
        if is_restart:
            actor.runner.dispose()
            actor = stage.actor()
            _connect(stage, actor)
        stage.service.is_down = False
        stage.until(lambda: actor.state is CONNECTED)
        change = actor.all(SessionStateChanged)[-1]
        assert change.resume is not None
        # After a restart only the wall clock tells a room's age: an hour on it is a new room.
        rejoins = not (is_restart and jump > 0)
        wanted = ResumeOutcome.REJOINED if rejoins else ResumeOutcome.RESUMED
        return change.session_id == known and change.resume.outcome is wanted


ADVISED, TRANSIENT, TERMINAL = FailureKind.ADVISED, FailureKind.TRANSIENT, FailureKind.TERMINAL
ANSWERS: tuple[tuple[int, float | None, FailureKind], ...] = (
    (401, None, TERMINAL),
    (403, None, TERMINAL),
    (404, None, TERMINAL),
    (409, None, TERMINAL),
    (422, None, TERMINAL),
    (429, None, TRANSIENT),
    (429, 2.0, ADVISED),
    (500, None, TRANSIENT),
    (500, 2.0, ADVISED),
    (502, None, TRANSIENT),
    (502, 2.0, ADVISED),
    (503, None, TRANSIENT),
    (503, 2.0, ADVISED),
)


async def classes() -> Row:
    """Let a real socket give each answer, and see which class the failure gets."""
    wrong = []
    for status, retry_after, wanted in ANSWERS:
        async with _server(status, retry_after) as port:
            found = await _class_of(f"http://127.0.0.1:{port}")
        if found is not wanted:
            wrong.append(f"{status} {retry_after}: {found}")
    async with _server(200, None) as port:
        tls = await _class_of(f"https://127.0.0.1:{port}")
    for name, found, wanted in (
        ("DNS", await _class_of("http://nobody.invalid"), TRANSIENT),
        ("TLS", tls, TERMINAL),
        ("refused", await _class_of(f"http://127.0.0.1:{port}"), TRANSIENT),
    ):
        if found is not wanted:
            wrong.append(f"{name}: {found}")
    tried = len(ANSWERS) + 3
    figure = f"{tried - len(wrong)} of {tried} as in the table" + "".join(f"; {w}" for w in wrong)
    return Row(15, "401 to 503, with and without Retry-After, DNS, TLS", figure, not wrong)


async def _class_of(url: str) -> FailureKind | None:
    transport = WebSocketTransport(url)
    try:
        await transport.connect(ConnectRequest("nurse"))
    except TransportError as error:
        return error.failure.kind
    finally:
        await transport.close()
    return None


@asynccontextmanager
async def _server(status: int, retry_after: float | None) -> AsyncIterator[int]:
    """Answer everything with one status; yield the port."""
    advice = "" if retry_after is None else f"Retry-After: {retry_after:g}\r\n"
    answer = f"HTTP/1.1 {status} No\r\n{advice}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(answer.encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]

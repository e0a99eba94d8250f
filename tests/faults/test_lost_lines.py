"""A service that is killed while the player types: no line is lost, none is taken twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from characters.client.config import SessionConfig
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.client.service_process import ServiceProcess
from characters.service.store import SessionStore
from characters.session.conversation import SessionState
from characters.session.policy import ReconnectPolicy

ROOT = Path(__file__).parent.parent.parent
FAST = ("--words-per-second", "0", "--think", "0", "--no-speech", "--seed", "1")
DEADLINE = 60.0
STEP = 0.003


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    process = ServiceProcess(tmp_path, ROOT / "assets", arguments=FAST)
    yield process
    process.kill()


@pytest.fixture
def runtime(service: ServiceProcess) -> Iterator[Runtime]:
    runtime = RuntimeBuilder().use_endpoint_url(lambda name: service.start()).build()
    runtime.start()
    yield runtime
    runtime.close()


def until(condition: Callable[[], object], runtime: Runtime) -> None:
    frame, end = threading.Event(), time.monotonic() + DEADLINE
    while not condition():
        runtime.dispatcher.drain()
        assert time.monotonic() < end, "not within the deadline"
        frame.wait(0.0005)


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_lines_typed_just_before_a_kill_are_neither_lost_nor_doubled(
    service: ServiceProcess, runtime: Runtime, tmp_path: Path, kills: int
) -> None:
    policy = ReconnectPolicy.PATIENT
    handle = runtime.open_session(SessionConfig("patient-7f3a", policy=policy))
    handle.connect()
    lines = [f"This is line {number}." for number in range(kills)]
    for number, line in enumerate(lines):
        until(lambda: handle.view.state is SessionState.CONNECTED, runtime)
        handle.send_text(line)
        killed_at = time.monotonic() + number * STEP
        until(lambda at=killed_at: time.monotonic() >= at, runtime)  # type: ignore[misc]  # bound now
        service.kill()
        until(lambda: handle.view.state is SessionState.RECONNECTING, runtime)
    until(lambda: handle.view.state is SessionState.CONNECTED, runtime)
    until(lambda: not handle.view.unconfirmed_lines, runtime)
    session_id = handle.view.session_id
    assert session_id is not None
    service.kill()
    store = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    told = [turn.text for turn in store.turns(session_id) if turn.speaker == "player"]
    store.close()
    assert sorted(told) == lines
    assert [turn.text for turn in handle.view.transcript if turn.speaker == "player"] == lines

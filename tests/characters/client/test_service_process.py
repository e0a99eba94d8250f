"""The real service as a process, and the real runtime before it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from characters.client.config import SessionConfig, TextRefused
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.client.service_process import ServiceError, ServiceProcess
from characters.service.store import SessionStore
from characters.session.conversation import ResumeOutcome, SessionState
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore

ROOT = Path(__file__).parent.parent.parent.parent
FAST = ("--words-per-second", "0", "--think", "0", "--no-speech", "--seed", "1")
DEADLINE = 60.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    process = ServiceProcess(tmp_path, ROOT / "assets", arguments=FAST, start_seconds=DEADLINE)
    yield process
    process.kill()


def until(condition: Callable[[], object], runtime: Runtime | None = None) -> None:
    frame, end = threading.Event(), time.monotonic() + DEADLINE
    while not condition():
        if runtime is not None:
            runtime.update()
        assert time.monotonic() < end, "not within the deadline"
        frame.wait(0.005)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=DEADLINE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_starts_and_tells_where_it_listens(service: ServiceProcess) -> None:
    assert answers(service.start())
    assert service.is_running


def test_it_comes_back_on_the_same_port_after_a_kill(service: ServiceProcess) -> None:
    url = service.start()
    service.kill()
    assert not service.is_running
    assert service.start() == url
    assert answers(url)


def test_starting_one_that_runs_keeps_it(service: ServiceProcess) -> None:
    url = service.start()
    assert service.start() == url


def test_it_ends_by_itself_when_stopped(service: ServiceProcess) -> None:
    service.start()
    assert service.stop(DEADLINE)
    assert not service.is_running


def test_a_start_that_fails_tells_what_the_service_said(tmp_path: Path) -> None:
    process = ServiceProcess(
        tmp_path, ROOT / "assets", arguments=("--port", "nonsense"), start_seconds=DEADLINE
    )
    with pytest.raises(ServiceError, match="'nonsense' is no whole number; it must be 0 to 65535"):
        process.start()
    assert not process.is_running


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from characters.client.service_process import ServiceProcess\n"
        "process = ServiceProcess(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]),"
        " arguments=['--no-speech'], start_seconds=60)\n"
        "process.start()\n"
        "print(process.url, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), str(ROOT / "assets")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert parent.stdin is not None and parent.stdout is not None
    url = parent.stdout.readline().strip()
    assert answers(url)
    parent.kill()
    parent.wait(DEADLINE)
    until(lambda: not answers(url))
    parent.stdin.close()
    parent.stdout.close()


def words_of(handle: SessionHandle) -> str:
    return "".join(turn.text for turn in handle.view.transcript if turn.speaker == "character")


def test_a_character_that_left_the_room_is_seen_to_be_away_and_can_be_called_back(
    tmp_path: Path,
) -> None:
    arguments = (*FAST, "--agent-linger", "0")
    service = ServiceProcess(tmp_path, ROOT / "assets", arguments=arguments, start_seconds=DEADLINE)
    runtime = RuntimeBuilder().use_service(service).build()
    try:
        alone = ReconnectPolicy(spawn_agent_on_rejoin=False)
        handle = runtime.open_session(SessionConfig("patient-7f3a", policy=alone))
        told: list[object] = []
        handle.events.subscribe(told.append)
        handle.connect()
        until(lambda: handle.view.state is SessionState.CONNECTED, runtime)
        assert handle.view.has_agent
        handle.cut()
        until(lambda: handle.view.timeline[-1].is_reconnection_successful, runtime)
        assert not handle.view.has_agent
        handle.send_text("My name is Ada.")
        until(lambda: any(isinstance(event, TextRefused) for event in told), runtime)
        handle.spawn_agent()
        until(lambda: len(handle.view.timeline) == 6, runtime)
        assert handle.view.has_agent
        handle.send_text("My name is Ada.")
        until(lambda: "Ada" in words_of(handle), runtime)
    finally:
        runtime.close()


def test_a_talk_survives_a_cut_a_kill_and_a_restart_of_the_game(service: ServiceProcess) -> None:
    service.start()
    persistence = KeyValueSessionPersistence(MemoryStore())

    def build() -> Runtime:
        builder = RuntimeBuilder().use_persistence(persistence)
        runtime = builder.use_endpoint_url(lambda name: service.start()).build()
        runtime.start()
        return runtime

    runtime = build()
    # However long the service takes to come back.
    handle = runtime.open_session(SessionConfig("patient-7f3a", policy=ReconnectPolicy.PATIENT))
    handle.connect()
    handle.send_text("My name is Ada.")
    until(lambda: any(turn.speaker == "character" for turn in handle.view.transcript), runtime)
    first = handle.view.session_id

    handle.cut()
    until(lambda: handle.view.timeline[-1].is_reconnection_successful, runtime)
    assert outcome(handle.view.resume) is ResumeOutcome.REJOINED

    service.kill()
    until(lambda: handle.view.state is SessionState.RECONNECTING, runtime)
    service.start()
    until(lambda: handle.view.state is SessionState.CONNECTED, runtime)
    assert outcome(handle.view.resume) is ResumeOutcome.RESUMED
    assert runtime.close(DEADLINE)

    runtime = build()
    handle = runtime.open_session(SessionConfig("patient-7f3a"))
    handle.connect()
    until(lambda: handle.view.state is SessionState.CONNECTED, runtime)
    assert handle.view.session_id == first
    assert outcome(handle.view.resume) is ResumeOutcome.RESUMED
    runtime.expire_session("patient-7f3a")
    assert runtime.close(DEADLINE)


def test_a_runtime_of_one_line_starts_the_service_and_delivers_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    persistence = KeyValueSessionPersistence(MemoryStore())

    runtime = RuntimeBuilder().use_persistence(persistence).build()

    handle, told = runtime.open_session(SessionConfig("patient-7f3a")), list[object]()
    handle.events.subscribe(told.append)
    handle.connect()
    until(lambda: any(getattr(it, "is_connection_established", False) for it in told), runtime)
    assert persistence.load("patient-7f3a") is not None
    service = runtime.service
    assert service is not None and service.is_running
    assert runtime.close(DEADLINE)
    assert not service.is_running


def test_a_talk_that_is_forgotten_is_gone_at_the_service_too(
    service: ServiceProcess, tmp_path: Path
) -> None:
    runtime = RuntimeBuilder().use_endpoint_url(lambda name: service.start()).build()
    runtime.start()
    handle = runtime.open_session(SessionConfig("patient-7f3a"))
    handle.connect()
    handle.send_text("My name is Ada.")
    until(lambda: handle.view.unconfirmed_lines == 0 and handle.view.transcript, runtime)
    session_id = handle.view.session_id or ""
    runtime.forget_session("patient-7f3a")
    store = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    until(lambda: session_id in store.load().ended, runtime)
    assert store.turns(session_id) == ()
    store.close()
    assert handle.view.session_id is None
    assert runtime.close(DEADLINE)


def outcome(resume: object) -> object:
    return getattr(resume, "outcome", None)


def test_a_level_may_choose_its_arguments_until_it_has_some_or_runs(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, ROOT / "assets")
    assert service.prefer(("--detector=silero",))
    assert service.prefer(("--detector=silero",)) and not service.prefer(("--no-speech",))
    assert not ServiceProcess(tmp_path, ROOT / "assets", arguments=FAST).prefer(("--no-speech",))


def test_a_service_whose_folder_is_none_talks_all_the_same_and_says_why_it_keeps_nothing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    service = ServiceProcess(file, ROOT / "assets", arguments=FAST)
    runtime = RuntimeBuilder().use_service(service).build()
    handle = runtime.open_session(SessionConfig("patient-7f3a"))
    handle.connect()
    until(lambda: handle.view.state is SessionState.CONNECTED, runtime)
    assert "Conversations cannot be kept in" in service.problem
    assert runtime.close(DEADLINE)


def test_a_service_that_cannot_start_says_so_once(tmp_path: Path) -> None:
    process = ServiceProcess(tmp_path, ROOT / "assets", arguments=("--port", "nonsense"))
    with pytest.raises(ServiceError):
        process.start()
    assert "could not start: " in process.problem
    process.dismiss_problem()
    with pytest.raises(ServiceError):
        process.start()
    assert process.problem == ""


def test_a_port_that_another_program_took_meanwhile_is_no_reason_to_stay_away(
    service: ServiceProcess,
) -> None:
    first = service.start()
    service.kill()
    with socket.create_server(("127.0.0.1", urlsplit(first).port or 0)):
        second = service.start()
        assert second != first
        assert answers(second)


# A process takes longer to start under Wine, and so does an answer where everything is slow.
# Half a second is short for the first answer of a service on a busy machine.
SHORT_MS = 4000 if sys.platform == "win32" else 2000
SHORT = ReconnectPolicy(max_reconnect_attempts=1, start_wait_timeout_ms=SHORT_MS)


def test_the_start_of_the_service_costs_nobody_an_attempt_or_time(tmp_path: Path) -> None:
    slow = SlowStart(tmp_path, ROOT / "assets", arguments=FAST)
    runtime = RuntimeBuilder().use_service(slow).build()
    policy = replace(SHORT, max_reconnect_attempts=0)
    handle = runtime.open_session(SessionConfig("patient-7f3a", policy=policy))
    handle.connect()
    until(lambda: handle.view.is_starting, runtime)
    until(lambda: handle.view.state is SessionState.CONNECTED, runtime)
    assert [event.attempt for event in handle.view.timeline] == [0, 0]
    assert runtime.close(DEADLINE)


def test_whoever_gave_up_while_the_service_was_away_comes_back_with_it(
    service: ServiceProcess,
) -> None:
    runtime = RuntimeBuilder().use_service(service).build()
    handles = [
        runtime.open_session(SessionConfig(who, policy=SHORT))
        for who in ("patient-7f3a", "nurse-21c4")
    ]
    for handle in handles:
        handle.connect()
    until(lambda: states_of(handles) == {SessionState.CONNECTED}, runtime)
    service.kill()
    until(lambda: states_of(handles) == {SessionState.ERROR}, runtime)
    service.start()
    until(lambda: states_of(handles) == {SessionState.CONNECTED}, runtime)
    assert {outcome(handle.view.resume) for handle in handles} == {ResumeOutcome.RESUMED}
    assert runtime.close(DEADLINE)


def test_all_who_wait_for_a_service_that_does_not_come_hear_the_same_reason(
    tmp_path: Path,
) -> None:
    broken = SlowStart(tmp_path, ROOT / "assets", arguments=("--port", "nonsense"))
    runtime = RuntimeBuilder().use_service(broken).build()
    policy = replace(SHORT, max_reconnect_attempts=0)
    handles = [runtime.open_session(SessionConfig(who, policy=policy)) for who in ("one", "two")]
    for handle in handles:
        handle.connect()
    until(lambda: states_of(handles) == {SessionState.ERROR}, runtime)
    assert {str(handle.view.error) for handle in handles} == {str(handles[0].view.error)}
    error = handles[0].view.error
    assert error is not None and error.code == "service.not_started"
    assert "'nonsense' is no whole number; it must be 0 to 65535" in error.message
    assert broken.starts == 1
    assert runtime.close(DEADLINE)


class SlowStart(ServiceProcess):
    """A service whose start takes longer than a session would wait for an answer."""

    starts = 0

    def start(self) -> str:
        self.starts += 1
        threading.Event().wait(1.4 * SHORT_MS / 1000)
        return super().start()


def states_of(handles: list[SessionHandle]) -> set[SessionState]:
    return {handle.view.state for handle in handles}


def test_a_program_that_cannot_be_started_is_a_problem_that_the_player_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    service = ServiceProcess(None, tmp_path)
    with pytest.raises(ServiceError, match="no-python"):
        service.start()
    assert "could not start" in service.problem
    assert not service.is_running

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from characters.client.service_process import ServiceProcess
from characters.commands.sessions import (
    ServiceKeys,
    clear,
    forget_at,
    forget_at_home,
    list_sessions,
    open_persistence,
    show,
    show_all,
)
from characters.service.effects import PersistEntry
from characters.service.endpoint_file import running_at
from characters.service.store import SessionStore, StoredSession
from characters.session.conversation import SessionRecord
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore, SessionPersistence

HOUR = 3600.0


@pytest.fixture
def stored() -> SessionPersistence:
    persistence = KeyValueSessionPersistence(MemoryStore())
    ann = SessionRecord("abcdefgh-secret", "local", "room-secret", 100.0, 40.0)
    persistence.store("ann-1", ann)
    persistence.store("bob-2", SessionRecord("zyxw-secret", saved_at=0.0))
    return persistence


def test_each_session_gets_a_line(stored: SessionPersistence) -> None:
    out = io.StringIO()
    list_sessions(stored, out, now=40.0 + 2 * HOUR)
    assert out.getvalue().splitlines() == [
        "ann-1  abcd…  saved 2 h ago",
        "bob-2  zyxw…  saved at an unknown time",
    ]


def test_a_session_that_was_refused_and_is_kept_says_so(stored: SessionPersistence) -> None:
    stored.store("cleo-3", SessionRecord("kept-secret", saved_at=40.0, is_refused=True))
    out = io.StringIO()
    list_sessions(stored, out, now=45.0)
    show(stored, "cleo-3", out, now=45.0)
    assert "cleo-3  kept…  saved 5 s ago  refused" in out.getvalue()
    assert "refused    kept by always_resume" in out.getvalue()


def test_no_sessions_are_a_sentence() -> None:
    out = io.StringIO()
    list_sessions(KeyValueSessionPersistence(MemoryStore()), out, now=0.0)
    show_all(KeyValueSessionPersistence(MemoryStore()), [], out, now=0.0)
    assert out.getvalue() == "No sessions are stored.\n" * 2


def test_all_of_one_session_is_shown_but_no_secret(stored: SessionPersistence) -> None:
    out = io.StringIO()
    show(stored, "ann-1", out, now=160.0)
    assert "dropped    1 min ago" in out.getvalue()
    assert "local" in out.getvalue()
    assert "secret" not in out.getvalue()


def test_an_unknown_id_is_refused_with_a_suggestion(stored: SessionPersistence) -> None:
    with pytest.raises(LookupError, match="Try: ann-1"):
        show(stored, "anne-1", io.StringIO(), now=0.0)


def test_one_session_is_cleared(stored: SessionPersistence) -> None:
    assert clear(stored, ["ann-1"]) == 1
    assert list(stored.all()) == ["bob-2"]


def test_without_an_id_all_are_cleared(stored: SessionPersistence) -> None:
    assert clear(stored, []) == 2
    assert not stored.all()


def test_nothing_is_cleared_when_one_id_is_unknown(stored: SessionPersistence) -> None:
    with pytest.raises(LookupError):
        clear(stored, ["ann-1", "nobody"])
    assert len(stored.all()) == 2


def test_the_sessions_of_a_data_folder_are_those_of_the_game(tmp_path: Path) -> None:
    prefs, stored = open_persistence(tmp_path, read_only=False)
    with prefs:
        stored.store("ann-1", SessionRecord("abcdefgh"))
    prefs, stored = open_persistence(tmp_path, read_only=True)
    with prefs:
        assert stored.all()["ann-1"].session_id == "abcdefgh"


def kept(data: Path) -> SessionStore:
    """Return the embedded service's database, with a talk of each of two."""
    store = SessionStore(data / "service" / "sessions.sqlite3")
    for name in ("ann", "bob"):
        said = [PersistEntry("player", f"{name}'s secret")]
        store.save(StoredSession(name, "nurse", None, time.time()), {}, said)
    return store


def test_one_talk_is_wiped_from_the_embedded_service_and_from_the_disk(tmp_path: Path) -> None:
    kept(tmp_path).close()
    assert forget_at_home(tmp_path, ["ann", "never there"]) == 1
    folder = tmp_path / "service"
    assert [file.name for file in folder.iterdir()] == ["sessions.sqlite3"]
    bytes_left = (folder / "sessions.sqlite3").read_bytes()
    assert b"ann's secret" not in bytes_left
    assert b"bob's secret" in bytes_left


def test_without_an_id_everything_that_the_embedded_service_kept_is_deleted(tmp_path: Path) -> None:
    kept(tmp_path).close()
    (tmp_path / "service/sessions.sqlite3.damaged").touch()
    assert forget_at_home(tmp_path, None) == 2
    assert list((tmp_path / "service").iterdir()) == []
    assert forget_at_home(tmp_path, None) == 0


def test_an_embedded_service_that_runs_is_asked_to_forget(tmp_path: Path) -> None:
    kept(tmp_path).close()
    process = ServiceProcess(tmp_path, tmp_path, arguments=("--no-speech",))
    url = process.start()
    try:
        assert forget_at_home(tmp_path, ["ann"]) == 1
        with urlopen(f"{url}/health") as answer:
            assert json.load(answer)["sessions"] == 1
    finally:
        process.kill()
    store = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    assert [session.session_id for session in store.load().sessions] == ["bob"]
    store.close()
    assert running_at(tmp_path / "service") is None


class Service(ThreadingHTTPServer):
    """A service that takes DELETE: `status` is its answer, `asked` what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Answers(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.send_error(404)  # it says nothing of who it is

    def do_DELETE(self) -> None:
        keys = (self.headers.get("X-API-Key"), self.headers.get("X-Admin-Key"))
        self.server.asked.append((self.path, *keys))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(5.0)


def test_a_service_is_asked_to_forget_each_session(service: Service) -> None:
    forget_at(service.url, ["abc", "d/e"], ServiceKeys("key", "ring"))
    forget_at(service.url, ["f"])
    assert service.asked == [
        ("/sessions/abc", "key", "ring"),
        ("/sessions/d%2Fe", "key", "ring"),
        ("/sessions/f", None, None),
    ]


def test_what_the_service_does_not_know_is_forgotten_already(service: Service) -> None:
    service.status = 404
    forget_at(service.url, ["abc"])


def test_a_service_that_refuses_is_named(service: Service) -> None:
    service.status = 401
    with pytest.raises(OSError, match="did not forget: HTTP 401"):
        forget_at(service.url, ["abc"])


def test_a_service_that_is_not_there_is_named() -> None:
    with pytest.raises(OSError, match="did not forget"):
        forget_at("http://127.0.0.1:1", ["abc"])


def test_what_a_model_has_used_is_shown(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    used = {"usage": {"tokens_in": 40, "tokens_out": 10, "answers": 2}}
    store.save(StoredSession("s1", "ada", None, 0.0), used)
    store.close()
    persistence, out = KeyValueSessionPersistence(MemoryStore()), io.StringIO()
    persistence.store("ada", SessionRecord("s1"))
    show(persistence, "ada", out, 0.0, tmp_path)
    assert "2 answers, tokens 40 in, 10 out" in out.getvalue()

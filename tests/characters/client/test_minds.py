"""What a service has to forget is told until it hears it, whatever becomes of either process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from characters.client.config import SessionConfig
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.service.store import SessionStore, database_of
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore, OwedForget
from tests.running import running_service
from tests.slot_game import GameProcess

WITHIN = 60.0


def until(condition: Callable[[], object]) -> None:
    pause, end = threading.Event(), time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < end, f"not within {WITHIN:g} s"
        pause.wait(0.005)


@pytest.mark.slow
def test_a_game_that_is_killed_before_the_service_is_back_has_the_next_one_tell_it(
    tmp_path: Path,
) -> None:
    prefs = tmp_path / "prefs.msgpack"
    with running_service(tmp_path / "service") as service:
        game = GameProcess(prefs, service.url, "ada")
        game.ask("meet")
        game.ask("talk", "My name is Ada.", "Ada")
        saved = game.ask("save", "harbour")
        played = game.ask("view")["session_id"]
        service.kill()
        game.ask("forget")
        game.kill()
        game.close()
        service.start()
        again = GameProcess(prefs, service.url, "ada")
        assert again.ask("slot", "harbour") is None
        with closing(SessionStore(database_of(tmp_path))) as store:
            until(lambda: {saved, played} <= set(store.load().ended))
            assert store.turns(saved) == store.turns(played) == ()
        again.ask("meet")
        assert again.ask("view")["session_id"] != played
        again.close()


class Door:
    """An endpoint that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answers: list[int] = []  # then 200
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_error(404)  # it says nothing of who it is

            def do_DELETE(self) -> None:
                door.asked.append((self.path, self.headers["X-API-Key"]))
                self.send_response(door.answers.pop(0) if door.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Home:
    """A game with what services owe it, before any session is open."""

    def __init__(self, *owed: OwedForget) -> None:
        self.persistence = KeyValueSessionPersistence(MemoryStore())
        self.persistence.owe_forgets(owed)
        self.runtime = self._started()

    def _started(self) -> Runtime:
        builder = RuntimeBuilder().use_persistence(self.persistence)
        runtime = builder.use_endpoint_url(lambda name: "http://nowhere.invalid").build()
        runtime.start()
        return runtime

    def until_nothing_is_owed(self) -> None:
        until(lambda: not self.persistence.owed_forgets())
        assert self.runtime.close(WITHIN)


@pytest.mark.parametrize("answers", [[503], [404], [405], [403]])
def test_an_endpoint_is_asked_until_it_has_forgotten_or_has_nothing(
    door: Door, answers: list[int]
) -> None:
    is_final = answers[0] in (404, 405)
    door.answers = list(answers)
    Home(OwedForget("nurse", "a/b", door.url)).until_nothing_is_owed()
    count = 1 if is_final else len(answers) + 1
    assert door.asked == [("/sessions/a%2Fb", None)] * count


def test_one_that_is_away_holds_up_no_other(door: Door) -> None:
    away = OwedForget("nurse", "s-1", "http://127.0.0.1:9")
    home = Home(away, OwedForget("porter", "s-2", door.url))
    until(lambda: home.persistence.owed_forgets() == (away,))
    assert home.runtime.close(WITHIN)


def test_where_a_credential_is_needed_it_waits_for_a_character_that_has_it(door: Door) -> None:
    config = SessionConfig("nurse", endpoint=door.url, api_key="secret")
    home = Home(OwedForget("nurse", "s-1", config.place))
    home.runtime.open_session(config)
    home.until_nothing_is_owed()
    assert door.asked == [("/sessions/s-1", "secret")]

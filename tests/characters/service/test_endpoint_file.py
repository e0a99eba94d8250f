"""Where a tool finds the service that runs on a data folder."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from characters.protocol.link import CHALLENGE, proof_of
from characters.service.endpoint_file import Running, endpoint_file, running_at


class Answering(BaseHTTPRequestHandler):
    """Whoever has the port of the service."""

    secret = ""
    answer: bytes | None = None

    def do_GET(self) -> None:
        proof = proof_of(self.secret, self.headers[CHALLENGE])
        body = self.answer or json.dumps({"service": "troupe", "proof": proof}).encode()
        self.wfile.write(body if self.answer else b"HTTP/1.0 200 OK\r\n\r\n" + body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's
        """Say nothing."""


@contextmanager
def answering(secret: str, answer: bytes | None = None) -> Iterator[str]:
    kind = type("Kind", (Answering,), {"secret": secret, "answer": answer})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_service_that_proves_itself_is_found(tmp_path: Path) -> None:
    with answering("secret") as url, endpoint_file(tmp_path, url, "secret"):
        assert running_at(tmp_path) == Running(url, "secret")
        assert (tmp_path / "running.json").stat().st_mode & 0o077 == 0 or sys.platform == "win32"


@pytest.mark.parametrize(
    ("secret", "answer"),
    [
        ("another", None),
        ("secret", b"HTTP/1.0 200 OK\r\n\r\n{}"),
        ("secret", b"HTTP/1.0 200 OK\r\n\r\n[5]"),
        ("secret", b'HTTP/1.0 200 OK\r\n\r\n{"proof": "\\ud800"}'),
        ("secret", b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 4000),
        ("secret", b"SSH-2.0-somebody else\r\n"),
    ],
)
def test_who_took_the_port_of_a_dead_service_is_not_taken_for_it(
    tmp_path: Path, secret: str, answer: bytes | None
) -> None:
    with answering(secret, answer) as url, endpoint_file(tmp_path, url, "secret"):
        assert running_at(tmp_path) is None


def test_a_file_without_a_secret_proves_nothing(tmp_path: Path) -> None:
    with answering("") as url, endpoint_file(tmp_path, url, ""):
        assert running_at(tmp_path) is None


@pytest.mark.posix("Windows has no modes")
def test_a_file_that_others_could_read_is_made_its_owner_s(tmp_path: Path) -> None:
    word = tmp_path / "running.json"
    word.write_text("{}")
    word.chmod(0o644)
    with endpoint_file(tmp_path, "http://127.0.0.1:1", "secret"):
        assert word.stat().st_mode & 0o077 == 0


def test_nobody_is_found_where_nobody_said_anything(tmp_path: Path) -> None:
    with endpoint_file(None, "http://127.0.0.1:1", "secret"):
        assert running_at(tmp_path) is None
    assert running_at(tmp_path / "nowhere") is None


def test_the_word_of_a_service_is_taken_back_at_its_end(tmp_path: Path) -> None:
    with endpoint_file(tmp_path, "http://127.0.0.1:1", "secret"):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_word_that_a_killed_service_left_is_not_believed(tmp_path: Path) -> None:
    with endpoint_file(tmp_path, "http://127.0.0.1:1", "secret"):
        assert running_at(tmp_path) is None
    (tmp_path / "running.json").write_text("{")
    assert running_at(tmp_path) is None


@pytest.mark.posix("Windows has no pipes in folders, and a link takes a right that players lack")
def test_the_word_of_a_service_waits_for_no_pipe_and_is_written_through_no_link(
    tmp_path: Path,
) -> None:
    victim, word = tmp_path / "victim", tmp_path / "running.json"
    victim.write_text("mine")
    word.symlink_to(victim)
    with endpoint_file(tmp_path, "http://127.0.0.1:1", "secret"):
        assert victim.read_text() == "mine"
    os.mkfifo(word)
    assert running_at(tmp_path) is None
    with endpoint_file(tmp_path, "http://127.0.0.1:1", "secret"):
        assert running_at(tmp_path) is None

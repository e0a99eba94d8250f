"""The embedded service as a process of its own: started, killed and restarted while one plays."""

from __future__ import annotations

import json
import logging
import os
import queue
import re
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from characters.english import ENGLISH
from characters.installation import package_assets
from characters.protocol.failures import CharactersError
from characters.protocol.link import SECRET_VARIABLE
from engine.core.events import Signal
from engine.core.file_system import real_path
from engine.core.processes import NO_WINDOW, THRIFTY, module_command, module_environment
from engine.core.words import ScreenText

__all__ = ["ServiceError", "ServiceProcess"]

_log = logging.getLogger(__name__)

STDERR_LINES = 20
_TROUBLE = re.compile(r" (?:WARNING|ERROR) ")  # as its log writes it


class ServiceError(CharactersError):
    """The service did not start; the message holds its own last words. Retryable."""

    retryable = True


class ServiceProcess:
    """Runs `python -m characters.service` on the loopback address.

    Without a `data` folder it keeps nothing. `fixed` are arguments that no level changes. It ends
    with us: its standard input is a pipe that closes when this process dies. Calls wait (for the
    start up to `start_seconds`), so they are not for the main thread of a game.
    """

    def __init__(
        self,
        data: Path | None,
        assets: Path,
        *,
        arguments: Sequence[str] = (),
        fixed: Sequence[str] = (),
        start_seconds: float = 45.0,  # a virus scanner looks at each library once
    ) -> None:
        self.secret = secrets.token_hex(32)
        """What the service proves to know before it is told an id."""
        self._data = None if data is None else real_path(data)
        self._assets = real_path(assets)
        self._arguments = tuple(arguments)
        self._fixed = ("--models-by-request", *fixed)
        self._start_seconds = start_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._stderr_reader: threading.Thread | None = None
        self._url = ""
        self._is_meant_to_run = False
        self._is_starting = False
        self._problem = self._known_problem = ""
        self.started: Signal[ServiceProcess] = Signal("service.started")
        """Emitted when it listens, on the thread that started it."""

    def prefer(self, arguments: Sequence[str]) -> bool:
        """Start with these arguments, unless it has some of its own; return whether it will.

        One that runs already keeps what it was started with.
        """
        with self._lock:
            if not self._arguments and not self.is_running:
                self._arguments = tuple(arguments)
            return self._arguments == tuple(arguments)

    @property
    def url(self) -> str:
        """Where it listens, or last listened; empty before the first start."""
        return self._url

    @property
    def pid(self) -> int | None:
        """The id of the process; None before the first start."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def has_crashed(self) -> bool:
        """Whether it ended without `stop` or `kill`."""
        return self._is_meant_to_run and not self.is_running

    @property
    def is_coming(self) -> bool:
        """Whether `url_of` waits for a start: one is under way, or it would begin one."""
        return self._is_starting or not self._url or self.has_crashed

    @property
    def problem(self) -> str:
        """What the player has to know about the last start; empty if there is nothing.

        That it failed, or that the service cannot keep anything.
        """
        return self._problem

    def dismiss_problem(self) -> None:
        """Note that the player knows the problem: it is told again only when it is another."""
        self._problem = ""

    @property
    def last_words(self) -> str:
        """The last lines that the service wrote to its standard error."""
        return "\n".join(self._stderr)

    def url_of(self, name: str) -> str:
        """Return the URL of the endpoint "local", which is this service; start it if need be.

        One that crashed is started again; one that was killed on purpose stays dead.
        Raises LookupError for another name, ServiceError when it did not start in time.
        """
        if name != "local":
            raise LookupError(f'endpoint {name!r} is no URL and not "local"')
        if self.is_coming:
            _log.info("The service runs at %s.", self.start())
        return self._url

    def start(self) -> str:
        """Start it, on the port it had before, and return its URL; one that runs is kept.

        Raises ServiceError when it did not start in time.
        """
        self._is_starting = True
        with self._lock:
            self._is_meant_to_run = True
            if self.is_running:
                self._is_starting = False
                return self._url
            try:
                self._url = self._launch(urlsplit(self._url).port or 0)
            finally:
                self._is_starting = False
        self.started.emit(self)
        return self._url

    def kill(self) -> None:
        """End it at once, as a crash would."""
        with self._lock:
            self._is_meant_to_run = False
            if self._process is not None:
                self._process.kill()
                self._collect(self._process)

    def stop(self, deadline_seconds: float = 3.0) -> bool:
        """Let it drain and end; kill it after the deadline. Return whether it ended by itself."""
        with self._lock:
            self._is_meant_to_run = False
            process = self._process
            if process is None:
                return True
            # Its sign to drain, and the only one: `terminate` would be a kill on Windows.
            with suppress(OSError):
                assert process.stdin is not None  # it was started with a pipe
                process.stdin.close()
            try:
                process.wait(deadline_seconds)
                return True
            except subprocess.TimeoutExpired:
                process.kill()
                return False
            finally:
                self._collect(process)

    def _launch(self, port: int) -> str:
        self._stderr.clear()
        arguments = ["--with-parent"]
        if self._data is not None:
            with suppress(OSError):  # the service says why, and keeps what it has in memory
                self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            arguments += ["--data", str(self._data)]
        arguments += ["--assets", str(self._assets), "--assets", str(package_assets())]
        arguments += ["--port", str(port), *self._fixed, *self._arguments]
        try:
            process = _open(arguments, self.secret)
        except OSError as error:
            # Windows does not say which program.
            why = f"{error.strerror or error}: {sys.executable}"
            self._report(ENGLISH("service.not_started", why=why))
            raise ServiceError(f"The conversation service could not start: {why}") from error
        self._process = process
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        _follow(process.stdout, lines.put, "service-stdout")
        self._stderr_reader = _follow(process.stderr, self._note, "service-stderr")
        return self._url_in(process, lines)

    def _url_in(self, process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> str:
        try:
            said = json.loads(lines.get(timeout=self._start_seconds))
            self._report(ScreenText.from_data(said.get("problem", ""), said.get("told")))
            if "problem" in said:
                said = json.loads(lines.get(timeout=self._start_seconds))
            return str(said["url"])
        except queue.Empty:
            why = f"said nothing within {self._start_seconds:g} s"
        except (ValueError, KeyError, TypeError, AttributeError):
            why = "ended before it listened"
        process.kill()
        self._collect(process)
        words = self.last_words or "it wrote nothing to its standard error"
        self._report(ENGLISH("service.not_started", why=words.splitlines()[-1]))
        raise ServiceError(f"The conversation service {why}. Its last words: {words}")

    def _report(self, problem: str) -> None:
        """Keep what the player has to know, unless it was the same at the last start."""
        if problem == self._known_problem:
            return
        if problem:
            _log.warning("%s", problem)
        self._problem = self._known_problem = problem

    def _note(self, line: str) -> None:
        if line.strip():
            self._stderr.append(line.rstrip())
            if _TROUBLE.search(line):
                _log.warning("The service says: %s", line.strip())

    def _collect(self, process: subprocess.Popen[str]) -> None:
        """Reap the process, so that nothing of it stays behind."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
        with suppress(OSError):
            assert process.stdin is not None  # it was started with a pipe
            process.stdin.close()
        if self._stderr_reader is not None:
            self._stderr_reader.join(1.0)


def _open(arguments: Sequence[str], secret: str) -> subprocess.Popen[str]:
    environment = module_environment([os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        module_command("characters.service", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**environment, **THRIFTY, SECRET_VARIABLE: secret},
        creationflags=NO_WINDOW,  # so Ctrl-C is the game's alone, too
    )


def _follow(stream: IO[str] | None, take: Callable[[str], None], name: str) -> threading.Thread:
    assert stream is not None  # it was started with pipes

    def read() -> None:
        with stream, suppress(ValueError):
            for line in stream:
                take(line)
            # The end, as an empty line: a caller that waits for the first line must not wait on.
            take("")

    thread = threading.Thread(target=read, name=name, daemon=True)
    thread.start()
    return thread

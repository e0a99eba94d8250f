"""A PostgreSQL server of the tests' own, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

__all__ = ["PostgresServer", "running_postgres"]

SECONDS = 60


def _program(name: str) -> str:
    """Return the place of one of the server's programs; Debian keeps them off the path."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if sys.platform == "win32":
        beside = []  # Wine shows Linux's programs, which it cannot start
    found = shutil.which(name) or (str(beside[-1]) if beside else None)
    if found is None:
        pytest.skip("PostgreSQL is not installed: .ci/setup test installs it")
    return found


def _user() -> dict[str, Any]:
    """Return how a program is started as somebody else than root, whom the server refuses."""
    if sys.platform == "win32" or os.getuid() != 0:
        return {}
    import pwd

    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@dataclass(frozen=True)
class PostgresServer:
    """A server that listens on a loopback `port`, and on a socket in `folder`."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Return the URL of its first database, over TCP."""
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """Return the URL of its first database through a proxy at a port."""
        return f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def fresh(self) -> str:
        """Empty the first database, and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("DROP SCHEMA public CASCADE")
            db.execute("CREATE SCHEMA public")
        return self.url

    def control(self, *words: str) -> None:
        """Tell pg_ctl something: "restart", "-m", "immediate"."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        log, where = str(self.folder / "log"), str(self.folder / "data")
        command = (_program("pg_ctl"), "-w", "-s", "-D", where, "-l", log, "-o", options, *words)
        subprocess.run(command, check=True, timeout=SECONDS, cwd="/", **_user())


@contextmanager
def running_postgres(*, is_durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server while the context lasts; it writes to the disk in earnest if `is_durable`."""
    initdb = _program("initdb")
    # A short path: that of a Unix socket has at most 100 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = _user()
    if user:
        os.chown(folder, user["user"], user["group"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = PostgresServer(folder, free.getsockname()[1])
    command = (initdb, "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-N",
               "-E", "UTF8", "--locale=C")  # fmt: skip
    try:
        subprocess.run(
            command, check=True, timeout=SECONDS, cwd="/", stdout=subprocess.DEVNULL, **user
        )
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"fsync = {'on' if is_durable else 'off'}\nmax_connections = 200\n")
        server.control("start")
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.control("stop", "-m", "immediate")
        shutil.rmtree(folder, ignore_errors=True)

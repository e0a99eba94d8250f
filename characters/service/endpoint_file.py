"""The endpoint file, which tells a program that has only the data folder where the service is.

It holds the service's secret too, and its owner alone may read it: a service that was killed leaves
its file behind, and whoever takes its port must not be told an id.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.request import ProxyHandler, Request, build_opener

from characters.protocol.link import CHALLENGE, proof_of
from engine.core.file_system import open_file, read_file

__all__ = ["endpoint_file", "Running", "running_at"]

ENDPOINT_FILE = "running.json"
MOST_ENDPOINT_BYTES = 4096
ANSWER_SECONDS = 2.0


class Running(NamedTuple):
    """A service that runs, and the secret by which it proves itself."""

    url: str
    secret: str


@contextmanager
def endpoint_file(folder: Path | None, url: str, secret: str) -> Iterator[None]:
    """Keep URL and secret in a file in the folder while the context lasts; None: no file."""
    if folder is None:
        yield
        return
    path = folder / ENDPOINT_FILE
    with suppress(OSError):  # the game knows the URL: only tools look for it here
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(open_file(path, flags, follows_links=False), "wb") as file:
            path.chmod(0o600)
            file.write(json.dumps({"url": url, "secret": secret}).encode())
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def running_at(folder: Path) -> Running | None:
    """Return the service that runs on this folder, None if none proves that it does."""
    challenge = secrets.token_hex(16)
    try:
        said = json.loads(read_file(folder / ENDPOINT_FILE, MOST_ENDPOINT_BYTES))
        found = Running(str(said["url"]), str(said["secret"]))
        request = Request(f"{found.url}/health", headers={CHALLENGE: challenge})
        with build_opener(ProxyHandler({})).open(request, timeout=ANSWER_SECONDS) as answer:
            proof = str(json.loads(answer.read(MOST_ENDPOINT_BYTES))["proof"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return None
    expected = proof_of(found.secret, challenge)
    is_proven = hmac.compare_digest(proof.encode("utf-8", "replace"), expected.encode())
    return found if is_proven and found.secret else None

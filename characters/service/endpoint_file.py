"""The endpoint file, which tells a program that has only the data folder where the service is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

from engine.core.file_system import open_file, read_file

__all__ = ["endpoint_file", "running_at"]

ENDPOINT_FILE = "running.json"
MOST_ENDPOINT_BYTES = 4096
ANSWER_SECONDS = 2.0


@contextmanager
def endpoint_file(folder: Path | None, url: str) -> Iterator[None]:
    """Keep the service's URL in a file in its folder while the context lasts; None: no file."""
    if folder is None:
        yield
        return
    path = folder / ENDPOINT_FILE
    with suppress(OSError):  # the game knows the URL: only tools look for it here
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(open_file(path, flags, follows_links=False), "wb") as file:
            file.write(json.dumps({"url": url}).encode())
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def running_at(folder: Path) -> str | None:
    """Return the URL of the service that runs on this folder, None if none does.

    A service that was killed left its file behind, so the URL is tried.
    """
    try:
        url = str(json.loads(read_file(folder / ENDPOINT_FILE, MOST_ENDPOINT_BYTES))["url"])
        with urlopen(f"{url}/health", timeout=ANSWER_SECONDS) as answer:
            return url if answer.status == 200 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None

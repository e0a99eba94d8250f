"""Where the service of a data folder can be asked, for whoever has only the folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

__all__ = ["announced", "running_at"]

NAME = "running.json"
PATIENCE_SECONDS = 2.0


@contextmanager
def announced(folder: Path | None, url: str) -> Iterator[None]:
    """Write down in the service's folder that it listens there, until the end; None: nowhere."""
    if folder is None:
        yield
        return
    path = folder / NAME
    path.write_text(json.dumps({"url": url}), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_at(folder: Path) -> str | None:
    """Return the URL of the service that has this folder, None if none runs.

    One that was killed left its word behind, so the service itself is asked.
    """
    try:
        url = str(json.loads((folder / NAME).read_text(encoding="utf-8"))["url"])
        with urlopen(f"{url}/health", timeout=PATIENCE_SECONDS) as answer:
            return url if answer.status == 200 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None

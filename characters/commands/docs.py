"""`docs`: list, print and open the documentation that comes with the package.

The pages are Markdown files below `characters/docs`.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TextIO

import characters
from engine.toml.diagnostics import similar_names

__all__ = ["FOLDER", "open_page", "page_names", "print_page"]

FOLDER = Path(characters.__file__).parent / "docs"
START = "tutorial/my-first-level"


def page_names() -> tuple[str, ...]:
    """Return the names of all pages, such as "how-to/own-store"."""
    files = sorted(FOLDER.rglob("*.md"))
    return tuple(file.relative_to(FOLDER).with_suffix("").as_posix() for file in files)


def print_page(name: str | None, out: TextIO) -> None:
    """Print a page, or without a name the list of pages with their titles.

    Raises LookupError when there is no such page, or there are several.
    """
    if name is not None:
        print(_page(name).read_text(encoding="utf-8"), file=out, end="")
        return
    for known in page_names():
        title = (FOLDER / f"{known}.md").read_text(encoding="utf-8").partition("# ")[2]
        print(f"{known:36}{title.splitlines()[0]}", file=out)


def open_page(name: str | None) -> None:
    """Open a page with the program that the system has for it. Raises LookupError."""
    webbrowser.open(_page(name or START).as_uri())


def _page(name: str) -> Path:
    found = [known for known in page_names() if name in (known, known.rpartition("/")[2])]
    if len(found) != 1:
        names = {known.rpartition("/")[2]: known for known in page_names()}
        close, _ = similar_names(name.rpartition("/")[2], names)
        meant = f"Did you mean {' or '.join(close)}?" if close else ""
        raise LookupError(
            f"There is no page {name!r}. {meant or 'Without a name, docs lists all.'}"
        )
    return FOLDER / f"{found[0]}.md"

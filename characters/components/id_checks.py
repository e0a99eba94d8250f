"""Checks of character ids: whether somebody who reads them can tell what they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from engine.scene_document import ObjectEntry, SceneDocument
from engine.toml_file import Problem
from engine.toml_words import as_toml

__all__ = ["ids_are_plain", "ids_look_different"]

# Letters of other alphabets and signs that nobody can tell from these of ASCII.
_LOOKALIKES = dict(
    zip(
        "авеѕіјӏкмнорсԁтухԝһοαενικρτυχ‐‑‒–—−аАВЕЅІЈКМНОРСТУХ",  # noqa: RUF001 - the point of it
        "abesijlkmhopcdtyxwhoaevikptux------aABESIJKMHOPCTYX",
        strict=True,
    )
)
_SAME_LOOK = str.maketrans("oli", "011")


def ids_are_plain(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each id with a character that cannot be seen, or not be told apart."""
    for entry, component in document.components("Character"):
        for field in ("character_id", "session_key"):
            value = component.raw.get(field)
            if not isinstance(value, str):
                continue
            complaint = _complaint(value)
            if field == "session_key" and not value:
                continue  # as good as not given
            if complaint:
                plain = as_toml(_plain(value)) if value else "the id that the service knows it by"
                yield document.problem(
                    entry.index, "Character", field, complaint, got=value, hint=plain
                )


def ids_look_different(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for two ids that differ only in what looks the same, such as 0 and O."""
    seen: dict[str, tuple[ObjectEntry, str]] = {}
    for entry, component in document.components("Character"):
        value = component.raw.get("character_id")
        if not isinstance(value, str) or not value:
            continue
        first, other = seen.setdefault(_look(value), (entry, value))
        if other != value:
            place = document.position(first.index, "Character", "character_id")
            message = f"looks like that of object {as_toml(first.name)} ({place})"
            hint = "an id that differs at first sight"
            yield document.problem(
                entry.index, "Character", "character_id", message, got=value, hint=hint
            )


def _complaint(value: str) -> str:
    if not value:
        return "is empty"
    if value != value.strip():
        return "begins or ends with a blank"
    for char in value:
        name = unicodedata.name(char, f"U+{ord(char):04X}").lower()
        if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Mn", "Me"):
            return f"holds a character that cannot be seen ({name})"
        if char != " " and unicodedata.category(char) == "Zs":
            return f"holds an unusual blank ({name})"
    strange = [char for char in value if _as_ascii(char) != char]
    # A word wholly of another alphabet is meant; one that mixes them is a trap.
    if strange and any(char.isascii() and char.isalnum() for char in value):
        name = unicodedata.name(strange[0], "?").lower()
        return f"holds a {name}, which looks like {as_toml(_as_ascii(strange[0]))}"
    return ""


def _as_ascii(char: str) -> str:
    return _LOOKALIKES.get(char) or (
        plain if (plain := unicodedata.normalize("NFKC", char)).isascii() else char
    )


def _plain(value: str) -> str:
    """Return the id as it was probably meant."""
    seen = (char for char in value if unicodedata.category(char) not in ("Cc", "Cf"))
    return "".join(map(_as_ascii, seen)).strip()


def _look(value: str) -> str:
    return _plain(value).casefold().translate(_SAME_LOOK)

"""`set`: change one value of a scene file from the command line."""

from __future__ import annotations

import tomllib
from typing import Any

from engine.scene_file import SceneFile
from engine.toml_file import TomlFileError
from engine.toml_words import did_you_mean

__all__ = ["set_from_text", "split_target"]


def split_target(file: SceneFile, target: str) -> tuple[str, str]:
    """Return object and field of `Object.field`; names may hold dots. Raises LookupError."""
    names = [entry.name for entry in file.objects if target.startswith(f"{entry.name}.")]
    if names:
        name = max(names, key=len)
        return name, target[len(name) + 1 :]
    wanted = target.partition(".")[0]
    hint, _ = did_you_mean(wanted, [entry.name for entry in file.objects])
    raise LookupError(
        f"{file.path} has no object for {target!r}: write OBJECT.FIELD."
        + (f" Try: {hint}" if hint else "")
    )


def set_from_text(file: SceneFile, target: str, text: str) -> None:
    """Set a value given as TOML, or as a bare text where that is what the field holds.

    Raises LookupError, ValueError, or TomlFileError if the file would have mistakes then.
    """
    name, field = split_target(file, target)
    value = _as_toml(text)
    try:
        file.set_value(name, field, value)
    except TomlFileError:
        if value == text:
            raise
        _set_text_or_raise(file, name, field, text, value)


def _set_text_or_raise(file: SceneFile, name: str, field: str, text: str, value: Any) -> None:
    """Try the words themselves (an id may look like a number); else say what was wrong at first."""
    try:
        file.set_value(name, field, text)
    except TomlFileError:
        file.set_value(name, field, value)


def _as_toml(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text

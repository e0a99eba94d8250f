"""The spellings that files may use beside the strict ones: enums, "none", presets by name."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, get_origin, get_type_hints

from engine.annotations import bare, item_types, members
from engine.toml_mistakes import Mistake
from engine.toml_positions import KeyPath
from engine.toml_words import as_toml, did_you_mean, one_of

__all__ = ["normalised", "preset_mistake", "presets"]


def normalised(annotation: Any, raw: Any) -> Any:
    """Return raw data with the spellings that are allowed beside the strict one made strict.

    Enums by value or name in any case, "none" for an optional that is no text, presets of a
    frozen dataclass by name (`"patient"`, or a table with `preset = "patient"` and overrides).
    """
    kinds = members(bare(annotation))
    if raw == "none" and types.NoneType in kinds and not _takes_text(kinds):
        return None
    for member in map(bare, kinds):
        if isinstance(member, type) and issubclass(member, Enum) and isinstance(raw, str):
            return _enum_value(member, raw)
        if dataclasses.is_dataclass(member):
            return _table(member, raw)
        if get_origin(member) in (list, tuple) and isinstance(raw, list):
            inner = item_types(member, raw)
            known = [normalised(k, v) for k, v in zip(inner, raw, strict=False)]
            return known + raw[len(known) :]
    return raw


def _takes_text(kinds: tuple[Any, ...]) -> bool:
    return any(k is str or get_origin(k) is Literal for k in map(bare, kinds))


def _enum_value(kind: type[Enum], raw: str) -> Any:
    wanted = _folded(raw)
    for member in kind:
        if wanted in (_folded(str(member.value)), _folded(member.name)):
            return member.value
    return raw


def _folded(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def presets(kind: Any) -> dict[str, Any]:
    """Return the ready-made values that a dataclass offers as attributes, by lower-case name."""
    return {n.casefold(): v for n, v in vars(kind).items() if isinstance(v, kind)}


def preset_mistake(annotation: Any, raw: Any) -> Mistake | None:
    """Return what is wrong with the name of a preset, None if none is named or it is known."""
    for kind in map(bare, members(bare(annotation))):
        if not dataclasses.is_dataclass(kind) or "preset" in getattr(kind, "__annotations__", ()):
            continue
        ready = presets(kind)
        in_table = isinstance(raw, Mapping) and "preset" in raw
        name = raw["preset"] if in_table else raw
        if ready and (in_table or isinstance(raw, str)) and _folded(str(name)) not in ready:
            hint, sure = did_you_mean(str(name), ready)
            path: KeyPath = ("preset",) if in_table else ()
            quoted = None if sure is None else as_toml(sure)
            return Mistake(path, one_of(list(ready)), name, hint, replacement=quoted)
    return None


def _table(kind: Any, raw: Any) -> Any:
    ready = presets(kind)
    if isinstance(raw, str) and _folded(raw) in ready:
        return _plain(ready[_folded(raw)])
    if not isinstance(raw, Mapping):
        return raw
    hints = _table_hints(kind)
    table = {k: normalised(hints[k], v) if k in hints else v for k, v in raw.items()}
    preset = table.get("preset")
    if "preset" in hints or not isinstance(preset, str) or _folded(preset) not in ready:
        return table
    del table["preset"]
    return {**_plain(ready[_folded(preset)]), **table}


@lru_cache(maxsize=256)  # a pure question, asked for each object of a level: 40 % of its reading
def _table_hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _plain(value: Any) -> dict[str, Any]:
    """Return a dataclass as data that a file could hold."""
    data = dataclasses.asdict(value)
    return {k: v.value if isinstance(v, Enum) else v for k, v in data.items()}

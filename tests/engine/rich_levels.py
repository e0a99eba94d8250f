"""Levels as people write them: any valid scene, in any spelling of TOML, with comments anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

__all__ = ["Written", "written_levels"]

names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=12)
numbers = st.integers(-1000, 1000) | st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
places = st.tuples(numbers, numbers).map(list)
policies = st.fixed_dictionaries(
    {},
    optional={
        "attempts": st.integers(0, 9) | st.just("none"),
        "delay_seconds": st.floats(0, 9).map(lambda value: round(value, 2)),
        "mood": st.sampled_from(["calm", "very_angry"]),
        "preset": st.just("patient"),
    },
)
actors = st.fixed_dictionaries(
    {"actor_id": names},
    optional={
        "mood": st.sampled_from(["calm", "tired"]),
        "tags": st.lists(names, max_size=3),
        "policy": policies | st.just("patient"),
        "picture": st.sampled_from(["", "sprites/ann.png", "sprites/bob.png"]),
        "profile": st.just("characters/ann.toml"),
    },
)
colours = st.lists(st.integers(0, 255), min_size=3, max_size=3)
objects: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": names},
    optional={
        "position": places,
        "tag": names,
        "layer": st.integers(-3, 3),
        "active": st.booleans(),
        "prefab": st.just("prefabs/lamp.toml"),
        "Actor": actors,
        "Lamp": st.fixed_dictionaries({}, optional={"is_on": st.booleans(), "colour": colours}),
        "Door": st.fixed_dictionaries({"target": names}, optional={"width": st.floats(1, 99)}),
    },
)
settings = st.fixed_dictionaries(
    {}, optional={"name": names, "size": st.just([640, 480.5]), "background": colours}
)


@dataclass(frozen=True)
class Written:
    """A level as data, and one of the ways to write it down."""

    data: dict[str, Any]
    text: str


@st.composite
def written_levels(draw: st.DrawFn) -> Written:
    """Draw a level that has no mistake, and a text for it."""
    things = draw(st.lists(objects, min_size=1, max_size=4, unique_by=lambda o: str(o["name"])))
    everybody = [thing["name"] for thing in things]
    for number, thing in enumerate(things):
        if number and draw(st.booleans()):
            thing["parent"] = everybody[0]
        if "Actor" in thing and draw(st.booleans()):
            thing["Actor"]["friends"] = draw(st.lists(st.sampled_from(everybody), max_size=3))
        if draw(st.booleans()):
            thing["Switch"] = {"door": everybody[-1]}
    level = {"scene": draw(settings), "object": things}
    pen = _Pen(draw(st.randoms(use_true_random=False)), draw(st.lists(words, min_size=1)))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = newline.join(pen.level(level))
    return Written(level, text + draw(st.sampled_from(["", newline])))


class _Pen:
    """Writes data as TOML in spellings that it draws by lot."""

    def __init__(self, lot: Random, notes: list[str]) -> None:
        self._lot = lot
        self._notes = notes

    def level(self, level: dict[str, Any]) -> list[str]:
        return list(self._level(level))

    def _level(self, level: dict[str, Any]) -> Iterator[str]:
        yield from self._between()
        yield self._noted("[scene]" if self._coin() else "[ scene ]")
        yield from self._pairs(level["scene"])
        for thing in level["object"]:
            yield from self._between()
            yield self._noted("[[object]]" if self._coin() else "  [[ object ]]")
            yield from self._object(thing)
        yield from self._between()

    def _object(self, thing: dict[str, Any]) -> Iterator[str]:
        is_table = {k: isinstance(v, dict) and self._coin() for k, v in thing.items()}
        for key, value in thing.items():
            if isinstance(value, dict) and not is_table[key]:
                yield from self._nested(key, value)
            elif not is_table[key]:
                yield from self._pairs({key: value})
        for key, value in thing.items():
            if is_table[key]:
                yield from self._between()
                yield self._noted(f"[object.{key}]" if self._coin() else f'[object."{key}"]')
                yield from self._table(f"object.{key}", value)

    def _table(self, path: str, table: dict[str, Any]) -> Iterator[str]:
        below = {k: v for k, v in table.items() if isinstance(v, dict)}
        own_header = {key for key in below if self._coin()}
        for key, value in table.items():
            if key in below and key not in own_header:
                yield from self._nested(key, value)
            elif key not in below:
                yield from self._pairs({key: value})
        for key in own_header:
            yield self._noted(f"[{path}.{key}]")
            yield from self._pairs(below[key])

    def _nested(self, key: str, table: dict[str, Any]) -> Iterator[str]:
        """Write a table without a header: inline, or in dotted keys."""
        if self._coin() or not _leaves(key, table):
            yield self._noted(f"{key} = {self._inline(table)}")
        else:
            for path, value in _leaves(key, table):
                yield from self._pairs({path: value})

    def _pairs(self, table: dict[str, Any]) -> Iterator[str]:
        for key, value in table.items():
            blank = self._lot.choice(["", " ", "\t", "   "])
            yield from self._between()
            first, *rest = self._value(value)
            whole = [f"{blank}{key}{blank}={blank}{first}", *rest]
            yield from whole[:-1]
            yield self._noted(whole[-1])

    def _value(self, value: Any) -> list[str]:
        """Return a value on one line or, for a list, on several."""
        if not isinstance(value, list) or not value or self._coin():
            return [self._scalar(value)]
        items = [self._noted(f"  {self._scalar(item)},") for item in value]
        return [self._noted("["), *items, *self._between(), "]"]

    def _scalar(self, value: Any) -> str:
        if isinstance(value, dict):
            return self._inline(value)
        if isinstance(value, list):
            return "[ " + " , ".join(map(self._scalar, value)) + " ]"
        if not isinstance(value, str):
            return json.dumps(value)
        quoted = json.dumps(value, ensure_ascii=self._coin())
        if not quoted.isascii() or "\\ud" in quoted.lower():  # TOML has no pairs of surrogates
            quoted = json.dumps(value, ensure_ascii=False)
        ways = [quoted, f'""{quoted}""', *([f"'{value}'"] if "'" not in value else [])]
        return str(self._lot.choice(ways))

    def _inline(self, table: dict[str, Any]) -> str:
        return "{ " + ", ".join(f"{k} = {self._scalar(v)}" for k, v in table.items()) + " }"

    def _between(self) -> list[str]:
        lines = self._lot.choice([[], [], [""], [f"# {self._note()}"], ["", f"\t#{self._note()}"]])
        return list(lines)

    def _noted(self, line: str) -> str:
        return f"{line}  # {self._note()}" if self._coin() else line

    def _note(self) -> str:
        return str(self._lot.choice(self._notes))

    def _coin(self) -> bool:
        return self._lot.random() < 0.5


def _leaves(path: str, table: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        inner = f"{path}.{key}"
        found += _leaves(inner, value) if isinstance(value, dict) and value else [(inner, value)]
    return found

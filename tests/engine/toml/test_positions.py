from __future__ import annotations

import tomllib
import tracemalloc
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from engine.toml.positions import KeyPath, scan

TEXT = '''\
# a level
top = 1
[scene]
name = "Hall" # its name
"my key".b = 'x'

[[object]]
position = [
  1, # one
  2,
]
[object.Lamp]
colours = [{ r = 1, g = [2] }, { "b c" = 3 }]
text = """
[[object]]
not = "a key"
"""
[[object]]
[object.Lamp.deep.er]
x = 1979-05-27 07:32:00
'''


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("top",), (2, 7)),
        (("scene", "name"), (4, 8)),
        (("scene", "my key", "b"), (5, 14)),
        (("object", 0, "position"), (8, 12)),
        (("object", 0, "position", 1), (10, 3)),
        (("object", 0, "Lamp", "colours", 0, "g", 0), (13, 26)),
        (("object", 0, "Lamp", "colours", 1, "b c"), (13, 42)),
        (("object", 0, "Lamp", "text"), (14, 8)),
        (("object", 1, "Lamp", "deep", "er", "x"), (20, 5)),
    ],
)
def test_a_value_is_found_at_its_line_and_column(path: KeyPath, place: tuple[int, int]) -> None:
    positions = scan(TEXT)
    assert positions.line_column(positions.spans[path].start) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("scene",), (3, 2)),
        (("scene", "name"), (4, 1)),
        (("scene", "my key"), (5, 1)),
        (("scene", "my key", "b"), (5, 10)),
        (("object", 0), (7, 3)),
        (("object", 0, "Lamp"), (12, 9)),
        (("object", 1, "Lamp"), (19, 9)),
        (("object", 1, "Lamp", "deep", "er"), (19, 19)),
    ],
)
def test_a_key_or_header_is_found_at_its_name(path: KeyPath, place: tuple[int, int]) -> None:
    positions = scan(TEXT)
    assert positions.line_column(positions.spans[path].key_start) == place


def test_the_nearest_table_stands_for_what_is_not_there() -> None:
    path, span = scan(TEXT).nearest(("object", 0, "Lamp", "colour", 3))
    assert path == ("object", 0, "Lamp")
    assert span is not None


def test_a_new_key_goes_behind_the_last_one_of_its_table() -> None:
    positions = scan(TEXT)
    at = positions.line_ends["object", 0]
    assert TEXT[at:].startswith("[object.Lamp]")


def test_windows_line_ends_change_no_place() -> None:
    positions = scan(TEXT.replace("\n", "\r\n"))
    assert positions.line_column(positions.spans["object", 0, "position", 1].start) == (10, 3)


@pytest.mark.parametrize("text", ['""""two"" quotes"""""', "''''a''''", '"\\""', "''", '"#"'])
def test_quotes_inside_texts_do_not_end_them(text: str) -> None:
    whole = f"a = {text}\nb = 1\n"
    span = scan(whole).spans["a",]
    assert whole[span.start : span.end] == text


scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    st.datetimes(),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
keys = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)
tables = st.recursive(
    st.dictionaries(keys, values, max_size=3),
    lambda inner: st.dictionaries(
        keys, st.one_of(values, inner, st.lists(inner, min_size=1, max_size=2)), max_size=3
    ),
    max_leaves=6,
)


@given(tables)
def test_every_value_of_any_file_stands_where_its_span_says(data: dict[str, Any]) -> None:
    text = tomlkit.dumps(data)
    positions = scan(text)
    for path, value in leaves(tomllib.loads(text)):
        span = positions.spans[path]
        assert tomllib.loads(f"v = {text[span.start : span.end]}")["v"] == value


def leaves(data: Any, path: KeyPath = ()) -> list[tuple[KeyPath, Any]]:
    if isinstance(data, dict):
        return [leaf for k, v in data.items() for leaf in leaves(v, (*path, k))]
    if isinstance(data, list):
        return [leaf for i, v in enumerate(data) for leaf in leaves(v, (*path, i))]
    return [(path, data)]


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\n" + "# x\n" * 100_000,
        "a = 1\n" + " #\n\t\n" * 50_000,
        'a = "' + r"\t" * 150_000 + '"\n',
        'a = """' + "\n" * 300_000 + '"""\n',
        'a = """' + 'x"" \\\\' * 50_000 + '"""\n',
        "a = '''" + "x\n" * 150_000 + "'''\n",
        "a = [" + "\n" * 300_000 + "]\n",
        '"' + r"\t" * 150_000 + '" = 1\n',
    ],
)
def test_a_text_takes_memory_in_proportion(text: str) -> None:
    tracemalloc.start()
    positions = scan(text)
    positions.line_column(len(text))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert positions.text[-1] == "\n" and len(positions.spans) == 1
    assert peak < 16 * len(text) + 100_000


@pytest.mark.parametrize(
    "value",
    [
        '""""""',
        '"""a""""',
        '"""a"""""',
        '"""a"b""c"""',
        r'"""a\\"""',
        '"""\n"x"\n"""',
    ],
)
def test_a_text_of_many_lines_ends_where_it_does(value: str) -> None:
    assert "a" in tomllib.loads(f"a = {value}")
    span = scan(f"a = {value} # c").spans[("a",)]
    assert f"a = {value} # c"[span.start : span.end] == value

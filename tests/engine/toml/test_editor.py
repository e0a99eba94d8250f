from __future__ import annotations

import os
import stat
import time
import tomllib
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.file_system import NotAFileError
from engine.toml.editor import apply_fixes, literal, save_atomically, set_in_text
from engine.toml.positions import KeyPath, scan
from engine.toml.reader import Fix
from tests.engine.sample_components import Policy


def edited(text: str, path: KeyPath, value: Any) -> str:
    return set_in_text(scan(text), path, value)


def test_one_value_changes_and_its_comment_stays() -> None:
    assert edited("a = 1  # one\nb = 2\n", ("a",), 7) == "a = 7  # one\nb = 2\n"


def test_a_list_over_several_lines_is_replaced_whole() -> None:
    assert edited("a = [\n  1,\n]\nb = 2\n", ("a",), [1, 2]) == "a = [1, 2]\nb = 2\n"


def test_one_element_of_a_list_changes() -> None:
    assert edited("a = [1, 2] # x\n", ("a", 1), 5) == "a = [1, 5] # x\n"


def test_a_new_key_gets_a_line_at_the_end_of_its_table() -> None:
    text = "[t]\na = 1\n\n# next\n[u]\n"
    assert edited(text, ("t", "b"), "x") == '[t]\na = 1\nb = "x"\n\n# next\n[u]\n'


def test_a_new_key_in_a_table_that_is_not_there_is_dotted() -> None:
    assert edited("[t]\na = 1\n", ("t", "u", "b c"), 2) == '[t]\na = 1\nu."b c" = 2\n'


def test_a_new_key_of_an_inline_table_goes_into_it() -> None:
    assert edited("t = { a = 1 } # x\n", ("t", "b"), 2) == "t = { a = 1, b = 2 } # x\n"
    assert edited("t = {}\n", ("t", "b"), 2) == "t = { b = 2 }\n"


def test_a_file_without_a_last_line_end_gets_one() -> None:
    assert edited("[t]\na = 1", ("t", "b"), 2) == "[t]\na = 1\nb = 2\n"


def test_windows_line_ends_stay() -> None:
    assert edited("[t]\r\na = 1\r\n", ("t", "b"), 2) == "[t]\r\na = 1\r\nb = 2\r\n"


def test_a_whole_table_is_not_replaced() -> None:
    with pytest.raises(ValueError, match="set its keys one by one"):
        edited("[t]\na = 1\n", ("t",), {"a": 2})


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        ('say "hi"\n', '"say \\"hi\\"\\n"'),
        ((1, 2), "[1, 2]"),
        (Colour.RED, '"red"'),
        ({"a": None, "b": [Colour.RED]}, '{b = ["red"]}'),
        (Policy(attempts=None), '{delay_seconds = 0.5, mood = "calm"}'),
    ],
)
def test_a_value_is_written_as_toml(value: object, text: str) -> None:
    assert literal(value) == text


def test_what_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="TOML cannot hold"):
        literal(object())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_being_written(text: str) -> None:
    assert tomllib.loads(f"a = {literal(text)}")["a"] == text.replace("\r\n", "\r\n")


def test_fixes_are_made_and_the_rest_stays() -> None:
    assert apply_fixes("nmae = tru # x", [Fix(((0, 4),), "name"), Fix(((7, 10),), "true")]) == (
        "name = true # x"
    )


def test_many_fixes_of_a_long_text_are_made_in_one_walk() -> None:
    count = 100_000
    text, began = "nmae = 1\n" * count, time.perf_counter()
    fixes = [Fix(((9 * n, 9 * n + 4),), "name") for n in range(count)]
    assert apply_fixes(text, fixes) == "name = 1\n" * count
    assert time.perf_counter() - began < 5.0


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("old")
    save_atomically(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert os.listdir(tmp_path) == ["a.toml"]  # noqa: PTH208 - hidden files count here


@pytest.mark.posix("Windows has no modes")
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("old")
    path.chmod(0o640)
    save_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.posix("on Windows a link takes a right that players lack")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("old")
    (tmp_path / "link.toml").symlink_to(tmp_path / "real.toml")
    save_atomically(tmp_path / "link.toml", "new")
    assert (tmp_path / "link.toml").is_symlink()
    assert (tmp_path / "real.toml").read_text() == "new"


def test_nothing_is_left_behind_when_saving_fails(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(OSError, match=r"a\.toml"):
        save_atomically(tmp_path / "a.toml", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.toml"]


@pytest.mark.posix("Windows has no pipes in folders")
def test_a_file_does_not_take_the_place_of_what_is_none(tmp_path: Path) -> None:
    pipe = tmp_path / "schema.json"
    os.mkfifo(pipe)
    with pytest.raises(NotAFileError, match="is a pipe"):
        save_atomically(pipe, "text")
    assert [*tmp_path.iterdir()] == [pipe] and pipe.is_fifo()

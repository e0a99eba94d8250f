from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.toml.reader import (
    FileWatch,
    Problem,
    TomlFileError,
    parse_source,
    read_source,
    read_toml,
    syntax_mistakes,
)
from tests.toml_text import parse_toml


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1)
    mood: Literal["calm", "cross"] = "calm"


class Persona(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    lines: list[Line] = []
    volume: float = Field(default=1.0, ge=0, le=1)

    @field_validator("name")
    @classmethod
    def _not_nobody(cls, name: str) -> str:
        if name == "Nobody":
            raise ValueError("must be somebody")
        return name


def problems(text: str) -> list[str]:
    with pytest.raises(TomlFileError) as error:
        parse_toml(text, Persona, "ann.toml")
    return [str(problem) for problem in error.value.problems]


def test_a_valid_file_becomes_a_model(tmp_path: Path) -> None:
    path = tmp_path / "ann.toml"
    path.write_text('name = "Ann"\n[[lines]]\ntext = "Hm."\n', "utf-8")
    assert read_toml(path, Persona).lines == [Line(text="Hm.")]


def test_a_problem_prints_place_object_field_finding_and_advice() -> None:
    problem = Problem("a.toml", 3, 5, "Ann", "Lamp.is_on", "must be true or false", "1", "true")
    expected = 'a.toml:3:5: object "Ann": Lamp.is_on: must be true or false (got 1). Try: true'
    assert str(problem) == expected


def test_a_problem_leaves_out_what_there_is_not() -> None:
    assert str(Problem("a.toml", 1, 1, None, None, "is empty")) == "a.toml:1:1: is empty."


def test_of_a_key_that_fills_a_whole_file_only_the_beginning_is_printed() -> None:
    key = "k" * 1_000_000
    problem = Problem("a.toml", 6, 1, key, f"Lamp.{key}", f"knows no {key}", None, key)
    assert len(str(problem)) < 1500
    assert str(problem).endswith("k…")
    assert problem.in_short().line == 6


def test_all_problems_come_at_once_and_in_the_order_of_the_file() -> None:
    text = 'nmae = "Ann"\nvolume = 2\n[[lines]]\ntext = ""\nmood = "clam"\n'
    assert problems(text) == [
        'ann.toml:1:1: name: is missing. Try: name = "..."',
        "ann.toml:1:1: nmae: is not a known key. Try: name",
        "ann.toml:2:10: volume: must be at most 1 (got 2). Try: volume = 1.0",
        'ann.toml:4:8: lines[1].text: must be at least 1 characters long (got ""). '
        'Try: text = "..."',
        'ann.toml:5:8: lines[1].mood: must be one of calm, cross (got "clam"). Try: calm',
    ]


def test_a_validators_own_sentence_is_shown() -> None:
    assert problems('name = "Nobody"\n') == ['ann.toml:1:8: name: must be somebody (got "Nobody").']


def test_text_is_no_number_and_a_number_no_text() -> None:
    assert len(problems('name = 1\nvolume = "1"\n')) == 2


def test_long_values_are_shortened() -> None:
    assert len(problems(f"name = [{'1, ' * 1000}]\n")[0]) < 160


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n"])
def test_an_empty_text_is_said_to_be_empty(text: str) -> None:
    assert problems(text) == ["ann.toml:1:1: the file is empty."]


def test_a_relative_path_is_told_with_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TomlFileError, match=f"Try: a path from {re.escape(str(tmp_path))}"):
        read_source(Path("hall.toml"))


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "anna.toml").touch()
    with pytest.raises(TomlFileError, match=r"there is no such file\. Try: anna\.toml"):
        read_toml(tmp_path / "ann.toml", Persona)


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError, match="create the folder"):
        read_toml(tmp_path / "no" / "ann.toml", Persona)


@pytest.mark.parametrize("name", ["a\0b.toml", "x" * 5000 + ".toml"])
def test_what_no_file_can_be_called_is_told(tmp_path: Path, name: str) -> None:
    # Windows does not tell a name that is too long from one that is not there.
    with pytest.raises(TomlFileError, match=r"is no name of a file|there is no such file"):
        read_source(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError, match="is a folder, not a file"):
        read_toml(tmp_path, Persona)


def test_bytes_that_are_no_text_are_named_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "ann.toml"
    path.write_bytes('a = "ä"\nname = "'.encode() + b'\xe4"\n')
    with pytest.raises(TomlFileError, match=r":2:9: the file is not UTF-8 text \(byte 0xe4\)"):
        read_toml(path, Persona)


def test_a_model_that_fails_in_its_own_code_still_gives_a_problem() -> None:
    class Fragile(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _break(cls, name: str) -> str:
            raise KeyError(name)

    with pytest.raises(TomlFileError, match="cannot be read: KeyError"):
        parse_toml('name = "x"', Fragile)


@given(st.text())
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    try:
        parse_toml(text, Persona)
    except TomlFileError as error:
        assert error.problems


@given(st.binary(max_size=60))
def test_no_bytes_whatever_raise_anything_else(raw: bytes) -> None:
    try:
        parse_source(raw.decode("utf-8", "replace"))
    except TomlFileError as error:
        assert all(problem.line >= 1 and problem.column >= 1 for problem in error.problems)


def test_bottomless_nesting_is_a_problem_like_any_other() -> None:
    assert "nested too deeply" in problems("a = " + "[" * 100_000)[0]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("\ufeffa = 1", (1, 1), "byte order mark"),
        ("a = [1\nb = 2", (1, 7), "a comma or the ] of the list is missing"),
        ("a = [1 2]", (1, 8), "a comma or the ]"),
        ("a = {b = 1\nc = 2", (1, 11), "a comma or the } of the table is missing"),
        ('a = """x\n\n', (1, 9), "the text does not end"),
        ("a = '''x", (1, 9), "the text does not end"),
        ("é = 1", (1, 1), "is no key"),
        ("a = 01", (1, 6), "more follows"),
        ("a.b = 1\n[a]", (2, 1), "the table is declared twice"),
        ("a = 1\n  a = 2", (2, 3), "the key is given twice"),
        ('a = "\\q"', (1, 8), "a backslash means something"),
    ],
)
def test_a_mistake_is_named_at_its_place(text: str, place: tuple[int, int], words: str) -> None:
    first = next(syntax_mistakes(text))
    assert (first.line, first.column) == place
    assert words in first.message


def test_a_valid_text_has_no_mistake() -> None:
    assert list(syntax_mistakes("a = 1")) == []


def test_mistakes_that_follow_from_an_earlier_one_are_left_out() -> None:
    assert len(list(syntax_mistakes("[a\nx = 1\n[b]\nx = 1\n[b]\n"))) == 1


def test_there_is_an_end_to_the_mistakes_of_one_file() -> None:
    assert len(list(syntax_mistakes("a\n" * 1000))) == 20


class Watched:
    """A file, and a watch of it whose looks are counted."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "level.toml"
        self.file.write_text("one")
        self.files = [self.file]
        self.noticed = 0
        self.watch = FileWatch(lambda: self.files, self._notice, name="level")
        self.look(2)
        self.noticed = 0

    def _notice(self) -> None:
        self.noticed += 1

    def look(self, times: int) -> int:
        for _ in range(times):
            self.watch.poll()
        return self.noticed


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_the_callback_is_called_once_at_first(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("a")
    calls: list[int] = []
    watch = FileWatch(lambda: [file], lambda: calls.append(1), name="a")
    for _ in range(4):
        watch.poll()
    assert calls == [1]


def test_nothing_is_noticed_while_nothing_changes(watched: Watched) -> None:
    assert watched.look(5) == 0


def test_a_save_is_noticed_once_it_has_come_to_rest(watched: Watched) -> None:
    watched.file.write_text("half")
    assert watched.look(1) == 0
    watched.file.write_text("half and half")
    assert watched.look(1) == 0
    assert watched.look(3) == 1


def test_a_file_that_is_away_for_a_moment_is_no_edit(watched: Watched) -> None:
    watched.file.unlink()
    assert watched.look(1) == 0
    watched.file.write_text("one and more")
    assert watched.look(3) == 1


def test_a_file_that_stays_away_is_noticed_and_so_is_its_return(watched: Watched) -> None:
    watched.file.unlink()
    assert watched.look(3) == 1
    watched.file.write_text("one")
    assert watched.look(3) == 2


def test_a_file_that_never_was_is_waited_for(watched: Watched) -> None:
    missing = watched.file.with_name("missing.toml")
    watched.files.append(missing)
    assert watched.look(3) == 1  # it is asked for now
    missing.write_text("")
    assert watched.look(3) == 2


def test_a_file_that_joins_is_watched_too(watched: Watched) -> None:
    other = watched.file.with_name("prefab.toml")
    other.write_text("x")
    watched.files.append(other)
    watched.look(2)
    other.write_text("xy")
    assert watched.look(2) == 2


def test_its_thread_notices_and_ends(tmp_path: Path) -> None:
    file, noticed = tmp_path / "a", threading.Event()
    file.write_text("a")
    watch = FileWatch(lambda: [file], noticed.set, name="a")
    watch.start()
    assert noticed.wait(5)
    assert watch.stop()


HEAD = '[scene]\nname = "X"\n'


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (HEAD + "x = [" + "1," * 300_000 + "]\n", (1, 1), "has more than 250000 values"),
        ("".join(f"[t{n}]\n" for n in range(260_000)), (1, 1), "has more than 250000 values"),
        (HEAD + ".".join(["a"] * 50_000) + " = 1\n", (3, 1), "the key has more than 64 parts"),
        (HEAD + "[" + " . ".join(['"a"'] * 9_000) + "]", (3, 2), "the key has more than 64 parts"),
        (HEAD + "x = {" + ".".join(["a"] * 99) + " = 1}", (3, 6), "the key has more than 64 parts"),
        (HEAD + "x = " + "[" * 400 + "]" * 400, (3, 69), "nested too deeply"),
        (HEAD + "x = " + "[" * 90_000 + "]" * 90_000, (3, 69), "nested too deeply"),
        (HEAD + "x = " + "{a = " * 90 + "1" + "}" * 90, (3, 325), "nested too deeply"),
        (HEAD + "x = [1, 0x" + "f" * 9_000 + "]", (3, 9), "a number with too many digits"),
        (HEAD + "x = 1" + "0" * 9_000, (3, 9006), "a number with too many digits"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_would_take_minutes_or_break_a_program_is_told_at_its_line(
    text: str, place: tuple[int, int], message: str
) -> None:
    with pytest.raises(TomlFileError) as error:
        parse_source(text)
    [problem] = error.value.problems
    assert (problem.line, problem.column) == place
    assert message in problem.message


def test_the_place_of_a_deep_value_is_found_in_one_walk_whatever_stands_before_it() -> None:
    quotes = '# "' + '\\"' * 60_000 + "\n# don't [[\n"
    began = time.perf_counter()
    with pytest.raises(TomlFileError, match=":3:69: the values are nested too deeply"):
        parse_source(f"{quotes}x = {'[' * 70}{']' * 70}")
    assert time.perf_counter() - began < 20.0  # a minute, when each quote was a beginning


def test_what_is_just_not_too_much_is_read() -> None:
    keys = ".".join(["a"] * 60)
    text = f"{keys} = 1\nx = {'[' * 60}{2**63 - 1}{']' * 60}\ny = 'a.{'b.' * 99}c, {'[' * 99}'\n"
    assert parse_source(text).data["a"]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no room
    with pytest.raises(TomlFileError, match="is too large: 8 MB are the most"):
        read_source(path)


@pytest.mark.posix("Windows has no pipes in folders")
def test_a_pipe_or_a_device_in_the_place_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zeros.toml").symlink_to("/dev/zero")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    for name, message in (
        ("pipe.toml", "is a pipe, not a file"),
        ("zeros.toml", "is a device, not a file"),
        ("loop.toml", "cannot be read: "),
    ):
        with pytest.raises(TomlFileError, match=message):
            read_source(tmp_path / name)


@pytest.mark.posix("on Windows a link takes a right that players lack")
def test_a_link_to_a_file_is_read_as_the_file(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("a = 1")
    (tmp_path / "link.toml").symlink_to("real.toml")
    assert read_source(tmp_path / "link.toml").data == {"a": 1}
    (tmp_path / "real.toml").unlink()
    with pytest.raises(TomlFileError, match="is a link to a file that is not there"):
        read_source(tmp_path / "link.toml")


def test_the_mistakes_of_a_large_text_are_told_one_by_one() -> None:
    text = "# a line\n" * 30_000 + "x = \n" * 9
    assert len(list(syntax_mistakes(text))) == 1


def test_a_name_of_a_file_is_shown_on_one_line() -> None:
    problem = Problem("a\0\n\x1b[31m\udcff\u00fc.toml", 1, 1, None, None, "is odd")
    assert str(problem) == r"a\x00\n\x1b[31m\udcff" + "\u00fc.toml:1:1: is odd."

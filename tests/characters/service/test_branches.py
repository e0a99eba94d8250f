from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.service.branches import (
    EntryRange,
    LogPlace,
    SegmentTree,
    change,
    changed,
    exchange_begin,
    rebuilt,
)
from characters.service.store import SessionStore
from tests.characters.service.histories import Histories

# 1: entries 1 to 9; 2 goes on behind entry 4 of it, 3 behind entry 6 of 2
TREE = SegmentTree({1: None, 2: LogPlace(1, 4), 3: LogPlace(2, 6)})


def test_a_log_is_the_parts_of_its_segments_that_lead_to_its_end() -> None:
    path = tuple(TREE.path(LogPlace(3, 8)))
    assert path == (LogPlace(3, 8), LogPlace(2, 6), LogPlace(1, 4))


@pytest.mark.parametrize(
    ("number", "place"),
    [
        (9, LogPlace(3, 8)),
        (7, LogPlace(3, 7)),
        (6, LogPlace(2, 6)),
        (4, LogPlace(1, 4)),
        (0, LogPlace(1, 0)),
    ],
)
def test_an_entry_lies_in_the_segment_that_it_was_said_in(number: int, place: LogPlace) -> None:
    assert TREE.place_of(LogPlace(3, 8), number) == place


def test_what_no_session_needs_is_known() -> None:
    needed = TREE.needed([LogPlace(2, 5), LogPlace(1, 2)], window=4)
    assert needed == {2: EntryRange(1, 5), 1: EntryRange(-2, 4)}


VALUES = st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)
MEMORIES = st.dictionaries(st.sampled_from("wxyz"), VALUES | OBJECTS, max_size=4)


@given(st.lists(MEMORIES, min_size=1, max_size=6))
def test_what_was_known_is_rebuilt_byte_for_byte(memories: list[dict[str, object]]) -> None:
    written = [memories[0]]
    for before, after in pairwise(memories):
        part = change(before, after)
        written = [*written, part] if part is not None else [after]
        assert json.dumps(rebuilt(written)) == json.dumps(after)


def test_only_what_has_changed_is_written() -> None:
    before = {"facts": {"name": "Ada", "age": "9"}, "said": {"a": 1}, "last": "Hello."}
    after = {"facts": {"name": "Bob", "age": "9"}, "said": {"a": 1}, "last": "Well."}
    assert change(before, after) == {"facts": {"name": "Bob"}, "last": "Well."}
    assert changed(before, {"facts": {"name": "Bob"}, "last": "Well."}) == after


def test_what_was_removed_or_equals_another_kind_is_written_whole() -> None:
    assert change({"facts": {"name": "Ada"}}, {"facts": {}}) is None
    assert change({"is_told": True}, {"is_told": 1}) is None


@pytest.mark.parametrize(
    ("speakers", "begin"),
    [("", None), ("c", None), ("pc", 0), ("cpc", 1), ("cpcppcc", 3), ("pcp", 2)],
)
def test_an_exchange_is_what_the_player_said_since_an_answer_and_all_after_it(
    speakers: str, begin: int | None
) -> None:
    names = {"p": "player", "c": "character"}
    turns = [(number, names[letter]) for number, letter in enumerate(speakers, 1)]
    assert exchange_begin(reversed(turns)) == begin


def live(seed: int, steps: int, most_turns: int, path: Path | None = None) -> None:
    """Live through one history; what no session shares is gone when the others are."""
    store = SessionStore(path, most_turns)

    def reopened() -> SessionStore:
        return store if path is None else SessionStore(path, most_turns)

    history = Histories(store, seed, reopened)
    history.live(steps)
    talk, left = history.talks[history.now], history.leave_one()
    assert set(re.findall(r"word\d+", left)) <= talk.words
    history.store.close()


def in_turn(first: int, count: int, play: Callable[[int], None]) -> None:
    for seed in range(first, first + count):
        try:
            play(seed)
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error


def test_in_a_hundred_histories_each_branch_is_what_it_was() -> None:
    in_turn(0, 100, lambda seed: live(seed, 15, 400))


def test_histories_that_are_longer_than_what_is_kept_end_as_they_should() -> None:
    in_turn(0, 2, lambda seed: live(seed, 150, 30))


def test_a_file_that_is_left_open_holds_all_that_was_said(tmp_path: Path) -> None:
    in_turn(0, 3, lambda seed: live(seed, 15, 400, tmp_path / f"{seed}.sqlite3"))


@pytest.mark.slow
def test_in_ten_thousand_histories_each_branch_is_what_it_was() -> None:
    in_turn(1_000, 10_000, lambda seed: live(seed, 12, 400))
    in_turn(20_000, 60, lambda seed: live(seed, 300, 30))

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.prefs import format as form
from engine.prefs.format import (
    Change,
    ForeignFileError,
    NewerVersionError,
    Value,
    apply_change,
    decode_file,
    encode_batch,
    encode_file,
    weight,
)

VALUES: dict[str, Value] = {
    "name": "Ada",
    "volume": 0.75,
    "level": -3,
    "subtitles": True,
    "face": b"\x00\xc1PR\x00",
    "größe": "hoch",
}


def a_file(values: Mapping[str, Value], batches: Sequence[Sequence[Change]] = ()) -> bytes:
    """Return a file of `values` with `batches` in its log."""
    image, at = encode_file(values, 7)
    data, sequence = bytearray(image), 7
    for batch in batches:
        frames = encode_batch(batch, sequence, at)
        data[at : at + len(frames)] = frames
        at, sequence = at + len(frames), sequence + len(batch)
    return bytes(data)


def replayed(changes: Sequence[Change], start: Mapping[str, Value]) -> list[dict[str, Value]]:
    """Return every state that a history goes through, the first one included."""
    values = dict(start)
    states = [dict(values)]
    for change in changes:
        apply_change(values, change)
        states.append(dict(values))
    return states


def flips(data: bytes, places: range) -> Iterator[tuple[int, bytes]]:
    for place in places:
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(data)
            changed[place] ^= mask
            yield place, bytes(changed)


def used(data: bytes) -> int:
    return len(data.rstrip(b"\0"))


PAIRS: dict[str, Value] = {f"key{n:02}": f"value of {n}" for n in range(40)}
SETS: list[Change] = list(PAIRS.items())
SINGLES = [[change] for change in SETS]


def test_a_snapshot_comes_back_with_every_type() -> None:
    contents = decode_file(a_file(VALUES))
    assert contents.values == VALUES
    assert {k: type(v) for k, v in contents.values.items()} == {
        k: type(v) for k, v in VALUES.items()
    }
    assert contents.is_whole


def test_the_log_continues_the_snapshot() -> None:
    batches: list[list[Change]] = [[("level", 4), ("new", 1)], [("name",)], [("x", 1)]]
    contents = decode_file(a_file(VALUES, batches))
    assert contents.values["level"] == 4
    assert "name" not in contents.values
    assert contents.sequence == 11


def test_a_record_without_a_key_deletes_everything_before_it() -> None:
    assert decode_file(a_file(VALUES, [[()], [("x", 1)]])).values == {"x": 1}


def test_where_the_next_record_goes_is_where_the_last_ended() -> None:
    batch: list[Change] = [("a", 1), ("b", 2)]
    first = decode_file(a_file(VALUES))
    second = decode_file(a_file(VALUES, [batch]))
    assert second.log_at == first.log_at + len(encode_batch(batch, 7, first.log_at))


def test_an_empty_file_is_damage_for_it_was_made_with_a_header() -> None:
    contents = decode_file(b"")
    assert contents.values == {}
    assert not contents.is_whole


@pytest.mark.parametrize("values", [{}, VALUES], ids=["empty", "filled"])
def test_every_truncation_leaves_values_that_were_true(values: dict[str, Value]) -> None:
    data = a_file(values, SINGLES)
    states = replayed(SETS, values)
    log_at = decode_file(a_file(values)).log_at
    for size in range(used(data) + 2):
        found = decode_file(data[:size]).values
        if size >= log_at:
            assert found in states
        assert found.items() <= (values | PAIRS).items()


def test_every_zeroed_tail_leaves_a_prefix_of_history() -> None:
    data = a_file(VALUES, SINGLES)
    states = replayed(SETS, VALUES)
    for size in range(decode_file(a_file(VALUES)).log_at, used(data) + 1):
        assert decode_file(data[:size].ljust(len(data), b"\0")).values in states


def test_every_flip_in_the_log_costs_at_most_its_own_record() -> None:
    data = a_file(VALUES, SINGLES)
    whole = decode_file(data).values
    for _, changed in flips(data, range(decode_file(a_file(VALUES)).log_at, used(data))):
        contents = decode_file(changed)
        assert len(whole.items() - contents.values.items()) == 1
        assert contents.values.items() <= whole.items()
        assert not contents.is_whole


def test_every_flip_in_the_snapshot_costs_at_most_its_own_entry() -> None:
    data = a_file(VALUES, SINGLES)
    whole = decode_file(data).values
    for _, changed in flips(data, range(decode_file(a_file(VALUES)).log_from)):
        contents = decode_file(changed)
        assert len(whole.items() - contents.values.items()) <= 1
        assert contents.values.items() <= whole.items()
        assert not contents.is_whole


def test_a_flip_in_a_header_or_in_the_table_costs_nothing() -> None:
    data = a_file(VALUES)
    for place, changed in flips(data, range(64 + 8 * len(VALUES))):
        assert decode_file(changed).values == VALUES, place


def test_a_first_sector_that_is_lost_costs_what_was_in_it() -> None:
    values: dict[str, Value] = {f"key{n}": "x" * 200 for n in range(20)}
    data = a_file(values, SINGLES)
    found = decode_file(bytes(512) + data[512:]).values
    assert len(values.items() - found.items()) <= 20
    assert PAIRS.items() <= found.items()


def test_a_hole_with_a_later_batch_behind_it_costs_only_what_was_in_it() -> None:
    batches: list[list[Change]] = [[(f"k{n}", "x" * 900)] for n in range(6)]
    data = bytearray(a_file({}, batches))
    log_at = decode_file(a_file({})).log_at
    hole = -(-(log_at + 900) // 512) * 512
    data[hole : hole + 512] = bytes(512)
    found = decode_file(bytes(data)).values
    assert "k5" in found
    assert len(found) >= 4


def test_a_hole_in_the_last_batch_drops_what_stands_behind_it() -> None:
    batch: list[Change] = [(f"k{n}", "x" * 400) for n in range(8)]
    data = bytearray(a_file({}, [batch]))
    hole = 512 * 4
    data[hole : hole + 512] = bytes(512)
    contents = decode_file(bytes(data))
    assert contents.values in replayed(batch, {})
    assert contents.torn is not None
    assert contents.gaps == ()


def test_a_flip_in_a_batch_costs_its_own_record_and_not_those_behind_it() -> None:
    batch: list[Change] = [(f"k{n}", f"value {n}") for n in range(3)]
    data = bytearray(a_file({}, [batch]))
    data[data.index(b"value 1")] ^= 0xFF
    assert decode_file(bytes(data)).values == {"k0": "value 0", "k2": "value 2"}


def test_a_file_inside_a_value_is_not_taken_for_the_file_when_its_header_is_lost() -> None:
    values: dict[str, Value] = {"backup": a_file({"a": 1})[:400], "b": 2}
    data = a_file(values)
    assert decode_file(bytes(64) + data[64:]).values == values


def test_a_copy_of_a_record_inside_a_value_is_not_taken_for_a_record() -> None:
    inner = a_file({}, [[("fake", "inside")]])
    values: dict[str, Value] = {"backup": inner[: used(inner)]}
    data = bytearray(a_file(values, [[("save", inner[: used(inner)])], [("a", 1)]]))
    log_at = decode_file(a_file(values)).log_at
    data[log_at] ^= 0xFF
    assert decode_file(bytes(data)).values == values | {"a": 1}


def test_another_program_s_file_is_refused() -> None:
    for data in (b'{"volume": 1}', b"SQLite format 3\0" * 100, b"\x00\x01" * 50):
        with pytest.raises(ForeignFileError):
            decode_file(data)


def test_a_later_version_is_refused() -> None:
    header = form._Header(2, 0, 0, 0, 0, 0, 0)
    with pytest.raises(NewerVersionError, match="version 2"):
        decode_file(form._encode_header(header) + b"what it may be")


def test_a_file_that_is_shorter_than_it_was_is_never_taken_for_whole() -> None:
    data = a_file(VALUES, SINGLES)
    assert not decode_file(data[:-1]).is_whole
    assert decode_file(data[:-1]).values == VALUES | PAIRS


def test_a_file_of_zeros_is_damage_and_not_another_program_s_file() -> None:
    contents = decode_file(bytes(5000))
    assert contents.values == {}
    assert not contents.is_whole


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_raise_anything_unexpected(data: bytes, ours: bool) -> None:
    whole = a_file(VALUES, SINGLES)
    try:
        found = decode_file(whole[: len(data)] + data + whole[len(data) :] if ours else data)
    except (ForeignFileError, NewerVersionError):
        return
    assert found.values.items() <= (VALUES | PAIRS).items()


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.just(msgpack.ExtType(5, b"x"))
    | st.just(msgpack.Timestamp(1)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@example([], [("a", None)])
@example([], [(7, 1), ("a", 2)])
@example([["x", "a", 1], [2**63, "a", 1], [1, "a", []], [1, None, 1], [1, {}]], [])
@given(st.lists(ANYTHING, max_size=4), st.lists(st.tuples(ANYTHING, ANYTHING), max_size=4))
def test_records_with_right_checksums_that_are_none_of_ours_are_left_out_and_told(
    records: list[Any], entries: list[tuple[Any, Any]]
) -> None:
    log_at, frames = encode_file(cast("Any", Pairs(entries)), 0)[1], b""
    for record in records:
        change: Any = (record,)
        frames += encode_batch([change], 0, log_at + len(frames), _second)
    data = encode_file(cast("Any", Pairs(entries)), 0)[0]
    found = decode_file(data[:log_at] + frames + data[log_at + len(frames) :])
    assert set(map(type, found.values)) <= {str}
    assert set(map(type, found.values.values())) <= {int, float, str, bool, bytes}
    assert all(is_ours(*pair) for pair in entries) or not found.is_whole
    assert found.sequence < 2**62
    encode_file(found.values, found.sequence + 1)


def _second(numbered: Any) -> bytes:
    return cast("bytes", msgpack.packb(numbered[1]))


class Pairs(list[tuple[Any, Any]]):
    """Entries whose keys need not be what a key of a mapping can be."""

    def items(self) -> list[tuple[Any, Any]]:
        return self


def is_ours(key: Any, value: Any) -> bool:
    return type(key) is str and type(value) in {int, float, str, bool, bytes}


def test_damage_in_many_places_never_gives_a_wrong_value() -> None:
    chance = random.Random(5)
    data = a_file(VALUES, SINGLES)
    truth = VALUES | PAIRS
    for _ in range(80):
        changed = bytearray(data)
        for _ in range(chance.randrange(2, 30)):
            changed[chance.randrange(used(data))] = chance.randrange(256)
        with contextlib.suppress(ForeignFileError):
            assert decode_file(bytes(changed)).values.items() <= truth.items()


@pytest.mark.parametrize("value", ["x" * 40, "ü" * 40, b"x" * 40, 5, 2.5, True])
def test_a_weight_is_close_to_the_size_in_a_file(value: Value) -> None:
    values = {f"key{n:04}": value for n in range(1000)}
    live = decode_file(a_file(values)).live
    assert sum(weight(k, v) for k, v in values.items()) == pytest.approx(live, rel=0.1)

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.prefs import format as form
from engine.prefs.format import Change, Value, decode_file, encode_file
from engine.prefs.log import PrefsLog
from tests.engine.fake_disk import FakeDisk

PATH = Path("/data/prefs.msgpack")


def opened(disk: FakeDisk) -> tuple[PrefsLog, dict[str, Value]]:
    log = PrefsLog(PATH, disk)
    contents, _ = log.open()
    return log, contents.values


def on_disk(disk: FakeDisk) -> dict[str, Value]:
    return decode_file(disk.names[PATH].durable).values


def failing(name: str, code: int = errno.EIO, times: int = 1) -> Callable[[str], None]:
    """Return an `on_call` that lets the first `times` calls named `name` fail."""
    left = times

    def on_call(call: str) -> None:
        nonlocal left
        if call == name and left:
            left -= 1
            raise OSError(code, "the disk says no")

    return on_call


def test_a_missing_file_is_made() -> None:
    disk = FakeDisk()
    log, values = opened(disk)
    assert values == {}
    assert log.open_error is None
    assert disk.durable_names.keys() == {PATH}


def test_a_commit_is_on_the_medium_when_it_returns() -> None:
    disk = FakeDisk()
    log, values = opened(disk)
    log.commit([("a", 1), ("b", "x")], 10, lambda: values)
    assert on_disk(disk) == {"a": 1, "b": "x"}


def test_a_commit_is_one_write_and_one_flush() -> None:
    disk = FakeDisk()
    log, values = opened(disk)
    calls: list[str] = []
    disk.on_call = calls.append
    log.commit([("a", 1), ("b", "x")], 10, lambda: values)
    assert calls == ["write", "flush"]


def test_the_first_commit_makes_durable_what_a_killed_process_left() -> None:
    first = FakeDisk()
    log, values = opened(first)
    log.commit([("a", 1)], 10, lambda: values)
    disk = first.after_kill()
    log, values = opened(disk)
    calls: list[str] = []
    disk.on_call = calls.append
    log.commit([("b", 1)], 10, lambda: values)
    assert calls == ["flush", "flush_folder", "write", "flush"]


def test_a_full_log_is_folded_into_a_new_file() -> None:
    disk = FakeDisk()
    log, values = opened(disk)
    for n in range(200):
        values["a"] = f"{n}" * 200
        log.commit([("a", values["a"])], 1000, lambda: values)
    assert on_disk(disk) == values
    assert len(disk.names[PATH].durable) < 80_000


def test_deleting_much_makes_the_file_small_again() -> None:
    disk = FakeDisk({PATH: encode_file({f"k{n}": "x" * 1000 for n in range(900)}, 1)[0]})
    log, _ = opened(disk)
    log.commit([()], 0, dict)
    assert len(disk.names[PATH].durable) < 70_000


@pytest.mark.parametrize("call", ["write", "flush"])
def test_after_a_failed_append_the_batch_goes_into_a_new_file(call: str) -> None:
    disk = FakeDisk()
    log, _ = opened(disk)
    disk.on_call = failing(call)
    log.commit([("a", 1)], 10, lambda: {"a": 1})
    assert on_disk(disk) == {"a": 1}
    assert disk.written_after_failed_flush == 0


@pytest.mark.parametrize("call", ["open", "write", "flush", "close", "replace", "flush_folder"])
def test_what_a_failed_rewrite_left_out_is_in_the_next_one(call: str) -> None:
    disk = FakeDisk({PATH: encode_file({"old": 1}, 1)[0]})
    log, _ = opened(disk)
    disk.on_call = failing(call, errno.ENOSPC, times=9)
    values: dict[str, Value] = {"old": 1, "big": "x" * 300_000}
    with pytest.raises(OSError, match="the disk says no"):
        log.commit([("big", values["big"])], 10, lambda: values)
    assert decode_file(disk.names[PATH].content()).values in ({"old": 1}, values)
    disk.on_call = lambda name: None
    log.commit([("a", 1)], 10, lambda: values | {"a": 1})
    assert on_disk(disk) == values | {"a": 1}


def test_a_new_file_that_could_not_be_finished_is_removed() -> None:
    disk = FakeDisk()
    log, _ = opened(disk)
    disk.on_call = failing("flush", errno.ENOSPC, times=2)
    with pytest.raises(OSError, match="the disk says no"):
        log.commit([("a", 1)], 10, lambda: {"a": 1})
    assert disk.names.keys() == {PATH}


def damaged(place: int) -> bytes:
    image, _ = encode_file({"a": 1, "b": 2}, 1)
    return image[:place] + bytes([image[place] ^ 0xFF]) + image[place + 1 :]


def test_a_damaged_file_is_kept_beside_and_a_whole_one_takes_its_place() -> None:
    data = damaged(85)
    disk = FakeDisk({PATH: data})
    log = PrefsLog(PATH, disk)
    contents, report = log.open()
    assert len(contents.values) == 1
    assert report.lost_keys == 1
    assert report.quarantine is not None
    assert disk.names[report.quarantine].durable == data
    assert on_disk(disk) == contents.values


def test_a_damaged_file_is_not_replaced_before_it_is_kept() -> None:
    data = damaged(85)
    disk = FakeDisk({PATH: data})
    disk.on_call = failing("flush")
    log, _ = opened(disk)
    assert log.open_error is not None
    assert disk.names[PATH].content() == data


def test_of_many_damaged_files_the_newest_three_are_kept() -> None:
    disk = FakeDisk()
    kept = []
    for place in range(80, 86):
        disk = FakeDisk({**{p: f.content() for p, f in disk.names.items()}, PATH: damaged(place)})
        kept.append(PrefsLog(PATH, disk).open()[1].quarantine)
    assert disk.names.keys() == {PATH, *kept[-3:]}


@pytest.mark.parametrize("call", ["oldest_first", "remove"])
def test_old_copies_that_cannot_be_removed_are_no_trouble(call: str) -> None:
    copies = {PATH.with_name(f"{PATH.name}.damaged-{n:08x}"): b"" for n in range(5)}
    disk = FakeDisk({**copies, PATH: damaged(85)})
    disk.on_call = failing(call, times=9)
    log, _ = opened(disk)
    assert log.open_error is None


def test_a_report_says_what_was_lost_and_where_it_is_kept() -> None:
    _, report = PrefsLog(PATH, FakeDisk({PATH: damaged(85)})).open()
    assert "was damaged: 1 settings were kept" in str(report)
    assert "prefs.msgpack.damaged-" in str(report)
    assert not report.is_clean


NEWER = form._encode_header(form._Header(2, 0, 0, 0, 0, 0, 0)) + b"what it may be"
STRANGE = pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"#!/bin/sh\n" * 30, "was not a settings file"),
        (NEWER, "newer version of the game"),
        (form._encode_header(form._Header(1, 2**63, 0, 0, 0, 0, 0)), "was not a settings file"),
    ],
)


@STRANGE
def test_a_file_of_another_program_or_version_is_put_aside_and_told(
    data: bytes, words: str
) -> None:
    disk = FakeDisk({PATH: data})
    for name in ("prefs.msgpack.aside", "prefs.msgpack.aside1"):
        log = PrefsLog(PATH, disk)
        contents, report = log.open()
        assert contents.values == {}
        assert words in str(report) and f"kept as {name}" in str(report)
        assert (report.is_clean, report.unsavable) == (False, "")
        log.commit([("a", 1)], 10, lambda: {"a": 1})
        assert decode_file(disk.names[PATH].content()).values == {"a": 1}
        disk.names[PATH].durable, disk.names[PATH].writes = data, []  # and once more
    aside = [disk.names[PATH.with_name(f"prefs.msgpack.aside{nth}")] for nth in ("", "1")]
    assert [file.content() for file in aside] == [data, data]


@STRANGE
def test_a_file_of_another_program_or_version_stays_for_a_reader(data: bytes, words: str) -> None:
    disk = FakeDisk({PATH: data})
    _, report = PrefsLog(PATH, disk).open(read_only=True)
    assert "is not saved" in report.unsavable
    assert disk.names.keys() == {PATH}


def test_a_file_that_cannot_be_put_aside_costs_the_saving_but_not_the_game() -> None:
    disk = FakeDisk({PATH: b"#!/bin/sh"})
    disk.on_call = failing("replace")
    _, report = PrefsLog(PATH, disk).open()
    assert "is left alone" in report.unsavable
    assert disk.names[PATH].content() == b"#!/bin/sh"


def a_file_with_a_long_last_record() -> bytes:
    disk = FakeDisk()
    log, values = opened(disk)
    log.commit([("a", 1)], 10, lambda: values)
    log.commit([("b", "x" * 2000)], 10, lambda: values)
    return disk.names[PATH].content()


def test_a_torn_tail_is_cut_without_troubling_the_player() -> None:
    data = a_file_with_a_long_last_record()
    cut = (len(data.rstrip(b"\0")) // 512 - 1) * 512  # where a sector begins
    torn = FakeDisk({PATH: data[:cut].ljust(len(data), b"\0")})
    contents, report = PrefsLog(PATH, torn).open()
    assert contents.values == {"a": 1}
    assert (report.torn_bytes > 0, report.is_clean) == (True, True)
    assert torn.names.keys() == {PATH}


@pytest.mark.parametrize("back", [0, 1, 700, 2001, 2013, 2014, 2018])
def test_a_damaged_last_record_was_once_saved_so_the_player_learns_of_it(back: int) -> None:
    data = bytearray(a_file_with_a_long_last_record())
    data[len(data.rstrip(b"\0")) - 1 - back] ^= 0x55  # 2013: its size, then longer than it is
    contents, report = PrefsLog(PATH, FakeDisk({PATH: bytes(data)})).open()
    assert contents.values == {"a": 1}
    assert (report.torn_bytes, report.is_clean) == (0, False)
    assert report.quarantine is not None


def test_reading_only_changes_nothing() -> None:
    data = damaged(85)
    disk = FakeDisk({PATH: data})
    _, report = PrefsLog(PATH, disk).open(read_only=True)
    assert report.quarantine is None
    assert disk.names.keys() == {PATH}
    assert disk.names[PATH].content() == data


def test_closing_folds_a_long_log_into_the_snapshot() -> None:
    disk = FakeDisk()
    log, values = opened(disk)
    changes: list[Change] = [(f"k{n}", "x" * 100) for n in range(400)]
    values.update(dict(c for c in changes if len(c) == 2))
    log.commit(changes, 40_000, lambda: values)
    log.close(lambda: values)
    contents = decode_file(disk.names[PATH].content())
    assert contents.values == values
    assert contents.log_at == contents.log_from


def test_a_closed_file_is_never_written_again() -> None:
    disk = FakeDisk()
    log, values = opened(disk)
    log.close(lambda: values)
    with pytest.raises(OSError, match="was closed"):
        log.commit([("a", 1)], 10, lambda: {"a": 1})
    assert on_disk(disk) == {}

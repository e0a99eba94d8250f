from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.dispatcher import Dispatcher
from engine.prefs import MAX_TOTAL_BYTES, PlayerPrefs, PrefsError, PrefsLockedError
from engine.prefs_format import encode_file
from tests.engine.fake_disk import FakeDisk

PATH = Path("/data/prefs.msgpack")


def refuse(*calls: str) -> Callable[[str], None]:
    def on_call(call: str) -> None:
        if call in calls:
            raise OSError(errno.EROFS, "read-only file system")

    return on_call


def test_settings_are_there_in_the_next_run(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "folder" / "p") as prefs:
        prefs.set_string("name", "Ada")
    with PlayerPrefs.open(tmp_path / "folder" / "p") as prefs:
        assert prefs.get_string("name") == "Ada"
        assert prefs.report.is_clean


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    PlayerPrefs.open(tmp_path / "p").close()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600} or sys.platform == "win32"


def test_a_durable_set_is_on_the_medium_when_it_returns() -> None:
    disk = FakeDisk()
    prefs = PlayerPrefs.open(PATH, disk=disk, group_seconds=60)
    prefs.set_int("a", 1)
    prefs.set_int("b", 2, durable=True)
    seen = FakeDisk({path: file.durable for path, file in disk.durable_names.items()})
    assert dict(PlayerPrefs.open(PATH, disk=seen).values) == {"a": 1, "b": 2}


def test_a_durable_set_of_what_is_there_already_still_waits_for_the_disk() -> None:
    disk = FakeDisk()
    prefs = PlayerPrefs.open(PATH, disk=disk, group_seconds=60)
    prefs.set_int("a", 1)
    prefs.set_int("a", 1, durable=True)
    assert not disk.names[PATH].writes
    with PlayerPrefs.open(PATH, read_only=True, disk=disk) as other:
        assert other.get_int("a") == 1


def test_save_makes_everything_durable() -> None:
    disk = FakeDisk()
    prefs = PlayerPrefs.open(PATH, disk=disk, group_seconds=60)
    prefs.set_int("a", 1)
    prefs.delete_key("a", durable=True)
    prefs.set_int("b", 1)
    prefs.save()
    with PlayerPrefs.open(PATH, read_only=True, disk=disk) as other:
        assert dict(other.values) == {"b": 1}


def test_delete_all_deletes_all(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        prefs.set_int("a", 1)
        prefs.set_int("b", 1)
        prefs.delete_all()
        assert len(prefs) == 0
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        assert len(prefs) == 0


def test_each_change_is_told_and_what_is_no_change_is_not() -> None:
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk())
    told: list[str] = []
    prefs.changed.subscribe(told.append)
    prefs.set_int("a", 1)
    prefs.set_int("a", 1)
    prefs.namespace("slot.").set_int("b", 1)
    prefs.delete_key("a")
    prefs.delete_all()
    assert told == ["a", "slot.b", "a", "slot.b"]


def test_one_and_true_and_one_point_zero_are_three_values() -> None:
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk())
    told: list[str] = []
    prefs.changed.subscribe(told.append)
    prefs.set_int("a", 1)
    prefs.set_bool("a", True)
    prefs.set_float("a", 1.0)
    assert len(told) == 3


def test_a_problem_that_nobody_heard_is_told_to_the_first_who_listens() -> None:
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk({PATH: b"#!/bin/sh" * 30}))
    first: list[str] = []
    second: list[str] = []
    prefs.problem.subscribe(first.append)
    prefs.problem.subscribe(second.append)
    assert [("not a settings file" in text) for text in first] == [True]
    assert second == []


def test_a_change_on_another_thread_is_told_on_the_main_thread() -> None:
    dispatcher = Dispatcher()
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk(), dispatcher=dispatcher)
    told: list[int] = []
    prefs.changed.subscribe(lambda key: told.append(threading.get_ident()))
    thread = threading.Thread(target=prefs.set_int, args=("a", 1))
    thread.start()
    thread.join(5)
    assert told == []
    dispatcher.drain()
    assert told == [threading.get_ident()]


def test_a_second_opening_is_refused_with_the_first_one_s_pid(tmp_path: Path) -> None:
    with (
        PlayerPrefs.open(tmp_path / "p"),
        pytest.raises(PrefsLockedError, match=f"in use by process {os.getpid()}") as refusal,
    ):
        PlayerPrefs.open(tmp_path / "p")
    assert refusal.value.pid == os.getpid()


def test_a_file_that_is_in_use_can_be_read(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "p") as first:
        first.set_int("a", 1, durable=True)
        with PlayerPrefs.open(tmp_path / "p", read_only=True) as second:
            assert second.get_int("a") == 1
            with pytest.raises(PrefsError, match="for reading only"):
                second.set_int("a", 2)
            assert second.get_int("a") == 1


def test_reading_only_makes_nothing(tmp_path: Path) -> None:
    PlayerPrefs.open(tmp_path / "p", read_only=True).close()
    assert list(tmp_path.iterdir()) == []


def test_a_game_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys; from engine.prefs import PlayerPrefs;"
        "PlayerPrefs.open(sys.argv[1]).set_int('a', 1, durable=True); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parent.parent.parent
    subprocess.run([sys.executable, "-c", code, tmp_path / "p"], cwd=root, check=False)
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        assert prefs.get_int("a") == 1


def test_after_closing_nothing_can_be_set_or_saved(tmp_path: Path) -> None:
    prefs = PlayerPrefs.open(tmp_path / "p")
    prefs.set_int("a", 1)
    assert prefs.close()
    assert prefs.close()
    with pytest.raises(PrefsError, match="was closed"):
        prefs.set_int("a", 2)
    with pytest.raises(PrefsError, match="was closed"):
        prefs.save()
    assert prefs.get_int("a") == 1


def test_a_folder_in_the_way_costs_the_saving_but_not_the_game(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        prefs.set_int("a", 1)
        assert prefs.get_int("a") == 1
        assert "There is a folder" in prefs.trouble
        with pytest.raises(PrefsError, match="Move it away"):
            prefs.save()


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "p").write_text('{"volume": 1}')
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        prefs.set_int("a", 1)
        with pytest.raises(PrefsError, match="not a settings file"):
            prefs.save()
    assert (tmp_path / "p").read_text() == '{"volume": 1}'


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    disk = FakeDisk({PATH: encode_file({"a": 1}, 1)[0]})
    disk.on_call = refuse("lock")
    prefs = PlayerPrefs.open(PATH, disk=disk)
    assert prefs.get_int("a") == 1
    prefs.set_int("a", 2)
    with pytest.raises(PrefsError, match=r"Nothing can be saved in .*read-only file system"):
        prefs.save()


def test_a_disk_that_became_read_only_keeps_the_old_values_and_tells() -> None:
    disk = FakeDisk({PATH: encode_file({"a": 1}, 1)[0]})
    disk.on_call = refuse("open", "write")
    dispatcher = Dispatcher()
    prefs = PlayerPrefs.open(PATH, disk=disk, dispatcher=dispatcher)
    told: list[str] = []
    prefs.problem.subscribe(told.append)
    dispatcher.drain()
    assert prefs.get_int("a") == 1
    assert "read-only file system" in told[0]
    with pytest.raises(PrefsError, match="Make room on the disk"):
        prefs.set_int("a", 2, durable=True)
    assert prefs.get_int("a") == 2


def test_saving_works_again_once_the_disk_does() -> None:
    disk = FakeDisk()
    prefs = PlayerPrefs.open(PATH, disk=disk, group_seconds=60)
    told: list[str] = []
    prefs.problem.subscribe(told.append)
    disk.on_call = refuse("open", "write")
    prefs.set_int("a", 1)
    with pytest.raises(PrefsError):
        prefs.save()
    assert prefs.trouble
    disk.on_call = lambda call: None
    prefs.save()
    assert not prefs.trouble
    assert "saved again" in told[-1]


def test_damage_is_told_once_on_the_main_thread() -> None:
    image, _ = encode_file({"a": 1, "b": 2}, 1)
    disk = FakeDisk({PATH: image[:85] + b"\xff" + image[86:]})
    dispatcher = Dispatcher()
    prefs = PlayerPrefs.open(PATH, disk=disk, dispatcher=dispatcher)
    told: list[str] = []
    prefs.problem.subscribe(told.append)
    dispatcher.drain()
    assert len(told) == 1
    assert "was damaged: 1 settings were kept" in told[0]
    with PlayerPrefs.open(PATH, disk=disk.after_kill(), read_only=True) as again:
        assert again.report.is_clean


def test_settings_that_together_are_too_much_are_refused() -> None:
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk(), group_seconds=60)
    with pytest.raises(ValueError, match="All settings together"):
        for n in range(MAX_TOTAL_BYTES // 1_000_000 + 9):
            prefs.set_bytes(f"k{n}", bytes(1_000_000), durable=n % 8 == 0)


def test_a_file_stays_within_twice_its_content(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        for n in range(3000):
            prefs.set_string(f"k{n}", "x" * 200)
        prefs.save()
        for n in range(2900):
            prefs.delete_key(f"k{n}")
        prefs.save()
        live = sum(len(k) + 200 for k in prefs)
        assert (tmp_path / "p").stat().st_size <= 2 * live + 128 * 1024


def test_a_writer_that_hangs_keeps_the_lock() -> None:
    disk, hangs, release = FakeDisk(), threading.Event(), threading.Event()
    prefs = PlayerPrefs.open(PATH, disk=disk, group_seconds=0)

    def hang(call: str) -> None:
        hangs.set()
        release.wait(5)

    disk.on_call = hang
    prefs.set_int("a", 1)
    assert hangs.wait(5)
    assert not prefs.close(0.01)
    assert disk.locks
    release.set()

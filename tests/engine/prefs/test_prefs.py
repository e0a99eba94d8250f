from __future__ import annotations

import errno
import logging
import math
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast
from zlib import crc32

import pytest

from engine.core.events import Dispatcher
from engine.core.file_system import read_file
from engine.prefs.format import Change, Value, apply_change, encode_file
from engine.prefs.prefs import (
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    PlayerPrefs,
    PrefsError,
    PrefsLockedError,
    PrefsView,
)
from tests.engine.fake_disk import FakeDisk

PATH = Path("/data/prefs.msgpack").absolute()  # on Windows with a drive


def refuse(*calls: str, code: int = errno.EROFS) -> Callable[[str], None]:
    def on_call(call: str) -> None:
        if call in calls:
            raise OSError(code, "read-only file system")

    return on_call


def test_settings_are_there_in_the_next_run(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "folder" / "p") as prefs:
        prefs.set_string("name", "Ada")
    with PlayerPrefs.open(tmp_path / "folder" / "p") as prefs:
        assert prefs.get_string("name") == "Ada"
        assert prefs.report.is_clean


@pytest.mark.posix("Windows has no modes; a user's folders are that user's alone")
def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    PlayerPrefs.open(tmp_path / "p").close()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


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


def test_each_change_is_emitted_and_a_set_that_changes_nothing_is_not() -> None:
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk())
    emitted: list[str] = []
    prefs.changed.subscribe(emitted.append)
    prefs.set_int("a", 1)
    prefs.set_int("a", 1)
    prefs.namespace("slot.").set_int("b", 1)
    prefs.delete_key("a")
    prefs.delete_all()
    assert emitted == ["a", "slot.b", "a", "slot.b"]


def test_one_and_true_and_one_point_zero_are_three_values() -> None:
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk())
    emitted: list[str] = []
    prefs.changed.subscribe(emitted.append)
    prefs.set_int("a", 1)
    prefs.set_bool("a", True)
    prefs.set_float("a", 1.0)
    assert len(emitted) == 3


def test_the_sign_of_a_zero_is_kept() -> None:
    disk = FakeDisk()
    prefs = PlayerPrefs.open(PATH, disk=disk)
    for value in (0.0, -0.0):
        prefs.set_float("a", value, durable=True)
    prefs.close()
    assert math.copysign(1.0, PlayerPrefs.open(PATH, disk=disk).get_float("a")) == -1.0


def test_a_problem_without_a_subscriber_is_kept_for_the_first_one() -> None:
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk({PATH: b"#!/bin/sh" * 30}))
    first: list[str] = []
    second: list[str] = []
    prefs.problem.subscribe(first.append)
    prefs.problem.subscribe(second.append)
    assert [("not a settings file" in text) for text in first] == [True]
    assert second == []


def test_a_change_on_another_thread_is_emitted_on_the_main_thread() -> None:
    dispatcher = Dispatcher()
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk(), dispatcher=dispatcher)
    emitted: list[int] = []
    prefs.changed.subscribe(lambda key: emitted.append(threading.get_ident()))
    thread = threading.Thread(target=prefs.set_int, args=("a", 1))
    thread.start()
    thread.join(5)
    assert emitted == []
    dispatcher.drain()
    assert emitted == [threading.get_ident()]


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
        "import os, sys; from engine.prefs.prefs import PlayerPrefs;"
        "PlayerPrefs.open(sys.argv[1]).set_int('a', 1, durable=True); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[3]
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
        assert "p is a folder, and a file should be there" in prefs.save_error
        with pytest.raises(PrefsError, match="Move it away"):
            prefs.save()


def test_a_foreign_file_is_put_aside_and_the_game_saves(tmp_path: Path) -> None:
    (tmp_path / "p").write_text('{"volume": 1}')
    told: list[str] = []
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        prefs.problem.subscribe(told.append)
        prefs.set_int("a", 1, durable=True)
    assert len(told) == 1 and "kept as p.aside" in told[0]
    assert (tmp_path / "p.aside").read_text() == '{"volume": 1}'
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        assert (prefs.get_int("a"), prefs.report.is_clean) == (1, True)


def test_a_file_that_is_larger_than_settings_can_be_is_never_read(tmp_path: Path) -> None:
    with (tmp_path / "p").open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no room
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        assert "not a settings file" in str(prefs.report)
        prefs.set_int("a", 1, durable=True)


ODD_THINGS = {"link": Path.symlink_to, "pipe": lambda path, _: os.mkfifo(path), "folder": None}


@pytest.mark.posix("Windows has no pipes in folders, and a link takes a right that players lack")
@pytest.mark.parametrize("kind", ODD_THINGS)
@pytest.mark.parametrize("name", ["p", "p.lock", "p.new"])
def test_what_is_no_file_in_a_file_s_place_is_told_and_nothing_waits_for_it(
    name: str, kind: str, tmp_path: Path
) -> None:
    victim, odd = tmp_path / "victim", tmp_path / "data" / name
    victim.write_bytes(b"precious")
    odd.parent.mkdir()
    make = ODD_THINGS[kind]
    odd.mkdir() if make is None else make(odd, victim)
    with PlayerPrefs.open(odd.parent / "p") as prefs:
        prefs.set_int("a", 1)
        is_in_the_way = name != "p.new" or kind == "folder"
        assert (f"{name} is a {kind}, and a file should be" in prefs.save_error) == is_in_the_way
        assert ("Move it away." in prefs.save_error) == is_in_the_way
        assert prefs.get_int("a") == 1
    assert victim.read_bytes() == b"precious"
    assert not (odd.parent / "p").is_symlink() or name == "p"


@pytest.mark.posix("Windows has no such link, and no device in a folder")
def test_a_device_in_the_place_of_the_settings_is_told(tmp_path: Path) -> None:
    device = Path("/dev/zero")
    with pytest.raises(OSError, match="zero is a device"):
        read_file(device)
    (tmp_path / "p").symlink_to(device)
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        assert "p is a link" in prefs.save_error


@pytest.mark.posix("Windows has no modes")
def test_a_copy_of_damage_follows_no_link_and_an_old_file_becomes_its_owner_s(
    tmp_path: Path,
) -> None:
    path, victim = tmp_path / "p", tmp_path / "victim"
    with PlayerPrefs.open(path) as prefs:
        prefs.set_int("a", 1, durable=True)
    data = bytearray(path.read_bytes())
    data[80] ^= 0xFF
    path.write_bytes(data)
    path.chmod(0o644)
    name = f"p.damaged-{crc32(data):08x}"
    (tmp_path / name).symlink_to(victim)
    with PlayerPrefs.open(path) as prefs:
        assert prefs.report.quarantine == tmp_path / name
    assert (tmp_path / name).read_bytes() == bytes(data)
    assert not victim.exists() and not (tmp_path / name).is_symlink()
    path.chmod(0o644)
    PlayerPrefs.open(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_that_knows_no_locks_is_told_as_that(code: int) -> None:
    disk = FakeDisk({PATH: encode_file({"a": 1}, 1)[0]})
    disk.on_call = refuse("lock", code=code)
    prefs = PlayerPrefs.open(PATH, disk=disk)
    assert prefs.get_int("a") == 1
    assert "This disk knows no locks" in prefs.save_error


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    disk = FakeDisk({PATH: encode_file({"a": 1}, 1)[0]})
    disk.on_call = refuse("lock")
    prefs = PlayerPrefs.open(PATH, disk=disk)
    assert prefs.get_int("a") == 1
    prefs.set_int("a", 2)
    with pytest.raises(PrefsError, match=r"Nothing can be saved in .*read-only file system"):
        prefs.save()


def test_a_disk_that_became_read_only_keeps_the_old_values_and_reports_it() -> None:
    disk = FakeDisk({PATH: encode_file({"a": 1}, 1)[0]})
    disk.on_call = refuse("open", "write")
    dispatcher = Dispatcher()
    prefs = PlayerPrefs.open(PATH, disk=disk, dispatcher=dispatcher)
    emitted: list[str] = []
    prefs.problem.subscribe(emitted.append)
    dispatcher.drain()
    assert prefs.get_int("a") == 1
    assert "read-only file system" in emitted[0]
    with pytest.raises(PrefsError, match="Check the permissions"):
        prefs.set_int("a", 2, durable=True)
    assert prefs.get_int("a") == 2


def test_saving_works_again_once_the_disk_does() -> None:
    disk = FakeDisk()
    prefs = PlayerPrefs.open(PATH, disk=disk, group_seconds=60)
    emitted: list[str] = []
    prefs.problem.subscribe(emitted.append)
    disk.on_call = refuse("open", "write")
    prefs.set_int("a", 1)
    with pytest.raises(PrefsError):
        prefs.save()
    assert prefs.save_error
    disk.on_call = lambda call: None
    prefs.save()
    assert not prefs.save_error
    assert "saved again" in emitted[-1]


def test_damage_is_reported_once_on_the_main_thread() -> None:
    image, _ = encode_file({"a": 1, "b": 2}, 1)
    disk = FakeDisk({PATH: image[:85] + b"\xff" + image[86:]})
    dispatcher = Dispatcher()
    prefs = PlayerPrefs.open(PATH, disk=disk, dispatcher=dispatcher)
    emitted: list[str] = []
    prefs.problem.subscribe(emitted.append)
    dispatcher.drain()
    assert len(emitted) == 1
    assert "was damaged: 1 settings were kept" in emitted[0]
    with PlayerPrefs.open(PATH, disk=disk.after_kill(), read_only=True) as again:
        assert again.report.is_clean


def test_settings_that_together_are_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("prefs", "writer"):
        monkeypatch.setattr(f"engine.prefs.{module}.MAX_TOTAL_BYTES", 64_000)
    prefs = PlayerPrefs.open(PATH, disk=FakeDisk(), group_seconds=60)
    with pytest.raises(ValueError, match="All settings together"):
        for n in range(64 + 9):
            prefs.set_bytes(f"k{n}", bytes(1_000), durable=n % 8 == 0)


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


class InMemory(PrefsView):
    """A view that keeps its changes."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Value] = {}
        self.durable: list[Change] = []
        self.saves = 0

    @property
    def values(self) -> dict[str, Value]:
        return self.kept

    def change(self, change: Change, *, durable: bool = False) -> None:
        apply_change(self.kept, change)
        if durable:
            self.durable.append(change)

    def save(self) -> None:
        self.saves += 1


@pytest.fixture
def view() -> InMemory:
    return InMemory()


def test_each_type_comes_back_as_itself(view: InMemory) -> None:
    view.set_int("i", -7)
    view.set_float("f", 2)
    view.set_string("s", "Grüße")
    view.set_bool("b", True)
    view.set_bytes("y", b"\0\xff")
    assert (view.get_int("i"), view.get_float("f"), view.get_string("s")) == (-7, 2.0, "Grüße")
    assert (view.get_bool("b"), view.get_bytes("y")) == (True, b"\0\xff")
    assert type(view.get_float("f")) is float


def test_a_missing_key_gives_the_default(view: InMemory) -> None:
    assert (view.get_int("x"), view.get_float("x"), view.get_string("x")) == (0, 0.0, "")
    assert (view.get_bool("x", True), view.get_bytes("x", b"d")) == (True, b"d")


def test_a_whole_number_is_a_number_too(view: InMemory) -> None:
    view.set_int("volume", 1)
    assert view.get_float("volume") == 1.0


def test_a_value_of_another_type_gives_the_default_and_is_logged_once(
    view: InMemory, caplog: pytest.LogCaptureFixture
) -> None:
    view.set_string("level", "three")
    with caplog.at_level(logging.WARNING):
        assert [view.get_int("level", 1), view.get_int("level", 1)] == [1, 1]
    assert caplog.text.count("'level' holds a str, not a int") == 1
    assert "three" not in caplog.text


def test_true_is_no_number(view: InMemory) -> None:
    view.set_bool("b", True)
    assert view.get_int("b", 5) == 5
    with pytest.raises(TypeError, match="takes an int, not bool"):
        view.set_int("b", True)
    with pytest.raises(TypeError, match="takes a number, not bool"):
        view.set_float("b", False)


@pytest.mark.parametrize("call", ["set_int", "set_float", "set_string", "set_bool", "set_bytes"])
def test_a_value_of_the_wrong_type_is_refused(view: InMemory, call: str) -> None:
    with pytest.raises(TypeError, match=rf"{call}\('k'\) takes .*, not list"):
        getattr(view, call)("k", [])
    assert not view.has_key("k")


def test_a_number_of_more_than_64_bits_is_refused(view: InMemory) -> None:
    view.set_int("k", 2**63 - 1)
    view.set_int("k", -(2**63))
    for number in (2**63, -(2**63) - 1):
        with pytest.raises(ValueError, match="64 bits"):
            view.set_int("k", number)


def test_an_absurd_size_is_refused_with_advice(view: InMemory) -> None:
    view.set_string("k", "x" * MAX_VALUE_BYTES)
    with pytest.raises(ValueError, match="a file of its own"):
        view.set_string("k", "ü" * (MAX_VALUE_BYTES // 2 + 1))
    with pytest.raises(ValueError, match="a file of its own"):
        view.set_bytes("k", bytes(MAX_VALUE_BYTES + 1))
    with pytest.raises(ValueError, match="too long"):
        view.set_int("k" * (MAX_KEY_BYTES + 1), 1)


def test_the_prefix_of_a_namespace_counts_in_the_length_of_a_key(view: InMemory) -> None:
    slot = view.namespace("s" * 400)
    slot.set_int("k" * (MAX_KEY_BYTES - 400), 1)
    with pytest.raises(ValueError, match="too long"):
        slot.set_int("k" * (MAX_KEY_BYTES - 399), 1)


def test_what_is_no_text_is_refused_before_it_can_spoil_a_batch(view: InMemory) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        view.set_string("k", "\ud800")
    with pytest.raises(ValueError, match="surrogate"):
        view.set_int("\ud800", 1)
    with pytest.raises(ValueError, match="at least one character"):
        view.set_int("", 1)
    with pytest.raises(TypeError, match="A key is a text"):
        view.set_int(cast(str, 7), 1)


def test_keys_are_listed_by_prefix_in_order(view: InMemory) -> None:
    for key in ("b", "a.2", "a.1"):
        view.set_int(key, 1)
    assert view.keys("a.") == ("a.1", "a.2")
    assert tuple(view) == ("a.1", "a.2", "b")
    assert (len(view), "b" in view, "c" in view) == (3, True, False)


def test_deleting_what_is_not_there_is_no_change(view: InMemory) -> None:
    view.set_int("a", 1)
    view.delete_key("a")
    view.delete_key("a")
    assert not view.has_key("a")


def test_a_namespace_sees_only_its_own_keys(view: InMemory) -> None:
    slot = view.namespace("slot1.")
    view.set_int("level", 1)
    slot.set_int("level", 2)
    assert (view.get_int("level"), slot.get_int("level")) == (1, 2)
    assert slot.keys() == ("level",)
    assert view.keys() == ("level", "slot1.level")


def test_a_namespace_inside_a_namespace_adds_its_prefix(view: InMemory) -> None:
    view.namespace("a.").namespace("b.").set_int("c", 1)
    assert view.kept == {"a.b.c": 1}


def test_deleting_all_of_a_namespace_leaves_the_others(view: InMemory) -> None:
    slot = view.namespace("slot1.")
    slot.set_int("a", 1)
    slot.set_int("b", 1)
    view.set_int("c", 1)
    slot.delete_all()
    assert view.kept == {"c": 1}


def test_durable_is_handed_on(view: InMemory) -> None:
    view.namespace("a.").set_int("b", 1, durable=True)
    assert view.durable == [("a.b", 1)]


def test_what_changes_nothing_is_no_change_but_durable_still_saves(view: InMemory) -> None:
    view.delete_key("b", durable=True)
    view.delete_all(durable=True)
    assert (view.saves, view.durable) == (2, [])

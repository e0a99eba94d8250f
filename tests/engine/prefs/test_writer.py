from __future__ import annotations

import errno
import threading
from collections import deque
from pathlib import Path

import pytest

from engine.core.events import Dispatcher
from engine.prefs.format import Change, Value, WriteQueue, decode_file
from engine.prefs.log import PrefsLog
from engine.prefs.writer import BufferedSignal, PrefsSignals, PrefsWriter
from tests.engine.fake_disk import FakeDisk

PATH = Path("/data/prefs.msgpack")
DEADLINE = 60.0


class SaveStates:
    """Keeps what the writer reports of its saving."""

    def __init__(self) -> None:
        self.errors: list[OSError | None] = []
        self.changed = threading.Event()

    def __call__(self, error: OSError | None) -> None:
        self.errors.append(error)
        self.changed.set()


def a_writer(disk: FakeDisk, states: SaveStates | None = None) -> PrefsWriter:
    log = PrefsLog(PATH, disk)
    contents, _ = log.open()
    return PrefsWriter(
        log,
        contents.values,
        live=contents.live,
        queue=WriteQueue(),
        group_seconds=0.0,
        on_save_state=states or SaveStates(),
    )


def on_disk(disk: FakeDisk) -> dict[str, Value]:
    return decode_file(disk.names[PATH].durable).values


def refuse(call: str) -> None:
    if call in ("write", "open"):
        raise OSError(errno.ENOSPC, "no space left")


def test_a_put_is_seen_at_once_and_is_not_on_the_disk() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)
    writer.put(("a", 1))
    assert writer.values == {"a": 1}
    assert on_disk(disk) == {}


def test_a_commit_saves_everything_that_was_put() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)
    for n in range(50):
        writer.put((f"k{n}", n))
    writer.commit()
    assert on_disk(disk) == {f"k{n}": n for n in range(50)}


def test_a_commit_of_nothing_touches_nothing() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)
    disk.on_call = refuse
    writer.commit()


def test_the_thread_saves_by_itself() -> None:
    disk = FakeDisk()
    flushed = threading.Event()
    writer = a_writer(disk)
    disk.on_call = lambda call: flushed.set() if call == "flush" else None
    writer.put(("a", 1))
    assert flushed.wait(DEADLINE)
    assert writer.close(DEADLINE)
    assert on_disk(disk) == {"a": 1}


@pytest.mark.parametrize("wake", [True, False])
def test_closing_saves_the_rest(wake: bool) -> None:
    disk = FakeDisk()
    writer = a_writer(disk)
    writer.put(("a", 1), wake=wake)
    assert writer.close(DEADLINE)
    assert on_disk(disk) == {"a": 1}


def test_a_disk_error_is_reported_once_and_its_end_too() -> None:
    disk, states = FakeDisk(), SaveStates()
    writer = a_writer(disk, states)
    disk.on_call = refuse
    for n in range(3):
        writer.put(("a", n))
        with pytest.raises(OSError, match="no space left"):
            writer.commit()
    disk.on_call = lambda call: None
    writer.commit()
    assert [t is None for t in states.errors] == [False, True]
    assert on_disk(disk) == {"a": 2}


def test_the_thread_reports_its_errors() -> None:
    disk, states = FakeDisk(), SaveStates()
    writer = a_writer(disk, states)
    disk.on_call = refuse
    writer.put(("a", 1))
    assert states.changed.wait(DEADLINE)
    assert not writer.close(DEADLINE)
    assert writer.values == {"a": 1}


def test_a_handler_of_an_error_may_save() -> None:
    disk = FakeDisk()
    log = PrefsLog(PATH, disk)
    contents, _ = log.open()
    emitted = []

    def again(error: OSError | None) -> None:
        emitted.append(error)
        disk.on_call = lambda call: None
        if error is not None:
            writer.commit()

    writer = PrefsWriter(
        log, contents.values, live=0, queue=WriteQueue(), group_seconds=0, on_save_state=again
    )
    disk.on_call = refuse
    writer.put(("a", 1))
    with pytest.raises(OSError, match="no space left"):
        writer.commit()
    assert len(emitted) == 2
    assert on_disk(disk) == {"a": 1}


def test_many_threads_lose_nothing() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)

    def sets(name: int) -> None:
        for n in range(200):
            writer.put((f"{name}.{n}", n))
            if n % 20 == 0:
                writer.commit()

    threads = [threading.Thread(target=sets, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert writer.close(DEADLINE)
    assert len(on_disk(disk)) == 800


def test_a_disk_that_hangs_does_not_hang_the_end() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)
    hangs, release = threading.Event(), threading.Event()

    def hang(call: str) -> None:
        hangs.set()
        release.wait(DEADLINE)

    disk.on_call = hang
    writer.put(("a", 1))
    assert hangs.wait(DEADLINE)
    assert not writer.close(0.01)
    assert not writer.is_idle
    release.set()


def test_what_the_values_weigh_follows_the_changes() -> None:
    writer = a_writer(FakeDisk())
    writer.put(("a", "x" * 1000))
    writer.put(("a", "x" * 100))
    writer.put(("b", 1))
    writer.put(("b",))
    writer.commit()
    assert 100 <= writer.live <= 110


def test_what_a_new_file_holds_already_is_not_appended_to_it() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)

    def put_and_fail(call: str) -> None:
        disk.on_call = lambda call: None
        writer.put(("late", 1))
        raise OSError(errno.EIO, "the disk says no")

    disk.on_call = put_and_fail
    writer.put(("a", 1))
    writer.commit()
    assert on_disk(disk) == {"a": 1, "late": 1}
    disk.on_call = refuse
    writer.commit()


def test_reading_and_waiting_for_each_change_need_no_thread() -> None:
    writer = a_writer(FakeDisk())
    before = threading.active_count()
    writer.put(("a", 1), wake=False)
    writer.commit()
    assert threading.active_count() == before
    assert writer.close(DEADLINE)


def test_what_is_there_already_is_not_written_again() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)
    writer.put(("a", 1))
    writer.commit()
    disk.on_call = refuse
    writer.put(("a", 1))
    writer.commit()
    disk.on_call = lambda call: None
    writer.put(("a", True))
    writer.commit()
    assert on_disk(disk)["a"] is True


def test_a_put_at_the_moment_when_the_thread_falls_asleep_is_saved_too() -> None:
    disk = FakeDisk()
    writer = a_writer(disk)  # with no time to gather: it falls asleep after each commit
    saved = threading.Event()
    disk.on_call = lambda call: saved.set() if call == "flush" else None
    for n in range(2000):
        saved.clear()
        writer.put(("a", n))
        assert saved.wait(DEADLINE), n
    assert writer.close(DEADLINE)


def test_each_thread_reads_what_it_put() -> None:
    writer = a_writer(FakeDisk())
    missed: list[str] = []

    def sets(name: int) -> None:
        for n in range(2000):
            writer.put((f"{name}.{n}", n), wake=False)
            if f"{name}.{n}" not in writer.values:
                missed.append(f"{name}.{n}")

    threads = [threading.Thread(target=sets, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert missed == []
    assert len(writer.values) == 8000


def test_what_a_full_disk_refused_is_saved_by_itself_once_there_is_room() -> None:
    disk, saved = FakeDisk(), threading.Event()
    log = PrefsLog(PATH, disk)
    log.open()
    queue, states = WriteQueue(), SaveStates()
    writer = PrefsWriter(
        log, {}, live=0, queue=queue, group_seconds=0, on_save_state=states, retry_seconds=0
    )
    disk.on_call = refuse
    writer.put(("a", 1), wake=False)
    with pytest.raises(OSError, match="no space left"):
        writer.commit()
    disk.on_call = lambda call: saved.set() if call == "flush_folder" else None
    assert saved.wait(DEADLINE)
    assert writer.close(DEADLINE)
    assert on_disk(disk) == {"a": 1}


def a_writer_with(queue: WriteQueue, values: dict[str, Value]) -> PrefsWriter:
    log = PrefsLog(PATH, FakeDisk())
    log.open()
    return PrefsWriter(
        log, values, live=0, queue=queue, group_seconds=0, on_save_state=SaveStates()
    )


def test_a_change_is_in_the_queue_until_it_is_among_the_values() -> None:
    queue, queued = WriteQueue(), []

    class Values(dict[str, Value]):
        def __setitem__(self, key: str, value: Value) -> None:
            queued.append(len(queue.changes))
            super().__setitem__(key, value)

    writer = a_writer_with(queue, Values())
    writer.put(("a", 1), wake=False)
    assert writer.values == {"a": 1}
    assert queued == [1]


def test_the_thread_counts_as_asleep_before_it_looks_for_the_last_time() -> None:
    queue, looked = WriteQueue(), threading.Event()

    class Queue(deque[Change]):
        def __bool__(self) -> bool:
            if queue.is_asleep:
                looked.set()
            return len(self) > 0

    queue.changes = Queue()
    queue.add = queue.changes.append
    writer = a_writer_with(queue, {})
    writer.put(("a", 1))
    assert looked.wait(DEADLINE)
    assert writer.close(DEADLINE)


def test_of_values_without_a_subscriber_the_last_four_are_kept() -> None:
    signal = BufferedSignal("a")
    for n in range(6):
        signal.emit(f"{n}")
    emitted: list[str] = []
    signal.subscribe(emitted.append)
    signal.emit("6")
    assert emitted == ["2", "3", "4", "5", "6"]


def test_damage_and_trouble_at_the_start_are_one_notice() -> None:
    signals, emitted = PrefsSignals(Path("/data/p"), None), list[str]()
    signals.opened("It was damaged.", OSError(errno.ENOSPC, "no room"))
    signals.problem.subscribe(emitted.append)
    assert len(emitted) == 1
    assert emitted[0].startswith("It was damaged. Settings could not be saved to")


def test_what_happens_on_another_thread_waits_for_the_main_thread() -> None:
    dispatcher = Dispatcher()
    signals, emitted = PrefsSignals(Path("/data/p"), dispatcher), list[str]()
    signals.problem.subscribe(emitted.append)
    thread = threading.Thread(target=signals.save_state_changed, args=(None,))
    thread.start()
    thread.join(5)
    assert emitted == []
    dispatcher.drain()
    assert emitted == ["Settings are saved again to p."]

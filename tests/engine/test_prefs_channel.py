from __future__ import annotations

import errno
import threading
from pathlib import Path

from engine.dispatcher import Dispatcher
from engine.prefs_channel import Channel, KeptSignal


def test_of_what_nobody_heard_the_last_four_are_kept() -> None:
    signal = KeptSignal("a")
    for n in range(6):
        signal.emit(f"{n}")
    heard: list[str] = []
    signal.subscribe(heard.append)
    signal.emit("6")
    assert heard == ["2", "3", "4", "5", "6"]


def test_damage_and_trouble_at_the_start_are_one_notice() -> None:
    channel, heard = Channel(Path("/data/p"), None), list[str]()
    channel.tell_at_start("It was damaged.", OSError(errno.ENOSPC, "no room"))
    channel.problem.subscribe(heard.append)
    assert len(heard) == 1
    assert heard[0].startswith("It was damaged. Settings could not be saved to")


def test_what_happens_on_another_thread_waits_for_the_main_thread() -> None:
    dispatcher = Dispatcher()
    channel, heard = Channel(Path("/data/p"), dispatcher), list[str]()
    channel.problem.subscribe(heard.append)
    thread = threading.Thread(target=channel.tell_trouble, args=(None,))
    thread.start()
    thread.join(5)
    assert heard == []
    dispatcher.drain()
    assert heard == ["Settings are saved again to p."]

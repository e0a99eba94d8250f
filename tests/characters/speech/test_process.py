from __future__ import annotations

import logging
import math
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from io import BytesIO
from typing import Any

import pytest

from characters.speech import process
from characters.speech.process import (
    TIDY_SECONDS,
    ObjectHost,
    SpeechProcess,
    SpeechProcessError,
)


class Calculator:
    """What runs in the other process."""

    def __init__(self, base: int = 0, load_seconds: float = 0.0) -> None:
        print("a library that talks")
        time.sleep(load_seconds)
        self.base = base

    def add(self, number: int) -> int:
        return self.base + number

    def fail(self) -> None:
        raise ZeroDivisionError("nothing by nothing")

    def fail_as_a_library(self) -> None:
        raise import_module("getopt").GetoptError("no such input")

    def die(self) -> None:
        os._exit(1)

    def wait(self, seconds: float) -> int:
        time.sleep(seconds)
        return os.getpid()


def refuse(kind: type[Exception] = ImportError) -> Calculator:
    raise kind("no model here")


def test_calls_are_answered_by_another_process() -> None:
    it = SpeechProcess(partial(Calculator, 40), "The calculator")
    assert it.call("add", 2) == 42 and it.call("wait", 0.0) != os.getpid()
    with pytest.raises(ZeroDivisionError, match="nothing by nothing"):
        it.call("fail")
    it.close()
    with pytest.raises(SpeechProcessError, match="closed"):
        it.call("add", 2)


def test_who_waits_for_one_that_is_closed_is_told_so() -> None:
    it = SpeechProcess(Calculator, "The calculator")
    it.start()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(it.call, "wait", 120.0), pool.submit(it.call, "add", 1)]
        while not all(call.running() for call in waiting):
            time.sleep(0.01)
        it.close()
        for call in waiting:
            with pytest.raises(SpeechProcessError, match=r"has ended|is closed"):
                call.result(15.0)


def test_one_that_dies_is_followed_by_another() -> None:
    it = SpeechProcess(Calculator, "The calculator")
    with pytest.raises(SpeechProcessError, match="The calculator has ended"):
        it.call("die")
    assert it.call("add", 1) == 1
    it.close()


def test_one_that_stands_still_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    it = SpeechProcess(Calculator, "The calculator")
    it.start()
    monkeypatch.setattr(process, "ANSWER_SECONDS", 0.3)
    with pytest.raises(SpeechProcessError, match="The calculator does not answer"):
        it.call("wait", 120.0)
    monkeypatch.undo()
    assert it.call("add", 1) == 1
    it.close()


def test_what_a_library_raises_there_is_told_without_loading_it_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "getopt", raising=False)
    it = SpeechProcess(Calculator, "The calculator")
    with pytest.raises(RuntimeError, match="GetoptError: no such input"):
        it.call("fail_as_a_library")
    assert "getopt" not in sys.modules
    it.close()


def test_one_that_is_closed_while_it_starts_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it = SpeechProcess(partial(Calculator, load_seconds=120.0), "The calculator")
    started: list[subprocess.Popen[bytes]] = []

    class LatePopen(subprocess.Popen[bytes]):
        """One that is closed before anybody knows of it."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            it.close()
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", LatePopen)
    with pytest.raises(SpeechProcessError, match="is closed"):
        it.start()
    assert started[0].wait(30.0) != 0


@pytest.mark.parametrize("kind", [ImportError, TimeoutError])
def test_what_cannot_be_loaded_is_tried_and_told_once(
    kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    it = SpeechProcess(partial(refuse, kind), "The calculator")
    with caplog.at_level(logging.ERROR):  # a slow machine is warned of how long it takes
        for _ in range(2):
            with pytest.raises(SpeechProcessError, match="no model here"):
                it.call("add", 1)
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1
    it.close()


def test_a_long_load_is_told_of_while_it_lasts(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "TELL_SECONDS", 0.2)
    it = SpeechProcess(partial(Calculator, load_seconds=1.0), "The calculator")
    with caplog.at_level(logging.WARNING):
        assert it.call("add", 1) == 1
    assert "The calculator is being loaded, for 0 s so far" in caplog.messages
    it.close()


def test_memory_is_given_back_now_and_then_where_something_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, given = ObjectHost(BytesIO()), []
    moments = iter((lambda: host.answer(1, lambda: None), lambda: None, lambda: None))

    def pass_time(seconds: float) -> None:
        next(moments)()

    monkeypatch.setattr(process, "give_memory_back", lambda: given.append("back"))
    with pytest.raises(StopIteration):
        host.tidy(math.inf, pass_time)
    assert given == ["back"]


def test_a_process_that_rests_has_waited_since_the_last_call() -> None:
    host, slept = ObjectHost(BytesIO()), list[float]()

    def pass_time(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            host.answer(1, lambda: None)

    host.tidy(3 * TIDY_SECONDS, pass_time)
    assert len(slept) == 5


def test_a_process_that_rests_is_started_anew_by_the_next_call() -> None:
    it = SpeechProcess(Calculator, "The calculator", rests_after=0.1)
    first, child = it.call("wait", 0.0), it._child
    while child is not None and child.is_running:
        time.sleep(0.05)
    assert it.call("wait", 0.0) != first
    it.close()

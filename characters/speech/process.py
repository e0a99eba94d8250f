"""A model in a process of its own: whatever it costs and wherever it breaks, the service goes on.

`SpeechProcess` is the service's end. The other, `python -m characters.speech.process`, makes one
object, then calls its methods in a thread. Calls and results are pickled, each behind its length,
over the two ends' pipes; the process ends when its standard input does.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import count
from typing import IO, Any

from characters.protocol.failures import CharactersError
from engine.core.processes import (
    NO_WINDOW,
    THRIFTY,
    give_memory_back,
    module_command,
    module_environment,
)

__all__ = ["SpeechProcess", "SpeechProcessError"]


log = logging.getLogger(__name__)

# A slow disk and a virus scanner, at the first use.
START_SECONDS = 120.0
# Far more than any sentence takes, so that one that stands still keeps nobody silent for good.
ANSWER_SECONDS = 30.0
TELL_SECONDS = 3.0  # without a word; then it is told, and again
LENGTH = struct.Struct("<I")
TIDY_SECONDS = 1.0  # after so long what was freed meanwhile is given back to the system
LOADED = 0  # the number of the first result: nobody has called yet


class SpeechProcessError(CharactersError):
    """The process could not load its model, or has ended. Retryable."""

    retryable = True


class SpeechProcess:
    """Calls the methods of an object that `make` makes in a process of its own.

    `make` is found by its name there: a function or a class of a module, or a `partial` of one.
    The process starts with the first call, and again with the next one after it has crashed, was
    ended because it did not answer, or has ended itself `rests_after` seconds without a call. Calls
    wait for their results, so they belong into threads.
    """

    def __init__(
        self, make: Callable[[], object], what: str, rests_after: float = math.inf
    ) -> None:
        self._make = make
        self._what = what
        self._rests_after = rests_after
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._numbers = count(LOADED + 1)
        self._problem = ""
        self._is_closed = False

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method and return what it returns, or raise what it raises.

        Raises SpeechProcessError where the process could not answer.
        """
        with self._lock:
            child = self._running()
            result = child.send(next(self._numbers), (method, arguments))
        if wait([result], ANSWER_SECONDS).not_done:
            child.kill()  # whoever waits behind it is told, and the next call starts another
            raise SpeechProcessError(f"{self._what} does not answer")
        return result.result()

    def start(self) -> None:
        """Start the process and wait for its model, as the first call does too.

        Raises SpeechProcessError.
        """
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the process; whoever waits for a result gets SpeechProcessError."""
        self._is_closed = True
        if self._child is not None:
            self._child.kill()

    def _running(self) -> _Child:
        if self._problem or self._is_closed:
            raise SpeechProcessError(self._problem or f"{self._what} is closed")
        if self._child is None or not self._child.is_running:
            self._child = self._start()
        return self._child

    def _start(self) -> _Child:
        child = self._child = _Child(self._what)
        try:
            if self._is_closed:  # while it was being started
                raise SpeechProcessError(f"{self._what} is closed")
            self._wait(child.send(LOADED, (self._make, self._rests_after)))
        except SpeechProcessError:
            child.kill()
            raise
        except Exception as error:
            child.kill()
            self._problem = f"{self._what} cannot be loaded: {type(error).__name__}: {error}"
            log.error("%s", self._problem)
            raise SpeechProcessError(self._problem) from error
        return child

    def _wait(self, loaded: Future[Any]) -> None:
        """Wait for the model, and tell of it while that takes long."""
        began = time.monotonic()
        while True:
            if wait([loaded], TELL_SECONDS).done:
                loaded.result()
                return
            seconds = time.monotonic() - began
            if seconds > START_SECONDS:
                raise SpeechProcessError(f"{self._what} is not loaded after {seconds:.0f} s")
            log.warning("%s is being loaded, for %.0f s so far", self._what, seconds)


class _Child:
    """One life of the process. Raises SpeechProcessError where it cannot begin."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._results: dict[int, Future[Any]] = {}
        try:
            self._process = subprocess.Popen(
                module_command(__name__),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**THRIFTY, **module_environment(sys.path)},
                creationflags=NO_WINDOW,
            )
        except OSError as error:
            raise SpeechProcessError(f"{what} cannot be started: {error}") from error
        threading.Thread(target=self._read, name="speech-results", daemon=True).start()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def send(self, number: int, what: object) -> Future[Any]:
        """Send a call; the result is that of this number. Raises SpeechProcessError."""
        assert self._process.stdin is not None
        result = self._results[number] = Future()
        try:
            write_frame(self._process.stdin, (number, what))
        except (OSError, ValueError) as error:  # ValueError: we have closed our end already
            raise SpeechProcessError(f"{self._what} has ended") from error
        return result

    def _read(self) -> None:
        """Hand out the results until the process ends."""
        process = self._process
        assert process.stdout is not None and process.stdin is not None
        while (frame := read_frame(process.stdout)) is not None:
            number, is_fine, value = frame
            result = self._results.pop(number)
            result.set_result(value) if is_fine else result.set_exception(value)
        process.wait()
        process.stdout.close()
        with suppress(OSError):
            process.stdin.close()
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        while self._results:
            _, result = self._results.popitem()
            result.set_exception(SpeechProcessError(f"{self._what} has ended"))


def write_frame(pipe: IO[bytes], value: object) -> None:
    """Write a value. Raises OSError when the other end is gone."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    pipe.write(LENGTH.pack(len(data)) + data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> Any:
    """Return the next value, None at the end."""
    try:
        head = pipe.read(LENGTH.size)
        data = pipe.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
        return pickle.loads(data) if data else None
    except (OSError, ValueError, EOFError, pickle.UnpicklingError):
        return None


class ObjectHost:
    """The process's end: makes the object, and writes what its methods return."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._has_worked = False

    def answer(self, number: int, call: Callable[[], object]) -> bool:
        """Make a call, and write how it ended; return whether well."""
        try:
            is_fine, value = True, call()
        except Exception as error:
            is_fine, value = False, _to_send(error)
        with self._lock, suppress(OSError):
            write_frame(self._output, (number, is_fine, value))
        self._has_worked = True
        return is_fine

    def tidy(self, rests_after: float, sleep: Callable[[float], object] = time.sleep) -> None:
        """Give memory back now and then, until nobody has called for `rests_after` seconds."""
        idle = 0.0
        while idle < rests_after:
            sleep(TIDY_SECONDS)
            idle += TIDY_SECONDS
            if self._has_worked:
                self._has_worked, idle = False, 0.0
                give_memory_back()

    def _tidy_and_rest(self, rests_after: float) -> None:
        self.tidy(rests_after)
        os._exit(0)

    def serve(self, calls: IO[bytes]) -> None:
        """Answer calls until their pipe ends."""
        number, (make, rests_after) = read_frame(calls)
        made: list[object] = []
        if not self.answer(number, lambda: made.append(make())):
            return
        threading.Thread(target=self._tidy_and_rest, args=(rests_after,), daemon=True).start()
        thread = ThreadPoolExecutor(1)
        while (frame := read_frame(calls)) is not None:
            number, (method, arguments) = frame
            thread.submit(self.answer, number, _bound(made[0], method, arguments))


def _bound(it: object, method: str, arguments: tuple[Any, ...]) -> Callable[[], object]:
    return lambda: getattr(it, method)(*arguments)


def _to_send(error: Exception) -> Exception:
    """Return an error that the other end can read, and for which it need not load a library."""
    try:
        pickle.loads(pickle.dumps(error))
        is_known = type(error).__module__.partition(".")[0] in ("builtins", "characters")
    except Exception:
        is_known = False
    return error if is_known else RuntimeError(f"{type(error).__name__}: {error}")


def main() -> None:
    """Serve the process that started us."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not print between the results
    ObjectHost(output).serve(sys.stdin.buffer)
    os._exit(0)  # whatever still computes, nobody waits for it


if __name__ == "__main__":
    main()

"""The speaker: every voice in one stream to a device, or in time with the clock without one.

A `Writer` thread renders and writes block by block (blocking writes: measured without a gap where a
queue of chunks had many). The supervisor of a `DeviceVoice` watches the age of the last write,
because a write into a hung sound daemon never returns; it then abandons the writer and lets the
clock consume the sound until a device is back. So `is_playing` is true to time in every case. A
`ClockVoice` has no device at all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from characters.audio.mixer import Mixer
from characters.audio.portaudio import DeviceReport, Retries, calm
from characters.audio.signal import Samples
from characters.english import ENGLISH

__all__ = ["BLOCK_SECONDS", "ClockVoice", "DeviceVoice", "Output", "OUTPUT_RATE"]

OUTPUT_RATE = 48_000
BLOCK_SECONDS = 0.01
# PulseAudio may take a first second of sound at its leisure; a loss is noticed within 2 s.
WRITE_TIMEOUT_SECONDS = 1.7
# A device may buffer a little, but one that swallows seconds at once is none (ALSA's null).
AHEAD_SECONDS = 2.0
# The first write may have to wake the sound daemon up.
FIRST_WRITE_SECONDS = 3.0
CLOSE_SECONDS = 0.3


class Output(Protocol):
    """Takes blocks at the pace of time."""

    name: str
    block_seconds: float

    def write(self, block: bytes) -> None:
        """Wait until there is room, then take the block. Raises OSError when it is gone."""

    def close(self) -> None:
        """Close the device, on the thread that writes; may hang."""


class ClockOutput:
    """Drops every block, and keeps time."""

    name = "none"
    block_seconds = 4 * BLOCK_SECONDS  # without sound a thread need not wake so often

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due = now()
        self._never = threading.Event()

    def write(self, block: bytes) -> None:
        """Wait as long as the block lasts; time that was slept away is not caught up."""
        now = self._now()
        self._due = max(self._due + self.block_seconds, now - 0.1)
        self._never.wait(max(0.0, self._due - now))

    def close(self) -> None:
        """Do nothing: there is no device."""


class Writer:
    """One thread that renders and writes to one output until it fails or is abandoned."""

    def __init__(self, mixer: Mixer, output: Output, now: Callable[[], float]) -> None:
        self.output = output
        self.failed = False
        self.last_write_at: float | None = None
        self.started_at = now()
        self._mixer = mixer
        self._now = now
        self._abandoned = False
        name = f"speaker {output.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Render nothing more: the next writer plays the rest."""
        self._abandoned = True

    def abandon(self) -> None:
        """Write nothing more; the thread closes its output itself, when its write returns.

        Closing under a write that is under way corrupts PortAudio's memory, and a write that
        hangs for good keeps its stream.
        """
        self.stop()
        self._thread.join(CLOSE_SECONDS)

    def is_late(self) -> bool:
        """Return whether a write seems to hang."""
        if self.last_write_at is None:
            return self._now() - self.started_at > FIRST_WRITE_SECONDS
        return self._now() - self.last_write_at > WRITE_TIMEOUT_SECONDS

    def _run(self) -> None:
        self._write_all()
        with suppress(Exception):  # it is gone, and whatever it raises tells nobody anything
            self.output.close()

    def _write_all(self) -> None:
        seconds, written = self.output.block_seconds, 0.0
        size = round(self._mixer.rate * seconds)
        while not self._abandoned and not self.failed:
            block = self._mixer.render(size).tobytes()
            try:
                self.output.write(block)
            except Exception:  # whatever a driver raises, it is gone
                self.failed = True
                return
            self.last_write_at = self._now()
            passed = self.last_write_at - self.started_at
            # Counted from the last second or so: a stall must not earn credit for later.
            written = max(written + seconds, passed - 1.0)
            self.failed = written - passed > AHEAD_SECONDS


class ClockVoice:
    """Plays without sound in real time: `is_playing` and `level` are as with a device.

    `problem` is the sentence for the player, when this stands in for a voice that is missing;
    `played` is called with every block of the mix, stereo at 48 kHz, on the thread that writes.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        problem: str | None = None,
        played: Callable[[Samples], object] | None = None,
    ) -> None:
        self._now = now
        self._mixer = mixer = Mixer(OUTPUT_RATE, played=played)
        self._writer: Writer | None = None
        self.problem = problem
        """One sentence when nothing can be heard, None while all is well."""
        self.play = mixer.play
        self.interrupt = mixer.interrupt
        self.duck = mixer.duck
        self.place = mixer.place
        self.set_volume = mixer.set_volume
        self.set_master = mixer.set_master
        self.set_barge_in = mixer.set_barge_in
        self.is_playing = mixer.is_playing
        self.waiting = mixer.waiting
        self.level = mixer.level

    @property
    def device(self) -> str:
        """What plays now, for the HUD."""
        return self._writer.output.name if self._writer is not None else ""

    def choose(self, device: str | None) -> None:
        """Do nothing: there is no other device."""

    def start(self) -> None:
        """Begin to play."""
        if self._writer is None:
            self._writer = Writer(self._mixer, ClockOutput(self._now), self._now)

    def close(self) -> None:
        """Stop; never waits for a device."""
        if self._writer is not None:
            self._writer.abandon()


class DeviceVoice(ClockVoice):
    """Plays on a device, and in time with the clock while there is none.

    `probe` says whether there is one; `open_output` opens it by its stable name, or the default
    one, and may take long or fail: OSError.
    """

    def __init__(
        self,
        probe: Callable[[], DeviceReport],
        open_output: Callable[[str | None], Output],
        *,
        now: Callable[[], float] = time.monotonic,
        played: Callable[[Samples], object] | None = None,
    ) -> None:
        super().__init__(now=now, played=played)
        self._wanted: str | None = None
        self._probe = probe
        self._open_output = open_output
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="speaker", daemon=True)
        self._changed = threading.Event()

    def start(self) -> None:
        """Begin to play; a device is looked for in the background."""
        super().start()
        if not self._supervisor.is_alive() and not self._stopping.is_set():
            self._supervisor.start()

    def choose(self, device: str | None) -> None:
        """Switch to another device by its stable name, or to the default one."""
        self._wanted = device
        self._changed.set()

    def close(self) -> None:
        """Stop; never waits for a device."""
        self._stopping.set()
        self._changed.set()
        super().close()

    def _supervise(self) -> None:
        retries = Retries()
        while not self._stopping.is_set():
            self._changed.clear()
            output = self._try_open()
            if output is not None:
                retries.found()
                self._swap(output)
                self._watch()
                self._swap(ClockOutput(self._now))
            if not self._stopping.is_set():
                self._changed.wait(retries.next())

    def _try_open(self) -> Output | None:
        report = self._probe()
        if report.problem is not None or not report.outputs:
            self.problem = report.problem or calm(ENGLISH("audio.no_loudspeaker"))
            return None
        try:
            output = self._open_output(self._wanted)
        except Exception:  # whatever a driver raises, it is looked for again
            self.problem = calm(ENGLISH("audio.loudspeaker_not_opened"))
            return None
        self.problem = None
        return output

    def _swap(self, output: Output) -> None:
        before = self._writer
        if before is not None:
            before.stop()
        self._writer = Writer(self._mixer, output, self._now)
        if before is not None:
            before.abandon()
        if self._stopping.is_set():
            self._writer.abandon()

    def _watch(self) -> None:
        late = 0
        writer = self._writer
        while writer is not None and late < 2 and not writer.failed:
            if self._changed.wait(0.1):
                return
            late = late + 1 if writer.is_late() else 0
        self.problem = calm(ENGLISH("audio.loudspeaker_gone"))

"""The microphone: PortAudio's capture behind the protocol of a source."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pyaudio

from characters.audio.portaudio import (
    OPEN_STREAMS,
    DeviceReport,
    Retries,
    calm,
    choose_device,
    list_devices,
    open_as_it_can,
    portaudio_calls,
    run_abandonable,
)
from characters.audio.signal import Samples, mono, open_resampler
from characters.audio.sources import (
    FRAME_SAMPLES,
    FRAME_SECONDS,
    SAMPLE_RATE,
    AudioDevice,
    FrameSink,
)
from characters.english import ENGLISH

__all__ = ["CaptureStream", "PortAudioMicrophone"]

POLL_SECONDS = 0.1
# A block is late when many are missing; twice in a row, for a process that was held up whole
# wakes with an old block before the callback had its turn.
LATE_SECONDS = 0.6
LATE_POLLS = 2
# A sound daemon that wakes up for us delivers its first block a second or two late.
FIRST_BLOCK_SECONDS = 3.0
# Real devices burst after a hiccup, but never run ahead of time for good.
AHEAD_SECONDS = 2.0
SILENT_SECONDS = 3.0
# One that runs ahead of time is not asked again at once.
FAST_SECONDS = 4.0
CLOSE_SECONDS = 0.3


class Blocks:
    """Turns a device's blocks into 20 ms frames, and keeps the figures of its health.

    `take` runs on PortAudio's thread: it allocates nothing that grows, and never waits.
    """

    def __init__(self, rate: int, sink: FrameSink, now: Callable[[], float]) -> None:
        self._sink = sink
        self._now = now
        self._rate = rate
        self._resampler = open_resampler(rate, SAMPLE_RATE)
        self._frame = np.zeros(FRAME_SAMPLES, np.int16)
        self._filled = 0
        self._taken = 0  # samples at the device's rate
        self.started_at = now()
        self.last_block_at: float | None = None
        self.last_sound_at = self.started_at
        self.fault: str | None = None

    def take(self, block: Samples) -> bool:
        """Take a block as it came; return whether more is wanted."""
        at = self._now()
        if self.last_block_at is None:
            self.started_at = at
        self.last_block_at = at
        self._taken += block.size
        if self._taken / self._rate - (at - self.started_at) > AHEAD_SECONDS:
            self.fault = "fast"
            return False
        if block.any():
            self.last_sound_at = at
        if self._resampler is not None:
            block = self._resampler.feed(block)
        self._cut(block, at)
        return True

    def _cut(self, block: Samples, at: float) -> None:
        if self._filled == 0 and block.size == FRAME_SAMPLES:
            self._sink(block, at)
            return
        while block.size:
            piece = block[: FRAME_SAMPLES - self._filled]
            self._frame[self._filled : self._filled + piece.size] = piece
            self._filled += piece.size
            block = block[piece.size :]
            if self._filled == FRAME_SAMPLES:
                self._filled = 0
                self._sink(self._frame, at - block.size / SAMPLE_RATE)


class CaptureStream:
    """One open PortAudio input stream. Opening may take long or fail: OSError."""

    def __init__(self, wanted: str | None, sink: FrameSink, now: Callable[[], float]) -> None:
        self._closed = False
        with portaudio_calls():
            self._audio = pyaudio.PyAudio()
            try:
                index, device = choose_device(self._audio, "input", wanted)
                self.device = device.name
                self._stream = self._open(index, device, sink, now)
            except BaseException:
                self._audio.terminate()
                raise
        OPEN_STREAMS.opened(self)

    def _open(
        self, index: int, device: AudioDevice, sink: FrameSink, now: Callable[[], float]
    ) -> pyaudio.Stream:
        def open_at(rate: int, channels: int) -> pyaudio.Stream:
            return self._open_at(rate, channels, index, Blocks(rate, sink, now))

        rates, channels = (SAMPLE_RATE, device.sample_rate), (1, device.inputs)
        return open_as_it_can(open_at, rates, channels)

    def _open_at(self, rate: int, channels: int, index: int, blocks: Blocks) -> pyaudio.Stream:
        self.blocks = blocks

        def callback(data: bytes, *_: object) -> tuple[None, int]:
            # An exception here would be raised in the main thread, far from its cause.
            try:
                block = np.frombuffer(data, np.int16)
                block = block if channels == 1 else mono(block.reshape(-1, channels))
                wanted = not self._closed and blocks.take(block)
            except Exception as error:
                blocks.fault = f"{type(error).__name__} in the capture callback"
                wanted = False
            return None, pyaudio.paContinue if wanted else pyaudio.paAbort

        return self._audio.open(
            rate=rate,
            channels=channels,
            format=pyaudio.paInt16,
            input=True,
            input_device_index=index,
            frames_per_buffer=round(rate * FRAME_SECONDS),
            stream_callback=callback,
        )

    def close(self) -> None:
        """Deliver nothing more, and close in the background: a hung daemon may never answer."""
        self._closed = True
        run_abandonable("close microphone", self._close, CLOSE_SECONDS)

    def _close(self) -> None:
        with portaudio_calls():
            for close in (self._stream.close, self._audio.terminate):
                with suppress(Exception):  # it is gone, whatever it raises
                    close()
        OPEN_STREAMS.closed(self)


class PortAudioMicrophone:
    """A microphone that comes back: opened, watched and reopened by a thread of its own."""

    def __init__(
        self,
        device: str | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        probe: Callable[[], DeviceReport] = list_devices,
        open_stream: Callable[..., CaptureStream] = CaptureStream,
    ) -> None:
        self._wanted = device
        self._now = now
        self._probe = probe
        self._open_stream = open_stream
        self._stopping = threading.Event()
        self._changed = threading.Event()
        self._problem: str | None = None
        self._opening_since: float | None = None
        self.device = device or ""
        self.losses = 0

    @property
    def problem(self) -> str | None:
        """One calm sentence when nothing can be heard, None while all is well."""
        since = self._opening_since
        if since is not None and self._now() - since > FIRST_BLOCK_SECONDS:
            return calm(ENGLISH("audio.hangs_again"))
        return self._problem

    def start(self, sink: FrameSink) -> None:
        """Begin to capture; returns at once."""
        self.stop()
        self._stopping = threading.Event()
        threading.Thread(
            target=self._supervise, args=(sink, self._stopping), name="microphone", daemon=True
        ).start()

    def stop(self) -> None:
        """Deliver no more frames; the device is closed in the background."""
        self._stopping.set()
        self._changed.set()

    def choose(self, device: str | None) -> None:
        """Switch to another device by its stable name, or to the default one."""
        self._wanted = device
        self._changed.set()

    def _supervise(self, sink: FrameSink, stopping: threading.Event) -> None:
        def guarded(samples: Samples, captured_at: float) -> None:
            if not stopping.is_set():
                sink(samples, captured_at)

        retries = Retries()
        while not stopping.is_set():
            self._changed.clear()
            stream = self._try_open(guarded)
            if stream is not None:
                retries.found()
                self._watch(stream, stopping)
                stream.close()
            if not stopping.is_set():
                self._changed.wait(retries.next())

    def _try_open(self, sink: FrameSink) -> CaptureStream | None:
        report = self._probe()
        if report.problem is not None or not report.inputs:
            self._problem = report.problem or calm(ENGLISH("audio.no_microphone"))
            return None
        self._opening_since = self._now()
        try:
            stream = self._open_stream(self._wanted, sink, self._now)
        except Exception as error:  # whatever a driver raises, it is looked for again
            self._problem = calm(why_not_open(error, self._wanted))
            return None
        finally:
            self._opening_since = None
        self.device = stream.device
        self._problem = None
        return stream

    def _watch(self, stream: CaptureStream, stopping: threading.Event) -> None:
        late = 0
        # A stop may come before the wait: then the event that it set is cleared already.
        while late < LATE_POLLS and not (stopping.is_set() or self._changed.wait(POLL_SECONDS)):
            late = late + 1 if self._is_late(stream.blocks) else 0
            if stream.blocks.fault is not None:
                break
            silent = self._now() - stream.blocks.last_sound_at > SILENT_SECONDS
            self._problem = calm(all_silent(stream.device)) if silent and not late else None
        if not (stopping.is_set() or self._changed.is_set()):
            self._note_loss(stream)

    def _note_loss(self, stream: CaptureStream) -> None:
        self.losses += 1
        self._problem = calm(why_lost(stream.blocks.fault, stream.device))
        if stream.blocks.fault == "fast":
            self._changed.wait(FAST_SECONDS)

    def _is_late(self, blocks: Blocks) -> bool:
        if blocks.last_block_at is None:
            return self._now() - blocks.started_at > FIRST_BLOCK_SECONDS
        return self._now() - blocks.last_block_at > LATE_SECONDS


def why_not_open(error: Exception, wanted: str | None) -> str:
    """Return what a refusal to open means for the player."""
    name = ENGLISH("audio.named", device=wanted) if wanted else ENGLISH("audio.default")
    if pyaudio.paDeviceUnavailable in error.args:
        return ENGLISH("audio.in_use", microphone=name)
    if pyaudio.paInvalidSampleRate in error.args:
        return ENGLISH("audio.no_rate", microphone=name)
    return ENGLISH("audio.not_opened", microphone=name)


def why_lost(fault: str | None, device: str) -> str:
    """Return what the end of a stream means for the player."""
    if fault == "fast":
        return ENGLISH("audio.too_fast", device=device)
    if fault is not None:
        return ENGLISH("audio.failed", device=device, fault=fault)
    return ENGLISH("audio.gone", device=device)


def all_silent(device: str) -> str:
    """Return what pure zeros mean for the player."""
    return ENGLISH("audio.silent", device=device)

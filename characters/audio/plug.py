"""Plug: the cable between a microphone and whoever listens, which a fault may pull."""

from __future__ import annotations

import threading
from weakref import WeakSet

from characters.audio.source import FrameSink, MicrophoneSource, SourceFactory

__all__ = ["UNPLUGGED", "Plug", "PluggedSource"]

UNPLUGGED = "The microphone is unplugged; it is used again as soon as it is back."


class Plug:
    """Makes the sources of a microphone, and pulls or pushes the cable of all of them.

    A factory of sources itself: put it between a device and `RuntimeBuilder.use_microphone`.
    """

    def __init__(self, make: SourceFactory) -> None:
        self._make = make
        self._is_pulled = False
        self._sources: WeakSet[PluggedSource] = WeakSet()
        self._lock = threading.Lock()  # pulled on the main thread, made on the network's

    def __call__(self) -> PluggedSource:
        """Make a source."""
        with self._lock:
            source = PluggedSource(self._make(), self._is_pulled)
            self._sources.add(source)
        return source

    @property
    def is_pulled(self) -> bool:
        """Whether the cable is out."""
        return self._is_pulled

    def pull(self) -> None:
        """Unplug it: nothing comes any more, and the source says so."""
        self._set(True)

    def push(self) -> None:
        """Plug it in: who listened hears again."""
        self._set(False)

    def _set(self, is_pulled: bool) -> None:
        with self._lock:
            self._is_pulled = is_pulled
            sources = tuple(self._sources)
        for source in sources:
            source.set_pulled(is_pulled)


class PluggedSource:
    """A source behind the plug: its own while that is in, none while it is out."""

    def __init__(self, inner: MicrophoneSource, is_pulled: bool) -> None:
        self._inner = inner
        self._is_pulled = is_pulled
        self._sink: FrameSink | None = None
        self._lock = threading.Lock()

    @property
    def device(self) -> str:
        """Name of what is heard."""
        return self._inner.device

    @property
    def problem(self) -> str | None:
        """Why nothing can be heard, None while all is well."""
        return UNPLUGGED if self._is_pulled else self._inner.problem

    def choose(self, device: str | None) -> None:
        """Switch to a device by its stable name."""
        self._inner.choose(device)

    def start(self, sink: FrameSink) -> None:
        """Begin to deliver frames, now or once the plug is in."""
        with self._lock:
            self._sink = sink
            if not self._is_pulled:
                self._inner.start(sink)

    def stop(self) -> None:
        """Deliver no more frames."""
        with self._lock:
            self._sink = None
            self._inner.stop()

    def set_pulled(self, is_pulled: bool) -> None:
        """Let go of the device as a pulled cable does, or take it again."""
        with self._lock:
            if is_pulled == self._is_pulled:
                return
            self._is_pulled = is_pulled
            if is_pulled:
                self._inner.stop()
            elif self._sink is not None:
                self._inner.start(self._sink)

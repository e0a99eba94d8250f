"""Capture: the open microphone on the network thread, from the source to clean frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from characters.audio.ring import Frame, FrameRing
from characters.audio.source import MicrophoneSource, SourceFactory
from characters.core.levels import Samples

__all__ = ["Capture", "EchoFilter"]


class EchoFilter(Protocol):
    """Takes what the loudspeakers play out of what the microphone hears."""

    @property
    def is_settled(self) -> bool:
        """Whether it knows the room well enough for what is left to be no echo."""
        ...

    def clean(self, samples: Samples) -> Samples:
        """Return a frame without the echo in it."""
        ...


class Capture:
    """Opens, switches and closes the source, and hands on what it heard."""

    def __init__(
        self,
        source_factory: SourceFactory,
        wake: Callable[[], None],
        echo: EchoFilter | None = None,
    ) -> None:
        self._source_factory = source_factory
        self._echo = echo
        self._ring = FrameRing(wake=wake)
        self._source: MicrophoneSource | None = None
        self._device: str | None = None
        self.cancels_echo = False

    @property
    def is_open(self) -> bool:
        """Whether a source is open."""
        return self._source is not None

    @property
    def has_echo_filter(self) -> bool:
        """Whether echo can be cancelled on this machine."""
        return self._echo is not None

    @property
    def is_free_of_echo(self) -> bool:
        """Whether what is heard is surely none of what the loudspeakers play."""
        return self._echo is not None and self.cancels_echo and self._echo.is_settled

    @property
    def problem(self) -> str | None:
        """One calm sentence when nothing can be heard."""
        return None if self._source is None else self._source.problem

    @property
    def device(self) -> str:
        """What is heard."""
        return "" if self._source is None else self._source.device

    @property
    def overruns(self) -> int:
        """How many frames came faster than they were taken."""
        return self._ring.overruns

    def tend(self, device: str | None, *, wanted: bool) -> None:
        """Open or close the source, or let it follow the player's choice of device."""
        if not wanted:
            self.close()
        elif self._source is None:
            self._ring.clear()
            self._source = self._source_factory()
            if device is not None:
                self._source.choose(device)
            self._source.start(self._ring.put)
        elif device != self._device:
            self._source.choose(device)
        self._device = device

    def frames(self) -> Iterator[Frame]:
        """Yield what was heard since the last time."""
        while (frame := self._ring.get()) is not None:
            if self._echo is not None and self.cancels_echo:
                frame = frame._replace(samples=self._echo.clean(frame.samples))
            yield frame

    def close(self) -> None:
        """Let go of the source; what it delivered and nobody took is forgotten."""
        if self._source is not None:
            self._source.stop()
            self._source = None
        self._ring.clear()

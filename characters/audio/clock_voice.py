"""ClockVoice: plays to nobody, in time; for headless runs, and what a real voice falls back to."""

from __future__ import annotations

import time
from collections.abc import Callable

from characters.audio.mixer import Mixer
from characters.audio.outputs import OUTPUT_RATE, ClockOutput, Writer
from characters.core.levels import Samples

__all__ = ["ClockVoice"]


class ClockVoice:
    """Plays to nobody in real time, so that who speaks, and for how long, is true all the same.

    `problem` is the sentence for the player, when this stands in for a voice that is missing;
    `played` is handed every block of the mix, stereo at 48 kHz, on the thread that writes.
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
        self._problem = problem
        self.play = mixer.play
        self.interrupt = mixer.interrupt
        self.duck = mixer.duck
        self.place = mixer.place
        self.set_volume = mixer.set_volume
        self.set_barge_in = mixer.set_barge_in
        self.is_playing = mixer.is_playing
        self.level = mixer.level

    @property
    def problem(self) -> str | None:
        """One sentence when nothing can be heard, None while all is well."""
        return self._problem

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

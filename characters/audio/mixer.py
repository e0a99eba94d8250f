"""The mix of the characters' voices, block by block: place, ducking, fades, jitter, underruns.

`Voice` is the protocol of what plays them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from characters.audio.signal import (
    Floats,
    Limiter,
    Samples,
    StreamResampler,
    decibels,
    equal_power,
    meter,
    mix_down,
    open_resampler,
    ramp,
)
from characters.protocol.turn_settings import BargeIn

__all__ = ["Mixer", "Voice"]

JITTER_SECONDS = 0.06
# A burst that is shorter than the jitter buffer is still to be heard, after this wait.
PATIENCE_SECONDS = 0.1
CONCEAL_SECONDS = 0.02
# A step of this size is not heard as a click.
QUIET = 100.0
# Enough for the longest answer; more than that is a runaway sender, and costs memory.
LONGEST_SECONDS = 120.0
MAX_FOLLOWING = 1_000


class Track:
    """One character's voice on its way out; used under the mixer's lock."""

    def __init__(self, rate: int, barge_in: BargeIn) -> None:
        self._rate = rate
        self.barge_in = barge_in
        self._blocks: deque[Floats] = deque()
        self._following: deque[tuple[Samples, int]] = deque(maxlen=MAX_FOLLOWING)
        self._resampler: StreamResampler | None = None
        self._rate_in = rate
        self._queued = self._waited = 0
        self._flowing = self._fading = self.ducked = False
        self._fade = self._duck = 1.0
        self._gains = (0.0, 0.0)
        self._last = 0.0
        self.place = (1.0, 0.0)  # gain and pan; one store, so that setting it needs no lock
        self.volume = 1.0
        self.level = 0.0
        self.underruns = 0
        self.dropped = 0

    @property
    def is_playing(self) -> bool:
        return self._queued > 0 or bool(self._following)

    @property
    def waiting_seconds(self) -> float:
        following = sum(samples.size / rate for samples, rate in tuple(self._following))
        return self._queued / self._rate + following

    def queue(self, samples: Samples, rate: int) -> None:
        if self._fading:
            # The next words wait until those that were cut off have faded.
            self._following.append((samples, rate))
            return
        if rate != self._rate_in:
            self._rate_in, self._resampler = rate, open_resampler(rate, self._rate)
        if self._resampler is not None:
            samples = self._resampler.feed(samples)
        if self._queued + samples.size > LONGEST_SECONDS * self._rate:
            self.dropped += samples.size
            return
        self._blocks.append(samples.astype(np.float32))
        self._queued += samples.size
        self._waited = 0

    def interrupt(self) -> None:
        self._following.clear()
        if self._flowing and self._queued:
            self._fading = True
        else:
            self._stop()

    def _stop(self) -> None:
        self._blocks.clear()
        self._queued = 0
        self._last = 0.0
        self._flowing = self._fading = False
        self._fade = 1.0
        # A new response is a new signal: what the resampler remembers would click.
        self._resampler, self._rate_in = None, self._rate

    def render(self, size: int) -> Floats | None:
        """Return the next stereo block, None for silence."""
        mono = self._take(size)
        if mono is None:
            self.rest()
            return None
        self.level = meter(decibels(mono.astype(np.int16)))
        mono = mono * self._envelope(size)
        gain, pan = self.place
        gains = equal_power(gain * self.volume, pan)
        # Two gains that start from nothing need no ramp: there was no sound to click.
        before = self._gains if self._gains != (0.0, 0.0) else gains
        stereo = np.empty((size, 2), np.float32)
        for side in (0, 1):
            stereo[:, side] = mono * ramp(before[side], gains[side], size)
        self._gains = gains
        return stereo

    def rest(self) -> None:
        """Be silent: ducking or restoring takes no time now."""
        self.level = 0.0
        self._duck = self.duck_target

    @property
    def duck_target(self) -> float:
        return self.barge_in.duck_gain if self.ducked else 1.0

    def _take(self, size: int) -> Floats | None:
        if not self._flowing and not self._may_flow(size):
            return None
        self._flowing = True
        block = np.zeros(size, np.float32)
        filled = self._fill(block, 0)
        if filled < size and self._conceal(block, filled):
            filled = self._fill(block, filled)
        if filled < size:
            self._flowing = False
            self._waited = 0
        self._last = float(block[-1])
        return block

    def _fill(self, block: Floats, filled: int) -> int:
        """Move what is queued into a block from `filled` on; return how far it is filled then."""
        began = filled
        while filled < block.size and self._blocks:
            head = self._blocks[0]
            piece = head[: block.size - filled]
            block[filled : filled + piece.size] = piece
            filled += piece.size
            if piece.size == head.size:
                self._blocks.popleft()
            else:
                self._blocks[0] = head[piece.size :]
        self._queued -= filled - began
        return filled

    def _may_flow(self, size: int) -> bool:
        if not self._queued:
            return False
        self._waited += size
        enough = self._queued >= JITTER_SECONDS * self._rate
        return enough or self._waited >= PATIENCE_SECONDS * self._rate

    def _conceal(self, block: Floats, filled: int) -> bool:
        """Queue a tail in which the last sample dies away; return False when it has already."""
        last = float(block[filled - 1]) if filled else self._last
        if abs(last) < QUIET:
            return False
        size = round(CONCEAL_SECONDS * self._rate)
        self._blocks.append(np.float32(last) * np.exp(-6.0 * ramp(0.0, 1.0, size)))
        self._queued += size
        self.underruns += 1
        return True

    def _envelope(self, size: int) -> Floats:
        seconds = size / self._rate
        target = self.duck_target
        depth = 1.0 - self.barge_in.duck_gain
        down, up = self.barge_in.duck_seconds, self.barge_in.restore_seconds
        duck = max(target, self._duck - depth * seconds / down)
        if target > self._duck:
            duck = min(target, self._duck + depth * seconds / up)
        fade = self._fade
        if self._fading:
            fade = max(0.0, self._fade - seconds / self.barge_in.fade_out_seconds)
        envelope = ramp(self._duck * self._fade, duck * fade, size)
        self._duck, self._fade = duck, fade
        # What was cut off so late that it ran dry while it faded is over too.
        if self._fading and (fade == 0.0 or not self._flowing):
            self._stop()
            while self._following:
                # Taken out last: meanwhile `is_playing` must not become false.
                self.queue(*self._following[0])
                self._following.popleft()
        return envelope


class Mixer:
    """All voices in one stereo stream at one rate; any thread may call, none waits for long.

    `played` is called with each block that was rendered, on the thread that renders.
    """

    def __init__(self, rate: int, *, played: Callable[[Samples], object] | None = None) -> None:
        self.rate = rate
        self._barge_in = BargeIn()
        self._played = played
        self._lock = threading.Lock()
        self._tracks: dict[str, Track] = {}
        self._sounding: dict[str, Track] = {}  # of a level of a thousand a few
        self._silence = np.zeros((0, 2), np.int16)
        self._limiter = Limiter()
        self._master = self._master_now = 1.0

    def play(self, key: str, pcm: bytes, sample_rate: int) -> None:
        """Queue 16-bit little-endian mono of a character."""
        samples = np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)
        with self._lock:
            track = self._track(key)
            if key not in self._sounding:
                track.rest()
                self._sounding[key] = track
            track.queue(samples, sample_rate)

    def interrupt(self, key: str) -> None:
        """Fade a character out and drop what is queued."""
        with self._lock:
            track = self._tracks.get(key)
            if track is not None:
                track.interrupt()

    def duck(self, key: str, ducked: bool) -> None:
        """Lower a character, or restore it."""
        with self._lock:
            self._track(key).ducked = ducked

    def place(self, key: str, gain: float, pan: float) -> None:
        """Set loudness 0..1 and direction -1..1."""
        # Called in each frame for every character near: it must not wait for a block being mixed.
        track = self._tracks.get(key)
        if track is None:
            with self._lock:
                track = self._track(key)
        track.place = (gain, pan)

    def set_volume(self, key: str, volume: float) -> None:
        """Set the player's own volume 0..1."""
        with self._lock:
            self._track(key).volume = volume

    def set_master(self, volume: float) -> None:
        """Set the player's volume 0..1 for all voices together."""
        self._master = volume

    def set_barge_in(self, barge_in: BargeIn) -> None:
        """Set how all characters are ducked and faded from now on."""
        with self._lock:
            self._barge_in = barge_in
            for track in self._tracks.values():
                track.barge_in = barge_in

    def is_playing(self, key: str) -> bool:
        """Return whether anything of this character is still to be heard."""
        track = self._tracks.get(key)
        return track is not None and track.is_playing

    def waiting(self, key: str) -> float:
        """Return how many seconds of a character's voice are still to be heard."""
        track = self._tracks.get(key)
        return 0.0 if track is None else track.waiting_seconds

    def level(self, key: str) -> float:
        """Return how loud a character is now, 0..1."""
        track = self._tracks.get(key)
        return 0.0 if track is None else track.level

    def underruns(self, key: str) -> int:
        """Return how often a character's voice ran dry, the ends of its answers included."""
        track = self._tracks.get(key)
        return 0 if track is None else track.underruns

    def render(self, size: int) -> Samples:
        """Return the next `size` stereo frames, shape (size, 2)."""
        with self._lock:
            mixed = self._mix(size)
        if self._played is not None:
            self._played(mixed)
        return mixed

    def _mix(self, size: int) -> Samples:
        if not self._sounding and self._limiter.gain == 1.0:
            return self._rest(size)
        mix = np.zeros((size, 2), np.float32)
        for key, track in tuple(self._sounding.items()):
            block = track.render(size)
            if block is not None:
                mix += block
            elif not track.is_playing:
                del self._sounding[key]
        if (self._master_now, self._master) != (1.0, 1.0):
            before, self._master_now = self._master_now, self._master
            mix *= ramp(before, self._master_now, size)[:, None]
        mixed, self._limiter = mix_down(mix, self._limiter, size / self.rate)
        return mixed

    def _rest(self, size: int) -> Samples:
        if len(self._silence) != size:
            self._silence = np.zeros((size, 2), np.int16)
            self._silence.flags.writeable = False
        return self._silence

    def _track(self, key: str) -> Track:
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track(self.rate, self._barge_in)
        return track


class Voice(Protocol):
    """Plays every character's voice in one mix; safe to call from any thread, never waits."""

    @property
    def device(self) -> str:
        """What plays now, for the HUD."""

    @property
    def problem(self) -> str | None:
        """One sentence when nothing can be heard, None while all is well."""

    def start(self) -> None:
        """Begin to play; returns at once."""

    def play(self, key: str, pcm: bytes, sample_rate: int) -> None:
        """Queue more of a character's voice, 16-bit little-endian mono."""

    def interrupt(self, key: str) -> None:
        """Fade a character out within `fade_out_seconds` and drop what is queued."""

    def duck(self, key: str, ducked: bool) -> None:
        """Lower a character while the player may be speaking, or restore it."""

    def place(self, key: str, gain: float, pan: float) -> None:
        """Set loudness 0..1 and direction -1 (left) .. 1 (right)."""

    def set_volume(self, key: str, volume: float) -> None:
        """Set the player's own volume 0..1 for a character; 0 mutes it."""

    def set_master(self, volume: float) -> None:
        """Set the player's volume 0..1 for all voices together, on top of their own."""

    def set_barge_in(self, barge_in: BargeIn) -> None:
        """Set how far and how fast a character is ducked, and how fast it fades."""

    def choose(self, device: str | None) -> None:
        """Switch to a device by its stable name, None for the default; others ignore it."""

    def is_playing(self, key: str) -> bool:
        """Return whether anything of this character is still to be heard."""

    def waiting(self, key: str) -> float:
        """Return how many seconds of a character's voice are still to be heard."""

    def level(self, key: str) -> float:
        """Return how loud a character is now, 0..1, before place and volume."""

    def close(self) -> None:
        """Stop; never waits for a device."""

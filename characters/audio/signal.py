r"""Sound as numbers: loudness, the speech gate, gains, the mix, resampling; and the talk key.

Push-to-talk says when the microphone is open around a key, and when a turn is forced to end:

    CLOSED --press--> HELD --release--> TAIL --no words in time--> FORCED --window over--> CLOSED
                                         \--transcript--> ANSWERING --answer or timeout--> CLOSED

The microphone is open in HELD and TAIL. A press is refused in FORCED and ANSWERING while the
turn before is not done, and taken back to HELD in TAIL.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum, auto
from fractions import Fraction
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from characters.protocol.turn_settings import PushToTalkOptions, TurnSettings

__all__ = [
    "decibels", "equal_power", "Floats", "Limiter", "meter", "mix_down", "mono", "open_resampler",
    "PushToTalk", "ramp", "resample", "Samples", "SpeechGate", "StereoFitter", "StreamResampler",
    "TalkCommand", "TalkEvent", "TalkPhase",
]  # fmt: skip

Samples: TypeAlias = NDArray[np.int16]
Floats: TypeAlias = NDArray[np.float32]

FULL_SCALE = 32_767.0
SILENCE_DB = -100.0
# The wire's `min_volume` counts loudness from -20 to 80 dB over one step of a sample.
VOLUME_OFFSET_DB = 20.0 + 20.0 * math.log10(FULL_SCALE)
METER_FLOOR_DB = -60.0
# Peaks are kept a little below full scale, so that a device's own filter does not overshoot.
CEILING = 0.97 * FULL_SCALE


def decibels(samples: Samples) -> float:
    """Return the loudness of a block in dB of full scale, -100 for silence."""
    if not samples.size:
        return SILENCE_DB
    floats = samples.astype(np.float32)
    power = float(np.dot(floats, floats)) / samples.size
    if power < 1e-1:
        return SILENCE_DB
    return 10.0 * math.log10(power / (FULL_SCALE * FULL_SCALE))


def volume(db: float) -> float:
    """Turn dB of full scale into the 0..1 of `vad_params.min_volume` (0.6 is about -50 dB)."""
    return min(1.0, max(0.0, (db + VOLUME_OFFSET_DB) / 100.0))


def meter(db: float) -> float:
    """Turn dB of full scale into the 0..1 of a level meter (-60 dB and below is 0)."""
    return min(1.0, max(0.0, 1.0 - db / METER_FLOOR_DB))


@dataclass(frozen=True, slots=True)
class SpeechGate:
    """Guesses from loudness alone whether the player speaks; the service knows better.

    It opens after `attack_seconds` clearly above the noise it has learnt, and closes after
    `release_seconds` below it.
    """

    attack_seconds: float = 0.06
    release_seconds: float = 0.3
    margin_db: float = 9.0
    minimum_volume: float = 0.6
    noise_db: float = -60.0
    is_open: bool = False
    against: float = 0.0  # seconds of evidence against the present answer

    def hear(self, db: float, seconds: float) -> SpeechGate:
        """Return the gate after a block of that loudness and length."""
        loud = db > self.noise_db + self.margin_db and volume(db) >= self.minimum_volume
        # Noise is learnt fast downwards and slowly upwards: a sentence must not become the noise.
        rate = seconds / (0.5 if db < self.noise_db else 8.0)
        noise = max(-90.0, self.noise_db + min(1.0, rate) * (db - self.noise_db))
        against = self.against + seconds if loud != self.is_open else 0.0
        needed = self.release_seconds if self.is_open else self.attack_seconds
        turns = against >= needed - 1e-9
        # Written out, because `replace` costs more than all the rest, 50 times a second.
        return SpeechGate(
            self.attack_seconds,
            self.release_seconds,
            self.margin_db,
            self.minimum_volume,
            noise,
            self.is_open != turns,
            0.0 if turns else against,
        )


def equal_power(gain: float, pan: float) -> tuple[float, float]:
    """Return left and right gains for a pan of -1 (left) to 1 (right), equally loud throughout."""
    angle = (min(1.0, max(-1.0, pan)) + 1.0) * math.pi / 4.0
    return gain * math.cos(angle), gain * math.sin(angle)


def ramp(start: float, stop: float, size: int) -> Floats:
    """Return `size` gains from after `start` to `stop` inclusive, so that blocks join smoothly."""
    steps = np.arange(1, size + 1, dtype=np.float32) / np.float32(max(1, size))
    return np.float32(start) + steps * np.float32(stop - start)


@dataclass(frozen=True, slots=True)
class Limiter:
    """Keeps a mix below full scale: turns down at once, back up over `release_seconds`."""

    release_seconds: float = 0.2
    gain: float = 1.0

    def next_gain(self, peak: float, seconds: float) -> float:
        """Return the gain for the next block, from its peak and length."""
        wanted = min(1.0, CEILING / peak) if peak > 0.0 else 1.0
        return min(wanted, self.gain + seconds / self.release_seconds)


def mix_down(mix: Floats, limiter: Limiter, seconds: float) -> tuple[Samples, Limiter]:
    """Turn a summed block (in sample steps) into int16 without wrapping or harsh clipping."""
    peak = float(np.max(np.abs(mix))) if mix.size else 0.0
    gain = limiter.next_gain(peak, seconds)
    if gain != 1.0 or limiter.gain != 1.0:
        gains = ramp(limiter.gain, gain, mix.shape[0])
        mix = mix * (gains[:, None] if mix.ndim == 2 else gains)
    return _to_samples(mix), replace(limiter, gain=gain)


def _to_samples(floats: Floats) -> Samples:
    clipped = np.clip(floats, -FULL_SCALE - 1.0, FULL_SCALE)
    return np.rint(clipped).astype(np.int16)


# Zero crossings on each side: stop band below -60 dB, and a delay of under a millisecond.
CROSSINGS = 16
ROLL_OFF = 0.92
KAISER_BETA = 7.0
# Between two odd rates there is a filter for each of thousands of places; a ratio of smaller
# numbers is within a hundred-thousandth of it.
MOST_STEPS = 16_384
PIECE = 4_096  # samples at a time: each takes its taps' worth of memory


class Resampler:
    """Resamples a stream chunk by chunk as if it were whole; one object per stream."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if rate_in <= 0 or rate_out <= 0:
            raise ValueError(f"sample rates are positive numbers (got {rate_in}, {rate_out})")
        ratio = Fraction(rate_out, rate_in).limit_denominator(MOST_STEPS)
        self._up, self._down = ratio.numerator, ratio.denominator
        self._bank = filter_bank(self._up, self._down)
        self._taps = self._bank.shape[1]
        self._offsets = np.arange(self._taps)
        self._past = np.zeros(self._taps // 2 - 1, np.float32)
        self._phase = 0  # position of the next output, in 1/up of an input sample

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples; return those that are ready at the other rate."""
        starts = range(0, max(1, samples.size), PIECE)
        return np.concatenate([self._take(samples[start : start + PIECE]) for start in starts])

    def _take(self, samples: Samples) -> Samples:
        signal = np.concatenate((self._past, samples.astype(np.float32)))
        usable = (signal.size - self._taps + 1) * self._up - self._phase
        count = max(0, -(-usable // self._down))
        positions = self._phase + np.arange(count, dtype=np.int64) * self._down
        whole, phase = np.divmod(positions, self._up)
        windows = signal[whole[:, None] + self._offsets]
        result = np.einsum("ij,ij->i", windows, self._bank[phase])
        following = self._phase + count * self._down
        used = min(following // self._up, signal.size)
        self._past = signal[used:]
        self._phase = following - used * self._up
        return _to_samples(result)

    def flush(self) -> Samples:
        """Return what is still inside at the end of the stream."""
        return self.feed(np.zeros(self._taps // 2, np.int16))


def filter_bank(up: int, down: int) -> Floats:
    """Return one windowed-sinc filter for each of the `up` positions between two samples."""
    cutoff = ROLL_OFF * min(1.0, up / down)
    half = math.ceil(CROSSINGS / cutoff)
    offsets = np.arange(-half + 1, half + 1)
    distance = offsets[None, :] - (np.arange(up) / up)[:, None]
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1.0 - (distance / half) ** 2, 0.0, None)))
    bank = np.sinc(cutoff * distance) * window
    bank /= bank.sum(axis=1, keepdims=True)
    filters: Floats = bank.astype(np.float32)
    return filters


def resample(samples: Samples, rate_in: int, rate_out: int) -> Samples:
    """Resample a whole recording."""
    if rate_in == rate_out:
        return samples
    resampler = Resampler(rate_in, rate_out)
    return np.concatenate((resampler.feed(samples), resampler.flush()))


class StreamResampler(Protocol):
    """Resamples a stream chunk by chunk."""

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples; return those that are ready at the other rate."""


class SoxrResampler:
    """The soxr library (an extra): about twenty times faster than ours."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="int16", quality="HQ")

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples; return those that are ready at the other rate."""
        return np.asarray(self._stream.resample_chunk(samples), np.int16)


def open_resampler(rate_in: int, rate_out: int) -> StreamResampler | None:
    """Return a resampler for one stream, None when the rates agree."""
    if rate_in == rate_out:
        return None
    try:
        return SoxrResampler(rate_in, rate_out)
    except ImportError:
        return Resampler(rate_in, rate_out)


class StereoFitter:
    """Makes a stereo stream fit a loudspeaker of any rate and number of channels."""

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        self._sides = [open_resampler(rate_in, rate_out) for _ in range(2)]
        self._channels = channels

    def feed(self, stereo: Samples) -> Samples:
        """Take the next frames, [n, 2]; return those that are ready, [m, channels]."""
        sides = [
            side if stream is None else stream.feed(np.ascontiguousarray(side))
            for side, stream in zip(stereo.T, self._sides, strict=True)
        ]
        if self._channels == 1:
            return ((sides[0].astype(np.int32) + sides[1]) // 2).astype(np.int16)[:, None]
        fitted = np.zeros((sides[0].size, self._channels), np.int16)
        fitted[:, 0], fitted[:, 1] = sides
        return fitted


def mono(frames: Samples) -> Samples:
    """Return frames, [n, channels], as one channel, as loud as they are on average."""
    mixed: Samples = frames.mean(axis=1).astype(np.int16)
    return mixed


class TalkPhase(Enum):
    """Where a push-to-talk turn is."""

    CLOSED = auto()
    HELD = auto()
    TAIL = auto()
    FORCED = auto()
    ANSWERING = auto()


class TalkEvent(Enum):
    """What happens to a push-to-talk turn."""

    PRESSED = auto()
    RELEASED = auto()
    TRANSCRIBED = auto()
    ANSWERED = auto()  # the character began to speak, or its turn was completed
    TICK = auto()


class TalkCommand(Enum):
    """What a push-to-talk turn asks for."""

    FORCE_USER_STOPPED_SPEAKING = auto()
    INTERRUPT_BOT = auto()


@dataclass(frozen=True, slots=True)
class PushToTalk:
    """One key's turn; `advance` it with events and with ticks."""

    options: PushToTalkOptions = TurnSettings.DEFAULT.push_to_talk
    phase: TalkPhase = TalkPhase.CLOSED
    deadline: float = 0.0

    @classmethod
    def begin(cls, options: PushToTalkOptions) -> PushToTalk:
        """Return the state before the first press."""
        return cls(options, TalkPhase.CLOSED if options.start_muted else TalkPhase.HELD)

    def under(self, options: PushToTalkOptions) -> PushToTalk:
        """Return the state under other options."""
        before = self.options
        if (options.start_muted, options.startup) != (before.start_muted, before.startup):
            return PushToTalk.begin(options)
        # A key that is no longer held, or no longer toggles, must not leave it open.
        is_released = self.phase is TalkPhase.HELD and options.toggle != before.toggle
        return replace(self, options=options, phase=TalkPhase.CLOSED if is_released else self.phase)

    @property
    def is_open(self) -> bool:
        """Whether the microphone is open."""
        return self.phase in (TalkPhase.HELD, TalkPhase.TAIL)

    def advance(self, event: TalkEvent, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        """Return the turn after an event, and what to do; impossible events change nothing."""
        match event, self.phase:
            case TalkEvent.PRESSED, _:
                return self._press()
            case TalkEvent.RELEASED, TalkPhase.HELD:
                return self._release(now)
            case TalkEvent.TRANSCRIBED, TalkPhase.TAIL | TalkPhase.FORCED:
                deadline = now + self.options.turn_completion_timeout_ms / 1000.0
                return replace(self, phase=TalkPhase.ANSWERING, deadline=deadline), ()
            case TalkEvent.ANSWERED, TalkPhase.ANSWERING | TalkPhase.FORCED | TalkPhase.TAIL:
                return replace(self, phase=TalkPhase.CLOSED), ()
            case TalkEvent.TICK, _ if now >= self.deadline:
                return self._expire(now)
        return self, ()

    def _press(self) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        waiting = self.phase in (TalkPhase.FORCED, TalkPhase.ANSWERING)
        if waiting and self.options.require_turn_completion_before_next_press:
            return self, ()
        held = replace(self, phase=TalkPhase.HELD)
        # Within the tail the same turn goes on: there is nothing to interrupt yet.
        fresh = self.phase not in (TalkPhase.HELD, TalkPhase.TAIL)
        interrupts = fresh and self.options.interrupt_bot_on_press
        return held, (TalkCommand.INTERRUPT_BOT,) if interrupts else ()

    def _release(self, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        tail = self.options.release_tail_ms / 1000.0
        tailing = replace(self, phase=TalkPhase.TAIL, deadline=now + tail)
        return (tailing, ()) if tail else self._force(now)

    def _force(self, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        # With no tail the second window is a second: the service still needs a moment.
        window = self.options.release_tail_ms / 1000.0 or 1.0
        forced = replace(self, phase=TalkPhase.FORCED, deadline=now + window)
        return forced, (TalkCommand.FORCE_USER_STOPPED_SPEAKING,)

    def _expire(self, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        if self.phase is TalkPhase.TAIL:
            return self._force(now)
        if self.phase in (TalkPhase.FORCED, TalkPhase.ANSWERING):
            return replace(self, phase=TalkPhase.CLOSED), ()
        return self, ()

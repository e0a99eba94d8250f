"""From phonemes, or from sound alone, to mouths: 15 weights for each slice of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from characters.core.levels import Samples, decibels, meter
from characters.core.messages import VISEMES

__all__ = ["OPEN_LEVEL", "Mouth", "mouths", "weights", "weights_at", "weights_of_sound"]

# Longest spelling first; what begins a phoneme's name decides its mouth.
SHAPES: tuple[tuple[str, str], ...] = (
    ("tS", "ch"), ("dZ", "ch"), ("aI", "aa"), ("aU", "aa"), ("OI", "oh"), ("oU", "oh"),
    ("eI", "e"), ("3:", "rr"), ("e@", "e"), ("i@", "ih"), ("U@", "ou"), ("p", "pp"),
    ("b", "pp"), ("m", "pp"), ("f", "ff"), ("v", "ff"), ("T", "th"), ("D", "th"), ("t", "dd"),
    ("d", "dd"), ("k", "kk"), ("g", "kk"), ("h", "kk"), ("S", "ch"), ("Z", "ch"), ("s", "ss"),
    ("z", "ss"), ("n", "nn"), ("N", "nn"), ("l", "nn"), ("r", "rr"), ("3", "rr"), ("j", "ih"),
    ("w", "ou"), ("a", "aa"), ("A", "aa"), ("V", "aa"), ("@", "e"), ("e", "e"), ("E", "e"),
    ("i", "ih"), ("I", "ih"), ("o", "oh"), ("O", "oh", ), ("0", "oh"), ("u", "ou"), ("U", "ou"),
)  # fmt: skip
# A voice at this meter level has its mouth wide open.
OPEN_LEVEL = 0.85
# Up to which centre of its spectrum a sound looks like which mouth: dark vowels are round, bright
# ones wide, and what hisses lies above all vowels.
CENTRES = ((350.0, "ou"), (600.0, "oh"), (1000.0, "aa"), (1500.0, "e"), (2500.0, "ih"))
VOWELS = frozenset(("aa", "e", "ih", "oh", "ou", "rr"))
STRESS = re.compile(r"[',%=_|]")


@dataclass(frozen=True, slots=True)
class Mouth:
    """One shape of the mouth and its share of the time."""

    shape: str
    share: float


def mouths(phonemes: str) -> tuple[Mouth, ...]:
    """Read `espeak-ng -x --sep=_` output: phonemes by `_`, words by blanks, clauses by lines."""
    shapes: list[Mouth] = []
    for line in phonemes.splitlines():
        for name in re.split(r"[_ ]+", line.strip()):
            shape = shape_of(STRESS.sub("", name))
            if shape is not None:
                long = shape in VOWELS or name.endswith(":")
                shapes.append(Mouth(shape, 1.6 if long else 1.0))
        shapes.append(Mouth("sil", 2.0))
    return tuple(shapes[:-1])


def shape_of(phoneme: str) -> str | None:
    """Return the mouth of a phoneme, None for one that has none."""
    return next((shape for start, shape in SHAPES if phoneme.startswith(start)), None)


def weights_at(shapes: Sequence[Mouth], position: float, openness: float) -> tuple[float, ...]:
    """Return the 15 weights at a position 0..1 of the sound, as open as it is loud (0..1)."""
    if not shapes:
        return weights("aa" if openness > 0.1 else "sil", openness)
    at = position * sum(mouth.share for mouth in shapes)
    for mouth in shapes:
        at -= mouth.share
        if at < 0.0:
            return weights(mouth.shape, openness)
    return weights(shapes[-1].shape, openness)


def weights(shape: str, openness: float) -> tuple[float, ...]:
    """Return one shape as open as given, the rest of it closed."""
    openness = min(1.0, max(0.0, openness))
    if shape == "sil":
        openness = 0.0
    values = dict.fromkeys(VISEMES, 0.0)
    values[shape] = openness
    values["sil"] = 1.0 - openness
    return tuple(round(value, 3) for value in values.values())


def weights_of_sound(samples: Samples, rate: int) -> tuple[float, ...]:
    """Return the 15 weights of a voice whose phonemes nobody tells: by loudness and brightness."""
    openness = meter(decibels(samples)) / OPEN_LEVEL
    if openness < 0.1:
        return weights("sil", 0.0)
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    hertz = np.fft.rfftfreq(samples.size, 1.0 / rate)
    centre = float((power * hertz).sum() / max(1.0, float(power.sum())))
    shape = next((shape for limit, shape in CENTRES if centre < limit), "ss")
    return weights(shape, openness)

"""From espeak-ng's phoneme names to mouths: 15 weights for each slice of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from characters.core.messages import VISEMES

__all__ = ["Mouth", "mouths", "weights_at"]

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

"""Which character hears the player: by facing, distance or hand, without flicker at the borders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Candidate", "choose", "score", "Target", "TargetingMode", "TargetingOptions"]


class TargetingMode(StrEnum):
    """What decides which character hears the player."""

    FACING = "facing"
    DISTANCE = "distance"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class TargetingOptions:
    """How a target is found; distances in the scene's units."""

    mode: TargetingMode = TargetingMode.FACING
    reach: float = 160.0
    # The share by which a new one must be better: two characters side by side must not flicker.
    switch_margin: float = 0.15
    switch_delay_seconds: float = 0.2
    # Within this angle of the way the player looks, a character is fully faced.
    cone_degrees: float = 60.0


class Candidate(NamedTuple):
    """A character that could hear the player, seen from the player."""

    key: str
    offset: tuple[float, float]  # character minus player


@dataclass(frozen=True, slots=True)
class Target:
    """Which character hears the player now, and which may be next."""

    key: str | None = None
    chosen_by_hand: bool = False
    rival: str | None = None
    rival_since: float = 0.0

    def talk_to(self, key: str) -> Target:
        """Choose by hand; holds until another is chosen or `release` is called."""
        return Target(key, chosen_by_hand=True)

    def release(self) -> Target:
        """Let facing and distance decide again; the target stays until another is better."""
        return replace(self, chosen_by_hand=False, rival=None)


def score(candidate: Candidate, facing: tuple[float, float], options: TargetingOptions) -> float:
    """Return how well a candidate fits as the target, 0 (out of reach) to 1."""
    distance = math.hypot(*candidate.offset)
    if distance > options.reach:
        return 0.0
    nearness = 1.0 - distance / options.reach * 0.999
    if options.mode is TargetingMode.DISTANCE or facing == (0.0, 0.0) or distance == 0.0:
        return nearness
    return nearness * faced(candidate.offset, facing, options.cone_degrees)


def faced(offset: tuple[float, float], facing: tuple[float, float], cone: float) -> float:
    """Return 1 inside the cone, falling to 0.2 behind: turning away never ends the hearing."""
    cosine = (offset[0] * facing[0] + offset[1] * facing[1]) / (
        math.hypot(*offset) * math.hypot(*facing)
    )
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    outside = max(0.0, angle - cone) / (180.0 - cone)
    return 1.0 - 0.8 * outside


def choose(
    target: Target,
    candidates: Sequence[Candidate],
    facing: tuple[float, float],
    now: float,
    options: TargetingOptions,
    *,
    pinned: bool = False,
) -> Target:
    """Return the target after a look around; it never becomes None again by itself.

    A pinned target (a sentence is in progress) and one chosen by hand stay.
    """
    if pinned:
        return replace(target, rival=None)
    if target.chosen_by_hand or options.mode is TargetingMode.MANUAL:
        return target
    scores = {c.key: score(c, facing, options) for c in candidates}
    best = max(scores, key=lambda key: scores[key], default=None)
    if best is None or best == target.key or scores[best] <= 0.0:
        return replace(target, rival=None)
    present = scores.get(target.key, 0.0) if target.key is not None else 0.0
    if scores[best] < present * (1.0 + options.switch_margin):
        return replace(target, rival=None)
    if target.key is None:
        return Target(best)
    if target.rival != best:
        return replace(target, rival=best, rival_since=now)
    if now - target.rival_since < options.switch_delay_seconds:
        return target
    return Target(best)

"""How a face acts: blinks, looks, opens its mouth; from the session's view and the clock alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from characters.core.state import SessionState, SessionView
from characters.core.turn import DialogueState
from characters.overlay.looks import EXPRESSIONS, Face

__all__ = ["bob", "emotion", "face", "gaze", "lids", "mouth", "openness", "phase"]

_BLINK_EVERY = 4.2
_BLINK_SECONDS = 0.16


def phase(name: str) -> float:
    """Return somebody's own number from 0 to 1, so that a crowd does not blink at once."""
    return sum((i + 1) * ord(letter) for i, letter in enumerate(name)) * 0.618034 % 1.0


def lids(t: float, own: float) -> int:
    """Return 0 for open eyes, 1 half closed, 2 closed."""
    since = (t + own * _BLINK_EVERY) % (_BLINK_EVERY + own)
    if since > _BLINK_SECONDS:
        return 0
    return 2 if since < _BLINK_SECONDS * 0.6 else 1


def mouth(level: float, is_talking: bool, t: float, shape: float | None = None) -> int:
    """Return 0 (closed) to 4: how wide the mouth is.

    By the voice's level and the fresh viseme's `shape` (0 to 1), by one of the two, or by the
    clock while text arrives unheard.
    """
    if level > 0.02:
        loud = min(4.0, 1 + level * 7)
        return int(loud) if shape is None else round((loud + 4 * shape) / 2)
    if not is_talking:
        return 0
    if shape is not None:
        return round(4 * shape)
    beat = math.sin(t * 17.0) + math.sin(t * 11.3 + 1.0)
    return max(0, min(4, round(1.4 + beat)))


def openness(weights: Mapping[str, float]) -> float:
    """Return how far a viseme opens the mouth, 0 to 1: vowels do, lips and teeth close it."""
    return max(0.0, min(1.0, sum(_OPEN.get(name, 0.0) * w for name, w in weights.items())))


def bob(t: float, own: float, is_talking: bool) -> int:
    """Return by how many pixels the head stands higher than at rest: breath, and a nod in talk."""
    breath = math.sin(t * 1.7 + own * math.tau)
    nod = 0.8 * math.sin(t * 6.0) if is_talking else 0.0
    return round(0.8 + 0.8 * breath + nod)


def gaze(dx: float) -> int:
    """Return where the eyes turn to see somebody `dx` pixels to the right."""
    return 0 if abs(dx) < 40 else (1 if dx > 0 else -1)


def emotion(view: SessionView | None) -> str:
    """Return the name of the expression that suits the session."""
    if view is None or view.state in (SessionState.DISCONNECTED, SessionState.DISCONNECTING):
        return "asleep"
    if view.state is SessionState.ERROR:
        return "sadness"
    if view.state is SessionState.RECONNECTING:
        return "surprise"
    felt = (view.emotion or "neutral").lower()
    felt = _SYNONYMS.get(felt, felt)
    return felt if felt in EXPRESSIONS else "neutral"


def face(
    view: SessionView | None,
    t: float,
    own: float,
    *,
    level: float = 0.0,
    shape: float | None = None,
    dx: float = 0.0,
) -> Face:
    """Return the face of this moment; `dx` is how far to the right the player stands."""
    felt = emotion(view)
    is_talking = view is not None and (view.is_speaking or view.dialogue is DialogueState.SPEAKING)
    is_thinking = view is not None and view.dialogue is DialogueState.THINKING
    look = 1 if is_thinking and felt != "asleep" else gaze(dx)
    return Face(felt, lids(t, own), mouth(level, is_talking, t, shape), look)


_OPEN = {
    "aa": 1.0, "oh": 0.8, "e": 0.6, "ou": 0.5, "ih": 0.4, "rr": 0.3, "nn": 0.25, "dd": 0.25,
    "th": 0.25, "kk": 0.25, "ch": 0.25, "ss": 0.15, "ff": 0.1,
}  # fmt: skip

_SYNONYMS = {  # what services call them
    "happy": "joy", "happiness": "joy", "amused": "joy", "excited": "joy", "proud": "joy",
    "sad": "sadness", "sorrow": "sadness", "angry": "anger", "annoyed": "anger",
    "afraid": "fear", "worried": "fear", "anxious": "fear", "nervous": "fear",
    "surprised": "surprise", "curious": "anticipation", "interested": "anticipation",
    "relaxed": "calm", "content": "calm", "warm": "trust", "kind": "trust", "friendly": "trust",
    "disgusted": "disgust", "hurt": "pain", "tired": "calm",
}  # fmt: skip

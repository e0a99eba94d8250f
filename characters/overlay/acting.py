"""How a face acts: blinks, looks, opens its mouth; from the session's view and the clock alone."""

from __future__ import annotations

import math

from characters.core.state import SessionState, SessionView
from characters.core.turn import DialogueState
from characters.overlay.looks import EXPRESSIONS, Face

__all__ = ["bob", "emotion", "face", "gaze", "lids", "mouth", "phase"]

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


def mouth(level: float, is_talking: bool, t: float) -> int:
    """Return 0 (closed) to 4: by the voice's level, or by the clock while text arrives unheard."""
    if level > 0.02:
        return min(4, 1 + int(level * 7))
    if not is_talking:
        return 0
    beat = math.sin(t * 17.0) + math.sin(t * 11.3 + 1.0)
    return max(0, min(4, round(1.4 + beat)))


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


def face(view: SessionView | None, level: float, t: float, own: float, dx: float) -> Face:
    """Return the face of this moment; `dx` is how far to the right the player stands."""
    felt = emotion(view)
    is_talking = view is not None and (view.is_speaking or view.dialogue is DialogueState.SPEAKING)
    is_thinking = view is not None and view.dialogue is DialogueState.THINKING
    look = 1 if is_thinking and felt != "asleep" else gaze(dx)
    return Face(felt, lids(t, own), mouth(level, is_talking, t), look)


_SYNONYMS = {  # what services call them
    "happy": "joy", "happiness": "joy", "amused": "joy", "excited": "joy", "proud": "joy",
    "sad": "sadness", "sorrow": "sadness", "angry": "anger", "annoyed": "anger",
    "afraid": "fear", "worried": "fear", "anxious": "fear", "nervous": "fear",
    "surprised": "surprise", "curious": "anticipation", "interested": "anticipation",
    "relaxed": "calm", "content": "calm", "warm": "trust", "kind": "trust", "friendly": "trust",
    "disgusted": "disgust", "hurt": "pain", "tired": "calm",
}  # fmt: skip

"""What a recogniser without a grammar wrote down, made into a verdict."""

from __future__ import annotations

import re

from characters.service.speech.protocols import SAY_AGAIN, Heard, Rejected

__all__ = ["dictated"]

MAX_CHARACTERS = 500
# Such recognisers describe sounds in brackets: [BLANK_AUDIO], (door closes), *sighs*.
DESCRIPTION = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*")


def dictated(text: str, confidence: float = 1.0) -> Heard | Rejected:
    """Return what was said, or a rejection when no word was."""
    words = " ".join(DESCRIPTION.sub(" ", text).split())[:MAX_CHARACTERS]
    if not any(letter.isalnum() for letter in words):
        return Rejected(SAY_AGAIN)
    return Heard(words, confidence)

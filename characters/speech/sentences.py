"""Which words are spoken at once: whole sentences, and pieces of those that are very long. Pure."""

from __future__ import annotations

import re

__all__ = ["sentences", "whole_sentences"]

# Letters. Each part is made on its own: a short one like "Ah." sounds better with the next; a long
# one keeps those waiting who speak after it, and takes memory: 3,000 letters a gigabyte.
SHORTEST, LONGEST = 30, 300
# A dot behind "Mr", "St" or the letter of "J. R." or "p.m." ends nothing.
_ENDED = (
    r"(?<=[.!?\u2026])(?<!\b(?:Mr|Ms|Dr|St|Lt|vs)\.)(?<!\b(?:Mrs|Rev|Sgt|Gen)\.)"
    r"(?<!\b(?:Prof|Capt)\.)(?<!\b[A-Z]\.)(?<!\.[a-z]\.)[\"'\u201d\u2019)\]]*"
)
_BETWEEN = re.compile(rf"{_ENDED}\s+|(?<=[\u3002\uff01\uff1f])\s*")
# Of what still comes, "3." may be the beginning of a number.
_SO_FAR = re.compile(rf"{_ENDED}(?:(?=\s)|(?<!\d\.)$)|(?<=[\u3002\uff01\uff1f])")
_CLAUSE = re.compile(r"[,;:\u2013\u2014]\s+|[\u3001\uff0c]\s*")
_BLANK = re.compile(r"\s+")


def whole_sentences(text: str) -> tuple[str, str]:
    """Cut a text after its last whole sentence: a model's syllables cannot be spoken alone."""
    end = max((found.end() for found in _SO_FAR.finditer(text)), default=0)
    return text[:end], text[end:]


def sentences(text: str) -> tuple[str, ...]:
    """Cut a text after its sentences; a short one stays with the next, a long one is cut again."""
    parts: list[str] = []
    for sentence in _sentences_of(text.strip()):
        if parts and len(parts[-1]) < SHORTEST and len(sentence) < LONGEST:
            parts[-1] += " " + sentence
        else:
            parts += _pieces_of(sentence)
    return tuple(parts)


def _sentences_of(text: str) -> list[str]:
    ends = [*(found.end() for found in _BETWEEN.finditer(text)), len(text)]
    found = (text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False))
    return [sentence for sentence in found if sentence]


def _pieces_of(sentence: str) -> list[str]:
    """Cut a long sentence behind a comma, or else between words, or else anywhere."""
    found: list[str] = []
    while len(sentence) > LONGEST:
        places = (
            [cut.end() for cut in pattern.finditer(sentence, LONGEST // 3, LONGEST)]
            for pattern in (_CLAUSE, _BLANK)
        )
        end = next((ends[-1] for ends in places if ends), LONGEST)
        found.append(sentence[:end].strip())
        sentence = sentence[end:].strip()
    return [*found, sentence]

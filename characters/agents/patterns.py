"""The small pattern language of personas, compiled to regular expressions.

A pattern is made of words, matched anywhere in what was said, whatever its case and punctuation::

    where does it hurt      these words, in this order, side by side
    where * hurt            up to six other words between
    pain*                   any word that begins so
    (hello | good morning)  one of several
    [really] hurt           may be left out
    = yes                   nothing else was said
    *                       anything, if nothing else fits

Also the blanks in a persona's lines (`fill`), and spans of time in words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from characters.protocol.failures import CharactersError

__all__ = ["away_words", "best_lines", "fill", "normalise", "Pattern", "PatternError"]


_TOKEN = re.compile(r"\(|\)|\[|\]|\||\*|[^\s()\[\]|*]+\*?")
_GAP = r"(?:\w+ ){0,6}?"
_NOT_WORDS = re.compile(r"[^\w' ]+")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'"})
_SHORT_FORMS = {
    "i'm": "i am",
    "im": "i am",
    "you're": "you are",
    "what's": "what is",
    "whats": "what is",
    "where's": "where is",
    "who's": "who is",
    "how's": "how is",
    "it's": "it is",
    "that's": "that is",
    "name's": "name is",
    "don't": "do not",
    "dont": "do not",
    "doesn't": "does not",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "isn't": "is not",
    "i've": "i have",
    "i'd": "i would",
    "i'll": "i will",
    "you've": "you have",
    "let's": "let us",
    "wi-fi": "wifi",
    "hiya": "hi",
}


class PatternError(CharactersError, ValueError):
    """A pattern cannot be read; the message says where."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `weight` is how many words it names, so that the closest one wins."""

    source: str
    regex: re.Pattern[str]
    weight: float

    @classmethod
    def compile(cls, source: str) -> Pattern:
        """Compile a pattern. Raises PatternError."""
        text = source.strip()
        whole = text.startswith("=")
        tokens = _TOKEN.findall(_spell_out(text.lstrip("= ")))
        if not tokens:
            raise PatternError(f"the pattern {source!r} is empty")
        body, rest = _sequence(tokens, source)
        if rest:
            raise PatternError(f"the pattern {source!r} has a {rest[0]!r} too many")
        expression = rf"^{body}$" if whole else rf"(?:^|(?<= )){body}"
        words = [token for token in tokens if token[0] not in "()[]|*"]
        # A bare * matches anything, but only where nothing else does.
        weight = (len(words) or 0.1) + (1.0 if whole else 0.0)
        return cls(source, re.compile(expression), weight)

    def matches(self, normal: str) -> bool:
        """Tell whether a text that `normalise` returned matches."""
        return self.regex.search(normal) is not None


def normalise(text: str) -> str:
    """Return the words of a text in lower case, each followed by one space."""
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    return "".join(f"{word} " for word in _spell_out(_NOT_WORDS.sub(" ", _join(plain))).split())


def _join(text: str) -> str:
    return text.replace("wi-fi", "wifi")


def _spell_out(text: str) -> str:
    words = (_SHORT_FORMS.get(word, word) for word in text.lower().split())
    return " ".join(words)


def _sequence(tokens: list[str], source: str) -> tuple[str, list[str]]:
    """Compile up to a closing bracket or a bar."""
    parts: list[str] = []
    while tokens and tokens[0] not in (")", "]", "|"):
        part, tokens = _item(tokens, source)
        parts.append(part)
    return "".join(parts), tokens


def _item(tokens: list[str], source: str) -> tuple[str, list[str]]:
    head, rest = tokens[0], tokens[1:]
    if head in "([":
        return _group(head, rest, source)
    if head == "*":
        return _GAP, rest
    if head.endswith("*"):
        return rf"{re.escape(head[:-1])}\w* ", rest
    return rf"{re.escape(head)} ", rest


def _group(opening: str, tokens: list[str], source: str) -> tuple[str, list[str]]:
    closing = ")" if opening == "(" else "]"
    choices = []
    while True:
        body, tokens = _sequence(tokens, source)
        choices.append(body)
        if not tokens:
            raise PatternError(f"the pattern {source!r} lacks a {closing!r}")
        if tokens[0] != "|":
            break
        tokens = tokens[1:]
    if tokens[0] != closing:
        raise PatternError(f"the pattern {source!r} closes {opening!r} with {tokens[0]!r}")
    return f"(?:{'|'.join(choices)}){'?' if opening == '[' else ''}", tokens[1:]


_BLANK = re.compile(r"\{([a-z][a-z0-9_]*)(?:\|([^{}]*))?\}")


def fill(line: str, values: Mapping[str, str]) -> tuple[str, int] | None:
    """Fill `{name}` and `{name|stranger}` (with a default); None if one stays blank.

    Returns the text and how many blanks without a default were filled: the more, the better the
    line fits the moment.
    """
    known = 0

    def word(match: re.Match[str]) -> str:
        nonlocal known
        name, default = match.groups()
        known += default is None
        value = values.get(name, default or "")
        return value[:1].upper() + value[1:] if _begins_sentence(line, match.start()) else value

    needed = (name for name, default in _BLANK.findall(line) if not default)
    if any(name not in values for name in needed):
        return None
    return _BLANK.sub(word, line), known


def best_lines(lines: Iterable[str], values: Mapping[str, str]) -> list[str]:
    """Return the lines that can be said now, of those the ones with the most filled blanks."""
    filled = [result for result in (fill(line, values) for line in lines) if result is not None]
    most = max((known for _, known in filled), default=0)
    return [text for text, known in filled if known == most]


def _begins_sentence(line: str, at: int) -> bool:
    before = line[:at].rstrip()
    return not before or before[-1] in ".!?"


def away_words(seconds: float) -> str:
    """Say how long ago something was: "3 minutes ago"; a coarse word, never a wrong one."""
    if seconds < 45:
        return "a moment ago"
    for size, unit in ((86400 * 7, "week"), (86400, "day"), (3600, "hour"), (60, "minute")):
        count = round(seconds / size)
        if count >= 1 and seconds >= size * 0.75:
            return (
                f"{'an' if unit == 'hour' else 'a'} {unit} ago"
                if count == 1
                else f"{count} {unit}s ago"
            )
    return "a minute ago"

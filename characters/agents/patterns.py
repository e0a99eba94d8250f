"""The small pattern language of personas, compiled to regular expressions.

A pattern is made of words, matched anywhere in what was said, whatever its case and punctuation::

    where does it hurt      these words, in this order, side by side
    where * hurt            up to six other words between
    pain*                   any word that begins so
    (hello | good morning)  one of several
    [really] hurt           may be left out
    = yes                   nothing else was said
    = do you *              so begins what was said
    do you like <thing>     up to five words, for the blank {thing}; at the end: all that is left
    #German                 what a line is as a whole: see `characters.agents.hearing`
    *                       anything, if nothing else fits

Also the blanks in a persona's lines (`fill`), and spans of time in words.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from characters.agents.lexicon import COMMON
from characters.protocol.failures import CharactersError

__all__ = [
    "away_words", "blanks", "fill", "misspelt_blanks", "normalise", "Pattern", "PatternError",
    "PatternIndex", "sayable",
]  # fmt: skip


_TOKEN = re.compile(r"\(|\)|\[|\]|\||\*|[^\s()\[\]|*]+\*?")
_GAP = r"(?:\w+ ){0,6}?"
_CAPTURE = re.compile(r"<([a-z][a-z0-9_]*)>")
_FIRST_PERSON = frozenset({"i", "my", "me", "mine", "we", "our"})
_KIND_WEIGHT = 3.0
LONGEST, DEEPEST = 2_000, 20  # letters of a pattern, and brackets in one another
MOST_WAYS = 2_500  # in which a pattern may be tried in one place: four gaps have as many
_NOT_WORDS = re.compile(r"[^\w' ]+")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'"})
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
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
    "lets": "let us",
    "here's": "here is",
    "when's": "when is",
    "why's": "why is",
    "they're": "they are",
    "theyre": "they are",
    "we're": "we are",
    "youre": "you are",
    "hes": "he is",
    "he's": "he is",
    "she's": "she is",
    "there's": "there is",
    "thats": "that is",
    "didn't": "did not",
    "didnt": "did not",
    "doesnt": "does not",
    "haven't": "have not",
    "hasn't": "has not",
    "aren't": "are not",
    "arent": "are not",
    "wasn't": "was not",
    "weren't": "were not",
    "couldn't": "could not",
    "shouldn't": "should not",
    "wouldn't": "would not",
    "cant": "can not",
    "wont": "will not",
    "isnt": "is not",
    "ive": "i have",
    "whos": "who is",
    "hows": "how is",
    "wheres": "where is",
    "you'll": "you will",
    "you'd": "you would",
    "u": "you",
    "ur": "your",
    "r": "are",
    "plz": "please",
    "pls": "please",
    "thx": "thanks",
    "ty": "thanks",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
    "gimme": "give me",
    "dunno": "do not know",
    "y": "why",
    "gtg": "got to go",
    "g2g": "got to go",
    "ttyl": "goodbye",
    "np": "no problem",
    "tysm": "thanks",
    "hbu": "how about you",
    "wbu": "what about you",
    "wyd": "what are you doing",
    "hru": "how are you",
    "wat": "what",
    "wut": "what",
    "wot": "what",
    "cuz": "because",
    "bc": "because",
    "abt": "about",
    "lemme": "let me",
    "kinda": "kind of",
    "rlly": "really",
    "srsly": "seriously",
    "shes": "she is",
    "theres": "there is",
    "youll": "you will",
    "youve": "you have",
    "aint": "is not",
    "ain't": "is not",
    "wasnt": "was not",
    "werent": "were not",
    "havent": "have not",
    "hasnt": "has not",
    "couldnt": "could not",
    "shouldnt": "should not",
    "wouldnt": "would not",
    "wi-fi": "wifi",
    "hiya": "hi",
    "they'd": "they would",
    "he'd": "he would",
    "she'd": "she would",
    "we'd": "we would",
    "it'd": "it would",
    "who'd": "who would",
    "they'll": "they will",
    "he'll": "he will",
    "she'll": "she will",
    "we'll": "we will",
    "it'll": "it will",
    "that'll": "that will",
    "they've": "they have",
    "we've": "we have",
    "what're": "what are",
    "where'd": "where did",
    "how'd": "how did",
    "what'd": "what did",
}


class PatternError(CharactersError, ValueError):
    """A pattern cannot be read; the message says where."""


@dataclass(frozen=True)
class Pattern:
    """A pattern; `weight` is how many words it names, so that the closest one wins.

    Of alternatives the longest counts. Of each of the `gates` a word is in each text that matches:
    where none is, the expression need not be tried, and is not even compiled.
    """

    source: str
    expression: str
    weight: float
    words: frozenset[str] = frozenset()  # those that it names
    gates: Gates = ()  # with "pain*" for a beginning

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern as a regular expression."""
        return re.compile(self.expression)

    @property
    def is_kind(self) -> bool:
        """Tell whether it is matched with what the whole line is."""
        return self.source.startswith("#")

    @property
    def is_whole(self) -> bool:
        """Tell whether it begins with the line."""
        return self.source.lstrip().startswith("=")

    @cached_property
    def is_of_the_player(self) -> bool:
        """Tell whether the pattern speaks of the player himself ("my hands", "i am a doctor")."""
        return not self.words.isdisjoint(_FIRST_PERSON)

    @classmethod
    @lru_cache(maxsize=4096)
    def compile(cls, source: str) -> Pattern:
        """Compile a pattern. Raises PatternError."""
        text = source.strip()
        if len(text) > LONGEST or _depth(text) > DEEPEST:
            raise PatternError(
                f"the pattern {source[:40]!r}... is too long: {LONGEST} letters are the most, and "
                f"{DEEPEST} brackets in one another"
            )
        if text.startswith("#") and text[1:].isalpha():
            return cls(
                source, f"(?:^|(?<= )){re.escape(text)} ", _KIND_WEIGHT, gates=(frozenset({text}),)
            )
        whole = text.startswith("=")
        tokens = _TOKEN.findall(_spell_out(text.lstrip("= ")))
        if not tokens:
            raise PatternError(f"the pattern {source!r} is empty")
        body, rest = _sequence(tokens, source)
        if rest:
            raise PatternError(f"the pattern {source!r} has a {rest[0]!r} too many")
        if body.ways > MOST_WAYS:
            raise PatternError(f"the pattern {source!r} leaves too much open; use fewer * and [ ]")
        named = [token for token in tokens if _CAPTURE.fullmatch(token)]
        if len(set(named)) < len(named):
            raise PatternError(f"the pattern {source!r} has {named[0]} twice")
        end = "$" if tokens[-1].startswith("<") else ""
        rest_of_line = "" if tokens[-1] == "*" else "$"
        regex = f"^{body.regex}{rest_of_line}" if whole else f"(?:^|(?<= )){body.regex}{end}"
        words = frozenset(token.rstrip("*") for token in tokens if token[0] not in "()[]|*<")
        # A bare * matches anything, but only where nothing else does.
        return cls(source, regex, (body.length or 0.1) + (1.0 if whole else 0.0), words, body.gates)

    def may_match(self, words: frozenset[str] | set[str]) -> bool:
        """Tell whether a text of these words, with "pa*" for each beginning, may match."""
        return not any(map(words.isdisjoint, self.gates))

    def match(self, normal: str) -> re.Match[str] | None:
        """Match a text that `normalise` returned; the blanks are the match's groups."""
        return self.regex.search(normal)

    def matches(self, normal: str) -> bool:
        """Tell whether a text that `normalise` returned matches."""
        return self.match(normal) is not None


def normalise(text: str) -> str:
    """Return the words of a text in lower case, each followed by one space."""
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    plain = plain.replace("wi-fi", "wifi")  # one word, whose dash would part it
    return "".join(f"{word} " for word in _spell_out(_NOT_WORDS.sub(" ", plain)).split())


def _spell_out(text: str) -> str:
    return " ".join(map(_plain_word, text.lower().split()))


def _plain_word(word: str) -> str:
    """Return a word in full, once: "heyyy" is "hey", and "Bram's" is Bram."""
    if word in _SHORT_FORMS:
        return _SHORT_FORMS[word]
    if word not in COMMON and _DRAWN_OUT.search(word):
        short = _DRAWN_OUT.sub(r"\1", word)
        word = short if short in COMMON else _DRAWN_OUT.sub(r"\1\1", word)
    return word.removesuffix("'s") or word


class PatternIndex:
    """Finds the patterns, of many, that a text of certain words may match."""

    def __init__(self, patterns: Iterable[tuple[str, Pattern]]) -> None:
        self._always: list[tuple[str, Pattern]] = []
        self._by_word: dict[str, list[tuple[str, Pattern]]] = {}
        self._by_beginning: dict[str, list[tuple[str, Pattern]]] = {}
        for entry in patterns:
            gates = entry[1].gates
            if not gates:
                self._always.append(entry)
            for word in min(gates, key=len, default=()):
                table = self._by_beginning if word.endswith("*") else self._by_word
                table.setdefault(word.rstrip("*"), []).append(entry)
        self._beginnings = tuple(self._by_beginning)

    def near(self, words: Collection[str]) -> Iterator[tuple[str, Pattern]]:
        """Yield the key and the pattern of each that may match."""
        begun = {f"{word[:n]}*" for word in words for n in range(1, len(word) + 1)}
        there = begun.union(words)
        return (entry for entry in self._first(words) if entry[1].may_match(there))

    def _first(self, words: Iterable[str]) -> Iterator[tuple[str, Pattern]]:
        """Yield those of which the narrowest gate is open."""
        yield from self._always
        for word in words:
            yield from self._by_word.get(word, ())
            if word.startswith(self._beginnings):
                for length in range(1, len(word) + 1):
                    yield from self._by_beginning.get(word[:length], ())


Gates: TypeAlias = tuple[frozenset[str], ...]


class _Part(NamedTuple):
    """A part of a pattern: its expression, how many words it is long, and its gates.

    `ways` bounds how often it is tried in one place, before it is known not to match.
    """

    regex: str
    length: int = 0
    gates: Gates = ()
    ways: int = 1


def _depth(text: str) -> int:
    """Return how many brackets are open at once."""
    steps = ((letter in "([") - (letter in ")]") for letter in text)
    return max(accumulate(steps), default=0)


def _sequence(tokens: list[str], source: str) -> tuple[_Part, list[str]]:
    """Compile up to a closing bracket or a bar."""
    pieces: list[_Part] = []
    while tokens and tokens[0] not in (")", "]", "|"):
        piece, tokens = _item(tokens, source)
        pieces.append(piece)
    gates = tuple(gate for piece in pieces for gate in piece.gates)
    regex = "".join(piece.regex for piece in pieces)
    ways = math.prod(piece.ways for piece in pieces)
    return _Part(regex, sum(piece.length for piece in pieces), gates, ways), tokens


def _item(tokens: list[str], source: str) -> tuple[_Part, list[str]]:
    head, rest = tokens[0], tokens[1:]
    if head in "([":
        return _group(head, rest, source)
    if head == "*":
        return _Part(_GAP, ways=7), rest
    blank = _CAPTURE.fullmatch(head)
    if blank:
        return _Part(rf"(?P<{blank[1]}>(?:\w[\w']* ){{1,5}}?)", ways=5), rest
    ending = r"\w*" if head.endswith("*") else ""
    return _Part(f"{re.escape(head.rstrip('*'))}{ending} ", 1, (frozenset({head}),)), rest


def _group(opening: str, tokens: list[str], source: str) -> tuple[_Part, list[str]]:
    closing = ")" if opening == "(" else "]"
    choices, ways = list[_Part](), Counter[str]()
    while True:
        first = tokens[0] if tokens else ""
        choice, tokens = _sequence(tokens, source)
        choices.append(choice)
        ways[first] += choice.ways
        if not tokens:
            raise PatternError(f"the pattern {source!r} lacks a {closing!r}")
        if tokens[0] != "|":
            break
        tokens = tokens[1:]
    if tokens[0] != closing:
        raise PatternError(f"the pattern {source!r} closes {opening!r} with {tokens[0]!r}")
    regex = f"(?:{'|'.join(choice.regex for choice in choices)})"
    longest = max(choice.length for choice in choices)
    most = max(ways.values())
    if opening == "[":
        return _Part(f"{regex}?", longest, ways=most + 1), tokens[1:]
    if not all(choice.gates for choice in choices):
        return _Part(regex, longest, ways=most), tokens[1:]
    gate = frozenset().union(*(min(choice.gates, key=len) for choice in choices))
    return _Part(regex, longest, (gate,), most), tokens[1:]


_DOUBLED = re.compile(r"\{\{[^{}]*\}\}")
_BLANK = re.compile(r"\{([a-z][a-z0-9_]*)(?:\|([^{}]*))?\}")


def blanks(line: str) -> list[tuple[str, bool]]:
    """Return the blanks of a line: each name, and whether it says what to use instead."""
    return [(name, bool(default)) for name, default in _BLANK.findall(_DOUBLED.sub("", line))]


def misspelt_blanks(line: str) -> list[str]:
    """Return what has braces and is no blank: `{{user}}`, `{Name}`, `{name` that is not closed."""
    rest = _BLANK.sub("", _DOUBLED.sub("", line))
    return [*_DOUBLED.findall(line), *re.findall(r"\{+[^{}]*\}*|\}+", rest)]


def fill(
    line: str, values: Mapping[str, str], passing: Collection[str] = ()
) -> tuple[str, int] | None:
    """Fill `{name}` and `{name|stranger}` (with a default); None if one stays blank.

    Returns the text and how many blanks without a default were filled: the more, the better the
    line fits the moment. Blanks of a `passing` value are not counted.
    """
    known = 0

    def word(match: re.Match[str]) -> str:
        nonlocal known
        name, default = match.groups()
        known += default is None and name not in passing
        value = values.get(name, default or "")
        return value[:1].upper() + value[1:] if _begins_sentence(line, match.start()) else value

    needed = (name for name, default in _BLANK.findall(line) if not default)
    if any(name not in values for name in needed):
        return None
    return _BLANK.sub(word, line), known


def sayable(
    lines: Sequence[str], values: Mapping[str, str], passing: Collection[str] = ()
) -> dict[int, str]:
    """Return the lines that can be said now, by index; those with the most filled blanks."""
    filled = [(index, fill(line, values, passing)) for index, line in enumerate(lines)]
    known = [(index, *result) for index, result in filled if result is not None]
    most = max((count for *_, count in known), default=0)
    return {index: text for index, text, count in known if count == most}


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

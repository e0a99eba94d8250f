"""What a line of the player is, before its words are matched: its kind, language, typing mistakes.

The kinds are what a pattern `#kind` asks for: `nothing` (no word at all), `question` (a bare "?"),
`dots`, `emoji`, `number`, `sum` (2+2), `gibberish`, `deed` (*waves*), `shouting`, `foreign`, and
the language's name, such as `German`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice

from characters.agents.lexicon import (
    BACKCHANNELS,
    BODY,
    COMMON,
    FOREIGN,
    JOBS,
    KIN,
    PLAIN,
    SCRIPTS,
    VOCATIVES,
)
from characters.agents.patterns import normalise

__all__ = [
    "HeardText", "hear", "in_order", "is_backchannel", "language_of", "questions_in", "Speller",
    "without_deeds",
]  # fmt: skip


MOST_LETTERS = 500
LONGEST_WORD = 24
MOST_MISTAKES = 8  # of one line that are corrected


@dataclass(frozen=True)
class HeardText:
    """A line of the player: as it was, as `normalise` returned it, and what it is as a whole."""

    text: str
    normal: str
    kinds: frozenset[str] = frozenset()
    language: str = ""

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of `normal`, and the kinds with a #."""
        return frozenset({*self.normal.split(), *(f"#{kind}" for kind in self.kinds)})

    @cached_property
    def marks(self) -> str:
        """The kinds as the text that patterns of kinds match."""
        return "".join(f"#{kind} " for kind in sorted(self.kinds))

    @staticmethod
    def bare(normal: str, names: Collection[str]) -> str:
        """Return the words without "well," and the like, and without the names that are called."""
        words = _OPENING.sub("", normal, count=1).split()
        while len(words) > 1 and words[-1] in names and words[-2] not in _BEFORE_A_NOUN:
            del words[-1]
        while len(words) > 1 and (words[0] in _FILLERS or words[0] in names):
            del words[0]
        return "".join(f"{word} " for word in words)

    @cached_property
    def is_question(self) -> bool:
        """Whether it asks something, rather than tells it."""
        first = self.normal.removeprefix("and ").removeprefix("but ").partition(" ")[0]
        return first in _ASKING or self.text.rstrip().endswith("?")

    @property
    def asks_back(self) -> bool:
        """Whether it can be no answer, even a wrong one: "why?", "do you like it here?"."""
        first = self.normal.partition(" ")[0]
        if self.normal.startswith(_OF_THE_OTHER):
            return True
        return first in _ASKING_BACK or (self.text.rstrip().endswith("?") and "you" in self.words)

    def asks_beyond(self, words: Collection[str], names: Collection[str]) -> bool:
        """Tell whether it asks for more than some words name: "who runs the hospital"."""
        if not self.is_question:
            return False
        asked = _WHO_OR_WHAT.sub("", self.normal).split()
        return any(
            word not in PLAIN
            and word not in VOCATIVES
            and word not in names
            and not any(map(word.startswith, words))
            for word in asked
        )

    def asks_on_about(self, told: str) -> bool:
        """Tell whether a short question names a thing that was spoken of: "where's the kettle"."""
        words = self.normal.split()
        known = {word for word in told.split() if len(word) > 3} - PLAIN - VOCATIVES
        is_short = words[:1] in (["where"], ["what"], ["which"]) and len(words) <= _SHORT
        return is_short and not known.isdisjoint(words[1:])

    def named(self, noun: str, told: Collection[str]) -> str:
        """Return a short question with a noun for "he" or "it", if that was told of; else ""."""
        words = self.normal.split()
        if not noun or len(words) > _SHORT or not _ELSEWHERE.isdisjoint(words[:1]):
            return ""
        if {"think", "it"} <= self.words:  # "do you think it is serious" is no question about it
            return ""
        meant = next((each for each in _PRONOUNS if each & self.words and each & {*told}), None)
        return "" if meant is None else "".join(f"{noun if w in meant else w} " for w in words)

    def without(self, values: Iterable[str]) -> str:
        """Return the words without what the player says of himself: "my wife", and the values."""
        masked = self.normal if self.is_question else _MY.sub("my _ ", self.normal)
        for value in values:
            masked = masked.replace(normalise(value), "_ ")
        return masked

    def original(self, words: str) -> str:
        """Return words of `normal` as the player wrote them, seen from the other side."""
        gap = r"[\W_]+"
        pattern = gap.join(map(re.escape, words.split()))
        match = re.search(rf"(?<!\w){pattern}(?!\w)", self.text.translate(_PLAIN), re.IGNORECASE)
        found = match.group() if match else words
        turned = (_TURNED.get(word.lower(), word) for word in found.split())
        return " ".join(turned).strip(" .,;:!?*\"'")


def questions_in(text: str) -> list[str]:
    """Return the questions of a line that asks several: "What is it? And is it hot?"."""
    parts = [part.strip() for part in _ONE_MORE.split(text[:MOST_LETTERS])]
    asked = [part for part in parts if len(part.split()) > 1]
    return asked if len(asked) > 1 and all(hear(f"{it}").is_question for it in asked) else []


_ONE_MORE = re.compile(
    r"\?+\s+(?:and\s+)?|,?\s+and\s+(?=(?:what|who|where|when|why|how|is|are|do|does|did|can|could"
    r"|will|have|has)\s+\w+\s)",
    re.IGNORECASE,
)


def hear(text: str) -> HeardText:
    """Take in a line of the player; of a long one its beginning."""
    text = text[:MOST_LETTERS]
    normal = _ITS.sub("it is ", normalise(text))
    language = language_of(text)
    kinds = {*_kinds(text.strip(), normal), *({"foreign", language} if language else ())}
    return HeardText(text, normal, frozenset(kinds), language)


_ITS = re.compile(r"^its (?!name|own|colou?r|age|size)")  # as it is typed in haste
_DEED = re.compile(r"\*[^*]+\*|(?<!\w)_[^_]+_(?!\w)")


def without_deeds(text: str) -> str:
    """Return what is said beside "*sits down*"; a line that is a deed alone as it is."""
    said = _DEED.sub(" ", text).strip()
    return said if re.search(r"\w", said) else text


def is_backchannel(text: str, language: str) -> bool:
    """Return whether a line is only a sign that its speaker listens, in a language such as "en-us".

    Several may follow one another: "uh-huh, yeah". Laughter is one, a question is none.
    """
    if text.rstrip().endswith("?"):
        return False
    words = re.findall(r"[\w']+", text.lower().translate(_PLAIN))
    if len(words) > MOST_SIGNS:
        return False
    said = _LONG_DRAWN.sub(r"\1", " ".join(words))
    return _signs(language[:2].lower()).fullmatch(f"{said} ") is not None


# More words are a line, whatever they are; and a pattern of phrases takes for ever to refuse many.
MOST_SIGNS = 8
_LONG_DRAWN = re.compile(r"(\w)\1\1+")
# However it is written: "mhmm", "mmhmm", "hm-mm", "uhhuh"; "uh-uh" is a no.
_HUMMED = "h?m+(?:h+m+)*h?|uh ?huh"
_LAUGHTER = (
    "ha|heh|hah|(?:[bm]?[uw]?a)?(?:ha){2,}h?|(?:he){2,}h?|(?:ho){2,}|(?:hi){3,}"
    "|ha(?: ha)+|he(?: he)+|ho(?: ho)+"
)


@cache
def _signs(language: str) -> re.Pattern[str]:
    known = BACKCHANNELS.get(language, frozenset()) | BACKCHANNELS[""]
    phrases = "|".join(map(re.escape, known))
    return re.compile(f"(?:(?:{phrases}|{_HUMMED}|{_LAUGHTER}) )+")


_ASKING = frozenset(
    {"who", "what", "where", "when", "why", "how", "which", "whose", "is", "are", "am", "was"}
    | {"were", "do", "does", "did", "can", "could", "will", "would", "should", "shall", "may"}
    | {"might", "have", "has"}
)
_ASKING_BACK = frozenset(
    {"who", "what", "where", "when", "why", "how", "which", "do", "does", "did", "am", "can"}
    | {"could", "may", "have", "has", "are"}
)
_OF_THE_OTHER = (
    "that was ",
    "that is ",
    "you seem ",
    "you look ",
    "you sound ",
    "you are ",
    "your ",
)
_SHORT = 7  # words of a line that asks on
_PRONOUNS = (
    frozenset({"he", "him", "his"}),
    frozenset({"she", "her", "hers"}),
    frozenset({"they", "them", "their"}),
    frozenset({"it", "its"}),
)
_ELSEWHERE = frozenset({"can", "could", "will", "would", "where"})  # what asks for no more words
_FILLERS = frozenset(
    {"so", "and", "but", "well", "fine", "alright", "right", "sure", "yeah", "oh"}
    | {"um", "uh", "hm", "hmm", "ok", "okay", "hey", "then", "now", "actually", "anyway"}
    | {"please", "look", "listen", "also", "lol", "haha", "hi", "hello", "sorry"}
)
_BEFORE_A_NOUN = frozenset({"a", "an", "the", "your", "my", "this", "that", "his", "her"})
_OPENING = re.compile(
    r"^(?:excuse me|pardon me|(?:can|could|will|would) you tell me|do you know|tell me"
    r"|i (?:was wondering|wonder)|i (?:want|would like) to know) (?=\w+ \w+ )"
)
_WHO_OR_WHAT = re.compile(r"^(?:and |so |but )?(?:who|how) (?:is|are|was|were) ")
_MY = re.compile(r"\b(?:my|our) (?:[\w']+ ){1,2}")
_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'"})
_TURNED = {
    "my": "your", "me": "you", "i": "you", "mine": "yours", "your": "my", "yours": "mine",
    "myself": "yourself", "yourself": "myself", "am": "are", "our": "your", "us": "you",
    "you": "me",
}  # fmt: skip
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm")


def _kinds(text: str, normal: str) -> Iterator[str]:
    words = normal.split()
    if not words:
        yield "nothing"
        yield "question" if "?" in text else "dots" if set(text) <= set(".\u2026 ") else "emoji"
    elif re.search(r"\d\s*[-+*/x\u00d7:]\s*\d|\d+ (?:times|plus|minus|divided by|and) \d", text):
        yield "sum"
    elif all(word.isdecimal() for word in words):
        yield "number"
    elif re.fullmatch(r"\*[^*]+\*|\([^()]+\)|_[^_]+_|/me\s.*", text, re.DOTALL):
        yield "deed"
    elif all(_is_gibberish(word) for word in words) or words == ["a"]:
        yield "gibberish"
    elif len(text) > 8 and text.isupper():
        yield "shouting"


def _is_gibberish(word: str) -> bool:
    """Tell whether no one speaks so: a run over the keyboard, one letter again and again."""
    if word in COMMON or not word.isascii() or not word.isalpha():
        return False
    if len(set(word)) == 1:
        return word not in ("k", "kk")
    if any(word[:4] in row or word[:4] in row[::-1] for row in _ROWS if len(word) >= 4):
        return True
    vowels = len(re.findall(r"[aeiouy]", word))
    if len(word) >= 5 and (vowels == 0 or re.search(r"[^aeiouy]{6}", word)):
        return True
    return len(word) >= 6 and len(set(word)) <= 2


def language_of(text: str) -> str:
    """Return the name of the foreign language that a line is in, "" for English or none."""
    scripts = Counter[str]()
    for letter, count in Counter(filter(str.isalpha, text)).items():
        name = "" if letter.isascii() else unicodedata.name(letter, "?").split()[0]
        scripts[SCRIPTS.get(name.partition("-")[0], "")] += count
    if "Japanese" in scripts:
        return "Japanese"
    language = max(scripts, key=lambda name: scripts[name], default="")
    if language:
        is_ukrainian = language == "Russian" and set(text.lower()) & set("іїєґ")
        return "Ukrainian" if is_ukrainian else language
    return _by_words(text)


_GREETINGS: Mapping[str, str] = {
    "auf": "German", "sayonara": "Japanese", "hola": "Spanish",
    "gracias": "Spanish", "adiós": "Spanish", "adios": "Spanish",
    "bonjour": "French", "merci": "French", "salut": "French", "bonsoir": "French",
    "hallo": "German", "danke": "German", "tschüss": "German", "servus": "German",
    "moin": "German", "guten": "German", "ciao": "Italian", "grazie": "Italian",
    "buongiorno": "Italian", "olá": "Portuguese", "obrigado": "Portuguese",
    "obrigada": "Portuguese", "bedankt": "Dutch", "cześć": "Polish", "dziękuję": "Polish",
    "hej": "Swedish", "tack": "Swedish", "merhaba": "Turkish", "konnichiwa": "Japanese",
    "arigato": "Japanese", "privet": "Russian", "spasibo": "Russian", "nihao": "Chinese",
}  # fmt: skip
_SIGNS: Mapping[str, str] = {
    "¿": "Spanish",
    "¡": "Spanish",
    "ñ": "Spanish",
    "ß": "German",
    "ã": "Portuguese",
    "ł": "Polish",
}


def _by_words(text: str) -> str:
    words = re.findall(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*", text.lower().translate(_PLAIN))
    if not words:
        return ""
    votes = {name: sum(word in known for word in words) for name, known in FOREIGN.items()}
    for sign, name in _SIGNS.items():
        votes[name] += 2 * (sign in text.lower())
    if words[0] in _GREETINGS and len(words) <= 3:
        name = _GREETINGS[words[0]]
        votes[name] = votes.get(name, 0) + 2
    english = sum(word in COMMON for word in words)
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] >= 2 and votes[best] > english else ""


_ASKED = r"((?:what|where|when|why|how|who|which)(?: (?:much|many|long|old|\w+ years))? )"
_ENGLISH_ORDER = tuple(
    (re.compile(pattern), order)
    for pattern, order in (
        # how you are called; you are tired?
        (rf"^{_ASKED}?(you|he|she|they|we|it|there) "
         r"(are|is|was|were|can|could|will|would|should|do|does|did) ", r"\1\3 \2 "),
        # what is it that you have
        (r"^(what) is it that (you|he|she|they) ", r"\1 do \2 "),
        # what you doing; why you in bed
        (rf"^{_ASKED}?(you|they) (\w+ing|in|on|at|here|so|from|not) ", r"\1are \2 \3 "),
        # where you live; you like fish?
        (rf"^{_ASKED}?(you) (?!have been|are|were|\w+ed )(\w+) ", r"\1do \2 \3 "),
    )
)  # fmt: skip


def in_order(normal: str, *, is_question: bool) -> str:
    """Return a question in English order: "how you are called" is how others ask it."""
    for pattern, order in _ENGLISH_ORDER:
        found = pattern.match(normal)
        if found is not None and (found[1] or is_question):
            return found.expand(order) + normal[found.end() :]
    return normal


_WORDS = COMMON | VOCATIVES | BODY | KIN | JOBS
_INFLECTED = re.compile(r"(?:s|es|d|ed|ing|er|ers|ly|y)$")


class Speller:
    """Corrects typing mistakes towards the words that a persona knows.

    One letter too few, too many, wrong or swapped with its neighbour; in words of eight letters and
    more two of those. Common words are no mistakes.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._known = frozenset(word for word in vocabulary if word.isalpha())
        self._by_length: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for word in sorted(self._known):
            self._by_length[len(word)].append((word, _letters(word)))

    def correct(self, normal: str) -> str:
        """Return a text that `normalise` returned with its unknown words corrected.

        Of a line with more of them than `MOST_MISTAKES` the first are.
        """
        words = normal.split()
        unknown = islice(filter(self._is_unknown, dict.fromkeys(words)), MOST_MISTAKES)
        corrected = {word: self._nearest(word) for word in unknown}
        return "".join(f"{corrected.get(word) or self._singular(word)} " for word in words)

    def _singular(self, word: str) -> str:
        """Return "tooth" for a "tooths" that is none of the persona's words."""
        stem = _stem(word)
        is_plural = word == f"{stem}s" and word not in self._known and stem in self._known
        return stem if is_plural and (word in _WORDS or stem in COMMON) else word

    def _is_unknown(self, word: str) -> bool:
        if not 3 <= len(word) <= LONGEST_WORD or not word.isalpha():
            return False
        stem = _stem(word)
        return not (word in self._known or word in _WORDS or (stem in COMMON and stem != word))

    def _nearest(self, word: str) -> str:
        reach = 2 if len(word) >= 8 else 1
        # Of equals it is the one of which a letter was left out.
        near = [
            (_distance(word, known, reach), len(known) <= len(word), known)
            for known in self._near(word, reach)
        ]
        distance, _, nearest = min(near, default=(LONGEST_WORD, False, word))
        if distance <= reach:
            return nearest
        singular = word.removesuffix("s") if len(word) > 5 else word
        found = self._nearest(singular) if singular != word else word
        return word if found == singular else found

    def _near(self, word: str, reach: int) -> Iterator[str]:
        """Yield the known words of about the same length and letters."""
        letters, end = _letters(word), word[-1]
        for length in range(len(word) - reach, len(word) + reach + 1):
            for known, others in self._by_length.get(length, ()):
                if (letters ^ others).bit_count() > 2 * reach:
                    continue
                # A word with another letter at its end is another form, or another word.
                if length != len(word) or known[-1] == end or letters == others:
                    yield known


def _stem(word: str) -> str:
    return _INFLECTED.sub("", word) if len(word) > 4 else word


def _letters(word: str) -> int:
    """Return the set of a word's letters as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 0x3FF)
    return bits


def _distance(one: str, other: str, reach: int) -> float:
    """Return how many single mistakes part two words; a swap of neighbours is one.

    Of words that are farther apart than `reach` it is only known that they are.
    """
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = above, row, [i]
        for j, sign in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != sign))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == sign:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > reach < min(above):
            return LONGEST_WORD
    # Swapped letters are the commonest mistake, and a first letter is rarely a wrong one.
    swapped = sorted(one) == sorted(other)
    return row[-1] - 0.25 * swapped + 0.25 * (one[0] != other[0])

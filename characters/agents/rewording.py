"""Ways to say that something is not so, or no longer, in the words of the tables of facts.

"I've given up the violin" and "I no longer play the violin" are "I do not play the violin", and "I
used to work in a bank" is "I do not work in a bank, I worked in a bank". Who corrects himself in
one sentence ("in Galway, no wait, Limerick") has said the second alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from characters.agents.lexicon import DOES, VERBS

__all__ = ["reworded", "with_noun"]

_I = r"\b(?P<who>I|we|my\s+[a-z]+|he|she|they)"
_DOING = r"(?P<verb>[a-z]+ing)\b"
_BASES = (*sorted(DOES), "play", "work", "live", "like", "love", "hate", "eat", "sing")


def _not(who: str) -> str:
    return f"{who} {'do' if who.lower() in ('i', 'we', 'they') else 'does'} not"


def _is(who: str) -> str:
    return {"i": "I am", "we": "we are", "they": "they are"}.get(who.lower(), f"{who} is")


def _base(verb: str) -> str:
    """Return "teach" of "teaching" and "taught"."""
    root = re.sub(r"(?:ing|ed|s)$", "", verb.lower())
    return VERBS.get(verb.lower()) or next((it for it in _BASES if it.startswith(root)), root)


def _never(said: re.Match[str]) -> str:
    return f"{_not(said['who'])} {_base(said['verb'])} "


def _once(said: re.Match[str]) -> str:
    who, verb, rest = said["who"], said["verb"], said["rest"] or ""
    past = "worked" if verb == "work" and who == "I" else f"used to {verb}"
    return f"{_not(who)} {verb} {rest}, {who} {past} {rest}"


# "no wait,", and "sorry" before what it corrects: "in Leeds, sorry, Nurse" corrects nothing.
_RATHER = (
    r"(?:\s?[,-]|\.\.\.)?\s(?:no(?:,?\s+(?:wait|sorry))?|wait,?\s+no|I\s+mean|or\s+rather"
    r"|sorry(?=,?\s+(?:in|at|from|\d)\b))[,\s]{1,3}"
)
_COUNT = r"(?:\d{1,3}|[a-z]+teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:[- ][a-z]+)?)\b"

_Rewording = tuple[str, str | Callable[[re.Match[str]], str]]
_REWORDINGS: tuple[_Rewording, ...] = (
    # in Galway, no wait, Limerick
    (rf"\b(in|at|from)\s+(?-i:[A-Z])[\w'-]*(?:\s[\w'-]+){{0,3}}?{_RATHER}(?:(?:in|at|from)\s+)?"
     r"(?=(?-i:[A-Z])[a-z])(?!(?:Nurse|Doctor|Dr|Sir|Miss|Mr|Mrs)\b)", r"\1 "),
    (rf"\b(am|is|['\u2019]m|['\u2019]s)\s+{_COUNT}{_RATHER}(?={_COUNT})", r"\1 "),
    (r"(?<=\w)\s+(?:any\s?more|any\s+longer)\b", ""),
    (r"(?<=\w),?\s+(?:actually|really|in\s+fact|honestly|to\s+be\s+honest|as\s+it\s+happens)\b,?",
     ""),
    (r"(?<=\w)\s+(?:now|nowadays)(?=\s*[.,;!]|\s*$)", ""),
    (r"\b(I|we|he|she|my\s+[a-z]+)(\s+am|['\u2019]m)?\s+(?:now|currently)\s+", r"\1\2 "),
    (r"\b(?:but|and)\s+now\s+(?=I\b)", "but "),
    (r"\bnow\s+(?=I['\u2019]?m\b|I\s+am\b|I\s+live\b|I\s+work\b)", ""),
    (r"\b(I|we)(?:['\u2019]ve|\s+have)\s+(?:just\s+|recently\s+)?(?=moved\b|stopped\b|given\s+up\b|quit\b)",
     r"\1 "),
    (r"\bit\s+(?:was|is)(?:\s+not|n['\u2019]?t)\s+(my\s+[a-z]+)\s+(?:who|that)\s+", r"\1 did not "),
    # my name is spelled wrong, it's Margarete
    (r"\bmy\s+name\s+is\s+(?:spelled|spelt|written|pronounced|misspelled|wrong)\b(?:\s+wrong(?:ly)?)?"
     r"[\s,;.:-]+(?:it['\u2019]?s|it\s+is|as|like)?\s*(?-i:(?=[A-Z]))", "my name is "),
    # no longer a baker
    (rf"{_I}(?:['\u2019]?m|\s+am|\s+is|['\u2019]s)\s+no\s+longer\s+(?P<what>working\s+as\s+)?(?P<an>an?\b)?",
     lambda it: f"{_is(it['who'])} {_gone(it)}"),
    (rf"{_I}\s+(?:no\s+longer\s+works?|do(?:es)?(?:\s+not|n['\u2019]?t)\s+work|stopped\s+working"
     r"|quit\s+(?:working|(?:my|her|his)\s+job)|gave\s+up\s+(?:my|her|his)\s+job)\s+as\s+",
     lambda it: "I am no longer " if it["who"] == "I" else f"{_is(it['who'])} not "),
    (rf"{_I}\s+(?:have\s+)?(?:never\s+was|was\s+never|never\s+have\s+been|have\s+never\s+been)\s+",
     lambda it: f"{_is(it['who'])} not "),
    (rf"{_I}\s+no\s+longer\s+(?P<verb>[a-z]+)\s*", _never),
    (rf"{_I}\s+(?:have\s+)?never\s+(?P<verb>(?!knew|heard|saw|met|told|said)[a-z]+)\s+", _never),
    (rf"{_I}\s+(?:stopped|quit|gave\s+up|given\s+up)\s+{_DOING}\s*", _never),
    (rf"{_I}\s+used\s+to\s+(?P<verb>live|work|play|teach|study|drive|like|love|hate|eat|smoke|have)"
     r"(?:\s+(?!as\b)(?P<rest>[^,.;!?]*?))?(?=\s+(?:but|and|before|until)\b|[,.;!?]|\s*$)", _once),
)  # fmt: skip


def _gone(said: re.Match[str]) -> str:
    is_job = said["who"] == "I" and (said["what"] or said["an"])
    return f"{'no longer' if is_job else 'not'} {said['an'] or ''}"


_TABLE = tuple((re.compile(pattern, re.IGNORECASE), words) for pattern, words in _REWORDINGS)


def reworded(sentence: str) -> str:
    """Return a sentence that says that something is no longer so as one that says it is not so."""
    for pattern, words in _TABLE:
        sentence = pattern.sub(words, sentence)
    return sentence


_OF_ONE = re.compile(r"\b(?P<whose>her|his|its)\s+(?=names?\b)|\b(?:he|she)\b", re.IGNORECASE)


def with_noun(sentence: str, noun: str) -> str:
    """Return a sentence with "my sister" for "she", and "my sister's name" for "her name"."""
    return _OF_ONE.sub(lambda it: f"my {noun}'s " if it["whose"] else f"my {noun}", sentence)

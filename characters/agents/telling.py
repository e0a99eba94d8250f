"""The facts that a sentence of the player tells.

Learning is a table of patterns over the original text, because names keep their capital letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from characters.agents.fact_patterns import (
    AGE,
    ANY_JOB,
    ANY_KIN,
    DENIALS,
    END,
    MY_NAME_IS,
    NAME,
    NAMES,
    RULES,
    WORDS,
)
from characters.agents.facts import MAX_VALUE, NO_NAMES, Fact, is_name, with_article
from characters.agents.hearing import Speller
from characters.agents.lexicon import BODY, FACT_WORDS, KIN, STATES

__all__ = [
    "capital", "facts_in", "introduced", "named_after", "named_in", "respelt", "spoken_of",
    "statements", "tidy", "with_kin",
]  # fmt: skip

_BARE = re.compile(
    r"^(?:(?:hello|hi|hey|oh|well|um|erm)[\s,.!]+)*(?P<am>it['\u2019]?s\s+(?:me,?\s+)?"
    r"|it\s+is\s+|just\s+|i['\u2019]?m\s+|i\s+am\s+"
    rf"|this\s+is\s+|(?:the\s+)?name(?:['\u2019]?s|\s+is)\s+)?(?P<value>{NAME})"
    r"(?:\s+(?:btw|by\s+the\s+way|lol|here|really|actually))?(?:,[\s\w]+)?[.!]*$",
    re.IGNORECASE,
)

# What people say of themselves without telling a fact.
_PASSING = re.compile(
    r"^(?:(?:an?|one)\s+)?(?:here|downstairs|upstairs|outside|inside|waiting|coming|over\s+there|next\s+door|fine|sorry|lost|back|ready|sure|not|just|very|"
    r"so|too|you|it|that|this|these|those|bit|little"
    r"|lot|question|problem|moment|minute|good|bad|idea|feeling|fool|"
    r"fan|the\s+(?:one|same|best|worst|boss)|to|your"
    r"|yours|them|him|her|all|going|dead|dying|ill|sick|broken|gone|missing|"
    r"hurt|hurting|in\s+pain|what|how"
    r"|headache|cold|fever|cough|pain|stomach|sore|appointment|point|"
    r"request|look|go|dream|job|chat|seat|visit"
    r"|hard\s+time|guess|secret|favour|favor|joke|message|clue|hint|theory|"
    r"doubt|plan|stranger|while|few|couple"
    r"|mistake|hurry|when|if|where|why|being|none|nothing|something|anything|"
    r"everything|mess|here\s+to|for\s+(?:one|him|her|them|it))\b",
    re.IGNORECASE,
)
_NOT_KEYS = BODY | {
    "god", "turn", "bad", "fault", "pleasure", "guess", "point", "question", "diagnosis", "answer",
    "opinion", "problem", "name", "names", "goodness", "mistake", "idea", "advice", "life", "time",
    "verdict", "conclusion", "theory", "first answer", "last answer", "final answer", "goal",
    "english", "bad day", "score",
}  # fmt: skip
_NOT_PLACES = frozenset({"here", "there", "work", "school", "home", "outside", "far", "above"})
_PLACES = frozenset({"home", "lives"})

_CUT = re.compile(
    r"\s+(?:now|too|as well|these days|at the moment|anymore|actually|"
    r"please|then|instead|after all|today|yesterday|lol|haha|sir|madam"
    r"|though|nowadays|by the way|since .*|if .*|when .*)$",
    re.IGNORECASE,
)
_SENTENCES = re.compile(
    r"(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)(?<!\bProf\.)(?<=[.!?\n;])\s+"
)
_AND_YOU = re.compile(
    r"[\s,]+(?:(?:and\s+)?(?:you|yours|yourself)|(?:what|how)\s+about\s+"
    r"you|(?:and\s+)?who\s+are\s+you)\s*\?\s*$",
    re.IGNORECASE,
)
_MY_NAME = re.compile(r"\bmy\s+name\s+is\b", re.IGNORECASE)
_ASKING = re.compile(
    r"^\W*(?:please\s+)?(?:forget|erase|delete|remove)\b(?!\s+(?:it|that|this)\s*[,.;!-])"
    r"|^\W*(?:and\s+|but\s+|so\s+|then\s+)?(?:repeat\s+after|say|pretend|who|what|where|when|why|"
    r"how|which|is|are|am|was|do|does|did|can|could|will"
    r"|would|should|shall|may|have|has|guess|if)\b",
    re.IGNORECASE,
)
_REFLECTED = {
    "my": "your", "me": "you", "i": "you", "am": "are", "mine": "yours", "myself": "yourself",
    "your": "my", "yours": "mine", "our": "your", "i'm": "you're", "us": "you",
}  # fmt: skip


def facts_in(sentence: str) -> list[Fact]:
    """Return what a sentence tells, in its order; what it denies is none of it."""
    found: list[tuple[int, Fact]] = []
    taken: list[range] = [
        range(*m.span()) for _, pattern in DENIALS for m in pattern.finditer(sentence)
    ]
    for key, pattern in RULES:
        for match in pattern.finditer(sentence):
            span = range(*match.span("value"))
            if any(span.start < other.stop and other.start < span.stop for other in taken):
                continue
            fact = _fact(key, match)
            if fact is not None:
                found.append((span.start, fact))
                taken.append(span)
    return [fact for _, fact in sorted(found, key=lambda item: item[0])]


def introduced(text: str, *, strict: bool = False, is_asked: bool = True) -> str:
    """Return a bare "Ada", "ada" or "it's Ada" as the sentence it stands for; else the text.

    With `strict` only what follows "it is" and the like is taken off. Unless it `is_asked` for, a
    name has to follow "I am", and to look like none of the states that one is in.
    """
    match = _BARE.match(text.strip())
    if strict:
        return re.sub(
            r"^\W*(?:no\W+)?(?:it['\u2019]?s|it\s+is)\s+", "", text.strip(), flags=re.IGNORECASE
        )
    if match is None or not is_name(match.group("value")):
        return text
    if not is_asked and (
        not (match["am"] or "").lower().startswith(("i'm", "i\u2019m", "im", "i am"))
        or re.search(r"[a-z]{3}(?:ed|ish|y)$", match["value"])
    ):
        return text
    return f"My name is {capital(match.group('value'))}"


def capital(name: str) -> str:
    """Return "Ada Marsh" for "ada marsh"."""
    return name.title() if name.islower() and " " in name else name[:1].upper() + name[1:]


def tidy(value: str) -> str:
    """Return a value without what belongs to the sentence: "tea" of "tea, please"."""
    return _CUT.sub("", " ".join(value.split())[:MAX_VALUE]).strip(" .,'")


_OF = {"age of": "age", "lives of": "lives", "works of": "works", "is of": "is"}


def _fact(rule: str, match: re.Match[str]) -> Fact | None:
    key, value = rule or match.group("key").lower(), tidy(match.group("value"))
    if not value:
        return None
    if rule == "kin":
        value = re.sub(r"['\u2019]s$", "", value)  # "my lad Shane's starting"
        return Fact(match["key"].lower(), capital(value)) if is_name(value) else None
    if rule in _OF:
        return Fact(f"{match['key'].lower()} {_OF[rule]}", value)
    if rule == "name":
        return _name(value, is_plain=match.re.pattern == MY_NAME_IS)
    if not rule:
        key = _known_key(key)
        if key == "name":
            return _name(value, is_plain=True)
        if not _is_key(match.group("key")):
            return None
    is_passing = _PASSING.match(value) and not (rule == "study" and value.startswith("to be"))
    if is_passing or (rule in _PLACES and value.lower().split()[-1] in _NOT_PLACES):
        return None
    if rule == "nation":
        value = capital(value)
    return Fact(key, " ".join(_REFLECTED.get(word.lower(), word) for word in value.split()))


_KEYS = Speller(("name", *KIN))


def _known_key(key: str) -> str:
    """Return a key without a typing mistake: "nmae" is the name."""
    return _KEYS.correct(key).strip() or key


def _is_key(noun: str) -> bool:
    *_, last = noun.split()
    is_named = last[0].isupper() and not noun.isupper()  # "my sister Lucy is ...": that is the name
    return not (is_named or noun.lower() in _NOT_KEYS or last.lower() in _NOT_KEYS or len(noun) < 2)


# "my name is actualy Pawel", but not "my name is de Vries"
_BEFORE_A_NAME = re.compile(
    r"^(?!(?:van|von|de|der|den|del|della|la|le|da|di|du|dos|al|el|bin|ben|ter|ten|mac|o)\s)"
    r"[a-z]+\s+(?=[A-Z])"
)


def _name(value: str, *, is_plain: bool) -> Fact | None:
    """Return a name; after "my name is" nearly anything is one."""
    value = _BEFORE_A_NAME.sub("", value)
    first = value.lower().split()[0]
    is_one = is_name(value) if not is_plain else first not in STATES and first not in NO_NAMES
    return Fact("name", capital(value)) if is_one else None


def statements(text: str) -> Iterator[str]:
    """Yield the sentences that are no questions; of "I am Ada, and you?" the first part."""
    for part in _SENTENCES.split(text):
        sentence = _AND_YOU.sub("", part)
        if _ASKING.match(sentence):
            continue
        is_said = not sentence.rstrip().endswith("?") or _MY_NAME.search(sentence)
        yield sentence if is_said else sentence.rpartition(",")[0]


# How people who type as they speak write the words by which facts are told.
_MISSPELT = {"mi": "my", "nam": "name", "lik": "like", "n": "and", "hav": "have", "bro": "brother",
             "sis": "sister", "iam": "I am", "luv": "love", "liv": "live", "calld": "called",
             "ment": "meant", "anymor": "anymore", "hait": "hate", "wrk": "work"}  # fmt: skip
_SPELLER = Speller(KIN | FACT_WORDS)


def respelt(sentence: str) -> str:
    """Return a sentence with the words corrected by which facts are told, its last one as it is."""
    head, _, last = sentence.strip().rpartition(" ")

    def right(word: re.Match[str]) -> str:
        if word[0] in _MISSPELT:
            return _MISSPELT[word[0]]
        return _SPELLER.correct(word[0]).strip() if len(word[0]) > 4 else word[0]

    ending = _MISSPELT.get(last, last)
    return f"{re.sub(r'(?<![^ ])[a-z]+(?![^ ,])', right, head)} {ending}".strip()


_MY_ONE = re.compile(
    rf"\b(?:my|our) (?:best |little |big |older |younger )?({ANY_KIN})\b"
    rf"|\b(?:have|got) (?:an?|one) ([a-z]+)\b",
    re.IGNORECASE,
)
_ITS_NAME = re.compile(
    r"\b(?:(?:her|his|its|their)\s+names?(?:\s+is|\s+was|['\u2019]s|\s+are|(?=\s+(?-i:[A-Z])))|"
    r"(?:she|he|it)(?:\s+is|\s+was|['\u2019]?s)\s+(?:called|named))"
    rf"\s+(?P<value>{NAMES}){END}",
    re.IGNORECASE,
)
_HOW_OLD = re.compile(
    rf"\b(?:she|he|it)(?:\s+(?:is|has|have)|['\u2019]?s)\s+(?P<value>{AGE})(?:\s+years?(?:\s+old)?)?{END}",
    re.IGNORECASE,
)
_WHAT_HE_IS = re.compile(
    rf"\b(?:she|he)(?:\s+is|['\u2019]s)\s+(?:an?\s+)?(?P<value>{ANY_JOB})"
    rf"(?:{END}|(?=\s+(?:in|at|from|here|there|upstairs|downstairs|for|now)\b))",
    re.IGNORECASE,
)
_PLACE = rf"(?P<value>(?:in|near|at|on|by|outside|for)\s+{WORDS}){END}"
_OF_HIM = (  # what is told of one of the player's own as "he" or "she", by the kind of the key
    ("", _ITS_NAME),
    ("age", _HOW_OLD),
    ("is", _WHAT_HE_IS),
    *(
        (kind, re.compile(rf"\b(?:she|he|they)\s+(?:now\s+|really\s+)?{verb}", re.IGNORECASE))
        for kind, verb in (
            ("lives", rf"lives?\s+{_PLACE}"),
            ("works", rf"works?\s+{_PLACE}"),
            (
                "likes",
                rf"(?:likes?|loves?)\s+(?P<value>(?!me\b|you\b|him\b|her\b|it\b){WORDS}){END}",
            ),
        )
    ),
)
_OPENING = re.compile(r"^\W*(?:and\s+|but\s+|oh\s+)?", re.IGNORECASE)


def named_in(text: str, before: str = "") -> Iterator[Fact]:
    """Yield what is told of whom as "my sister is a gossip, her name is Meera".

    `before` is of whom the lines before were.
    """
    for key, pattern in _OF_HIM:
        for told in pattern.finditer(text):
            one = spoken_of(text[: told.start()]) or before
            if one:
                value = tidy(told["value"])
                yield Fact(f"{one} {key}".strip(), with_article(value) if key == "is" else value)


def spoken_of(text: str) -> str:
    """Return of whom a line speaks last: "grandma" for "my grandma", "" for nobody."""
    ones = _MY_ONE.findall(text)
    return "".join(ones[-1]).lower() if ones else ""


def named_after(text: str, one: str) -> tuple[Fact, ...]:
    """Return what a line tells as "her name is Edna" or "she's nine", after lines about one."""
    said = _OPENING.sub("", text)
    is_told = one and any(pattern.match(said) for _, pattern in _OF_HIM)
    return tuple(named_in(said, one)) if is_told else ()


def with_kin(sentence: str, known: Mapping[str, str]) -> str:
    """Return a sentence with "my sister" for her name at its beginning."""
    for key, value in known.items():
        is_of_her = sentence.startswith(f"{value} ") and f"my {key}" not in sentence.lower()
        if key in KIN and value[:1].isupper() and is_of_her:
            return f"my {key} {sentence[len(value) + 1 :]}"
    return sentence

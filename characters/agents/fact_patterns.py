"""The sentences by which a player tells a fact of himself, as regular expressions over his text."""

from __future__ import annotations

import re

from characters.agents.lexicon import DOES, JOBS, KIN, NUMBERS, PEOPLES

__all__ = [
    "AGE", "ANY_JOB", "ANY_KIN", "DENIALS", "END", "MY_NAME_IS", "NAME", "NAMES", "ONES",
    "PROPER", "RULES", "TITLE", "WORDS",
]  # fmt: skip

_STOP = r"[.,;:!?\n]"
_NEXT = r"(?:I|I['\u2019]m|im|my|we|you|it|he|she|they|the|what|who|where|that|is|have|has)\b"
_AGAIN = (
    r"(?:she|he|they|we|i|it|and|but|so|because|by the way|btw|though|nice|who|im|called|named)\b"
)
END = rf"(?=\s*$|\s*{_STOP}|\s+{_AGAIN})"
_PLACE_END = rf"(?:{END}|(?=\s+(?:to|for|with|where|when)\b))"
_LIST_END = rf"(?=\s*$|\s*{_STOP}|\s+(?:but|so|because|by the way|though)\b|\s+and\s+{_NEXT})"
_WORD = r"[^\W_][\w'\u2019-]*"
WORDS = rf"{_WORD}(?:\s+[\w'\u2019-]+){{0,5}}?"
_JOB = rf"{_WORD}(?:\s+(?!from\b|in\b|at\b|of\b)[\w'\u2019-]+){{0,3}}?(?:\s+of\s+[\w'\u2019-]+)?"
_CAPITAL = r"[A-Z\u00c0-\u00de\u0100-\u024f][\w'\u2019-]*"
TITLE = (
    r"(?:(?:Dr|Mr|Mrs|Ms|Prof|St)\.?\s+|(?:Miss|Sir|Lady|Captain|Doctor|Professor|Nurse"
    r"|Inspector|Detective|Officer|Sergeant|Father|Sister|King|Queen|Prince|Princess)\s+)?"
)
NAME = rf"(?-i:{TITLE}[A-Za-z\u00c0-\u024f][\w'\u2019-]*(?:\s+{_CAPITAL}){{0,2}})"
PROPER = rf"(?-i:{TITLE}{_CAPITAL}(?:\s+{_CAPITAL}){{0,2}})"
NAMES = rf"(?-i:{_CAPITAL}(?:(?:\s*,\s*|\s+and\s+|\s*&\s*|\s+){_CAPITAL}){{0,4}})"
_AM = r"\b(?:I(?:\s+am|['\u2019]?m)|i\s+m|We(?:\s+are|['\u2019]re))\s+"
_HAVE = (
    r"\b(?:I|We)(?:\s+have(?:\s+got)?|\s+(?:am|are)\s+having|['\u2019]ve(?:\s+got)?"
    r"|\s+own|\s+got)\s+"
)
_ONE = r"(?:an?|my|one|two|three|four|five|six|\d+|some)\s+"
_CALLED = r"(?:\s+(?:whose\s+name\s+is|is\s+called|are\s+called|called|named|is\s+named)\s+)"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
ONES = "one|two|three|four|five|six|seven|eight|nine"
AGE = rf"(?:\d{{1,3}}|(?:{_TENS})[-\s](?:{ONES})|{'|'.join(sorted(NUMBERS))})(?:\s+and\s+a\s+half)?"
ANY_KIN = "|".join(sorted(KIN))
ANY_JOB = "|".join(sorted(JOBS))

MY_NAME_IS = (
    r"\bmy\s+(?:real\s+|full\s+|first\s+)?names?(?:(?:\s+is|['\u2019]?s|\s+are)\s+"
    rf"|\s+(?-i:(?=[A-Z])))(?P<value>{NAME})"
)
# Searched in order; the first that matches a stretch of text takes it.
RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (key, re.compile(pattern, re.IGNORECASE))
    for key, pattern in (
        ("name", MY_NAME_IS),
        ("name",
            rf"\b(?<!don't )(?<!not )(?:you\s+(?:can|may)\s+)?call\s+me\s+(?P<value>{NAME})"
            rf"{END}"),
        ("name", rf"{_AM}(?:called|named)\s+(?P<value>{NAME})"),
        ("name", rf"\b(?:the\s+)?name\s+of\s+(?:me|mine)\s+is\s+(?P<value>{NAME}){END}"),
        ("name",
            rf"(?:{_AM}calling|\bI\s+call|^\W*me|\bmy\s?self)\s+(?:me\s+|myself\s+)?"
            rf"(?P<value>{PROPER}){END}"),
        ("name", rf"\bWe(?:\s+are|['\u2019]re)\s+(?P<value>{PROPER}\s+(?:and|&)\s+{PROPER}){END}"),
        ("name", rf"^\W*(?:the\s+name|name|mine)(?:['\u2019]s|\s+is)\s+(?P<value>{PROPER}){END}"),
        ("name",
            r"^\W*(?:you\s+(?:can|may)\s+)?call\s+me\s+(?P<value>[a-z]\w+\s+(?!please|when|if|back|by)"
            r"[a-z]\w+)(?:\s+(?:please|lol|haha))?[\s.!]*$"),
        ("name",
            rf"\b(?:they|people|friends|everybody|everyone)\s+calls?\s+me\s+(?P<value>{NAME})"),
        ("age",
            rf"{_AM}(?P<value>{AGE})(?:\s+years?(?:\s+old)?)?(?:\s+now)?"
            rf"(?:{END}|(?=\s+(?:next|this)\b))"),
        ("home",
            rf"(?:{_AM}(?:originally\s+|an?\s+{_JOB}\s+|(?:{'|'.join(sorted(JOBS))})\s+"
            rf"(?:of\s+\w+\s+)?|(?:actually\s+|just\s+)*{PROPER}\s+|coming\s+)?from|my\s+"
            rf"name\s+is\s+{NAME},?\s+from)\s+(?P<value>{WORDS}){_PLACE_END}"),
        ("home",
            r"\bI\s+(?:do\s+|have\s+)?(?:come\s+from|came\s+from|hail\s+from|grew\s+up\s+"
            rf"in|was\s+born\s+in)\s+(?P<value>{WORDS}){_PLACE_END}"),
        ("lives",
            r"\b(?:I|we)\s+(?:do\s+|now\s+|both\s+|all\s+)?live\s+(?:(?:alone|now|together|by\s+myself)"
            r"[\s,]+)*(?P<value>(?:in|near|at|on|by|outside|"
            rf"behind|above)\s+{WORDS}){_PLACE_END}"),
        ("lives", rf"\b(?:I|we)\s+(?:still\s+)?live\s+(?P<value>with\s+{WORDS}){_LIST_END}"),
        ("lives",
            rf"(?:{_AM}|\b(?:but|and)\s+)(?:now\s+|currently\s+)?(?:staying|living)\s+"
            rf"(?P<value>(?:in|near|at)\s+{WORDS}){_PLACE_END}"),
        ("home",
            rf"(?:\b(?:I|we)(?:\s+have|['\u2019]?ve)?\s+|,\s*|\band\s+)(?:just\s+|only\s+)?"
            r"(?:moved|came|flew)\s+(?:(?:over|here|down|up|in)\s+)*from\s+"
            rf"(?![^.,;!?]*\sto\s+(?-i:[A-Z]))(?P<value>{WORDS})(?:{_PLACE_END}|"
            r"(?=\s+(?:last|this|a|two|three|years?|yesterday|today)\b))"),
        ("lives",
            rf"\b(?:(?:I|we)(?:\s+have|['\u2019]ve)?|and)\s+(?:just\s+|recently\s+)?moved\s+"
            rf"(?:(?:over|back|down|up)\s+)?(?:from\s+{WORDS}\s+)?to\s+(?P<value>{WORDS})"
            rf"(?:{_PLACE_END}|(?=\s+(?:last|this|a|in|two|three)\b))"),
        ("profession",
            rf"\bI\s+work\s+(?:here\s+)?(?:as|like)\s+(?:an?\s+|the\s+)?(?P<value>{_JOB})"
            rf"{END}"),
        ("profession",
            rf"\bI\s+work\s+as\s+(?:an?\s+|the\s+)?(?P<value>{_JOB})(?=\s+"
            r"(?:from|in|at)\b)"),
        ("was",
            rf"\bI\s+(?:used\s+to\s+(?:be|work\s+as)|worked\s+as|am\s+no\s+longer|once\s+was)\s+"
            rf"(?:an?\s+)?(?P<value>{_JOB})(?:{END}|(?=\s+(?:for|from|in|at|before|until|once)\b))"),
        ("was",
            rf"\bI\s+(?:was|had\s+been)\s+(?:once\s+)?an?\s+(?P<value>{ANY_JOB})"
            rf"(?:{END}|(?=\s+(?:for|from|in|at|before|until|once)\b))"),
        ("worked", rf"\bI\s+worked\s+(?P<value>(?:in|at|for|on)\s+{WORDS}){_PLACE_END}"),
        ("study",
            rf"{_AM}(?:an?\s+)?(?:[\w-]+\s+)?student\s+(?:(?:of|in)\s+)?"
            rf"(?P<value>(?:(?<=of )|(?<=in )|at\s+){WORDS}){_LIST_END}"),
        ("teach", rf"{_AM}teaching\s+(?P<value>{WORDS}){_LIST_END}"),
        ("learn", rf"{_AM}learning\s+(?P<value>{WORDS}){_LIST_END}"),
        ("study", rf"\bI(?:\s+am|['\u2019]?m)\s+studying\s+(?P<value>{WORDS}){_LIST_END}"),
        ("", rf"\bI\s+(?P<key>{'|'.join(sorted(DOES))})\s+(?P<value>{WORDS}){_LIST_END}"),
        ("play",
            rf"\bI\s+play\s+(?P<value>(?!with\b|games?\b|around\b|along\b|it\b|that\b){WORDS})"
            rf"{_LIST_END}"),
        ("married",
            r"\bI(?:\s+am|['\u2019]?m)\s+(?:happily\s+|newly\s+)?"
            rf"(?P<value>married|single|divorced|engaged|widowed){END}"),
        ("work",
            rf"\bI\s+work\s+(?P<value>(?:in|at|for|on)\s+{WORDS}"
            rf"(?:\s+(?:and|&)\s+(?-i:{_CAPITAL}))?){END}"),
        ("profession",
            rf"{_AM}(?:just\s+|only\s+|also\s+)?(?:an?|the\s+new)\s+(?P<value>{_JOB})(?:{END}|"
            r"(?=\s+(?:from|in|at)\b))"),
        ("profession",
            rf"{_AM}(?P<value>(?:{'|'.join(sorted(JOBS))})(?:\s+of\s+\w+)?)(?:{END}|"
            r"(?=\s+(?:from|in|at)\b))"),
        ("profession", rf"{_AM}the\s+(?P<value>(?:{'|'.join(sorted(JOBS))})){END}"),
        ("profession",
            rf"\bI(?:\s+have|['\u2019]?ve)\s+been\s+an?\s+(?P<value>{ANY_JOB})"
            rf"(?:{END}|(?=\s+(?:for|since|all|now|{AGE})\b))"),
        ("nation", rf"{_AM}(?P<value>{'|'.join(sorted(PEOPLES))}){END}"),
        ("allergy", rf"{_AM}(?:very\s+)?allergic\s+to\s+(?P<value>{WORDS}){_LIST_END}"),
        ("fears",
            rf"{_AM}(?:so\s+|very\s+|really\s+)?(?:afraid|scared|terrified|frightened)"
            rf"\s+of\s+(?P<value>{WORDS}){_LIST_END}"),
        ("dislikes",
            r"\bI\s+(?:really\s+)?(?:hate|dislike|do\s+not\s+like|don['\u2019]?t\s+"
            rf"like|can['\u2019]?t\s+stand|cannot\s+stand)\s+(?P<value>{WORDS})"
            rf"{_LIST_END}"),
        ("likes",
            rf"\bI\s+(?:really\s+|do\s+|also\s+)?(?:like|love|enjoy)\s+(?P<value>{WORDS})"
            rf"{_LIST_END}"),
        ("",
            rf"\bthe\s+name\s+of\s+my\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)\s+is\s+(?P<value>{NAMES}"
            rf"){END}"),
        ("",
            rf"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)['\u2019]?s\s+name\s+is\s+(?P<value>{NAMES}"
            rf"){END}"),
        ("",
            r"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)(?:['\u2019]s\s+called|\s+is\s+"
            r"called|\s+are\s+called|\s+is\s+named|\s+are\s+named|\s+are|\s+is)"
            rf"\s+(?P<value>{NAMES}){END}"),
        ("kin",
            rf"\bmy\s+(?P<key>{ANY_KIN}),?\s+(?P<value>(?-i:(?!I\b|I['\u2019])){PROPER})\b"),
        ("",
            rf"\bmy\s+(?:two|three|four|five)\s+(?P<key>{ANY_KIN}),?\s+(?P<value>{NAMES}){END}"),
        ("kin", rf"(?:^|\band\s+|[,;]\s*)(?P<value>{PROPER}|[a-z]{{3,}})\s+is\s+my\s+"
            rf"(?P<key>{ANY_KIN}){END}"),
        ("works of",
            rf"\bmy\s+(?P<key>{ANY_KIN})(?:,?\s+(?-i:{_CAPITAL}),?)?\s+(?:now\s+)?works?\s+"
            rf"(?P<value>(?:here|(?:in|at|for|as|on)\s+{WORDS})(?:\s+as\s+{WORDS})?){END}"),
        ("lives of",
            rf"\bmy\s+(?P<key>{ANY_KIN})(?:,?\s+(?-i:{_CAPITAL}),?)?\s+(?:now\s+)?lives?\s+"
            rf"(?P<value>(?:in|near|at|on|by|outside)\s+{WORDS}){_PLACE_END}"),
        ("lives of",
            rf"\bmy\s+(?P<key>{ANY_KIN})(?:,?\s+(?-i:{_CAPITAL}),?)?\s+(?:has\s+|just\s+)*moved\s+"
            rf"(?:back\s+)?(?:from\s+{WORDS}\s+)?to\s+(?P<value>{WORDS}){_PLACE_END}"),
        ("age of",
            rf"\bmy\s+(?P<key>{ANY_KIN})(?:,?\s+(?-i:{_CAPITAL}),?)?\s+is\s+(?P<value>{AGE})"
            rf"(?:\s+years?(?:\s+old)?)?{END}"),
        ("",
            rf"\b(?:re)?named\s+my\s+(?P<key>[a-z]+)\s+(?:to\s+)?(?P<value>{NAMES}){END}"),
        ("is of", rf"\bmy\s+(?P<key>{ANY_KIN})\s+(?P<value>(?:is|was)\s+(?:{ANY_JOB}))"
            rf"(?:{END}|(?=\s+(?:also|too|once)\b))"),
        ("is of",
            rf"\bmy\s+(?P<key>{ANY_KIN})\s+{PROPER},?\s+(?:(?:he|she)\s+|who\s+)?"
            rf"(?P<value>(?:is|was)\s+an?\s+{WORDS}){END}"),
        ("",
            rf"{_HAVE}{_ONE}(?:[a-z]+\s+)?(?P<key>[a-z]+){_CALLED}(?P<value>{NAMES}|"
            rf"{_WORD}){END}"),
        ("", rf"{_HAVE}{_ONE}(?P<key>[a-z]+)\s*,\s*(?P<value>{NAMES}){END}"),
        ("",
            rf"(?:\band|,|\b(?:he|she|they)\s+(?:has|have|had|got))\s+{_ONE}(?P<key>[a-z]+)"
            rf"{_CALLED}(?P<value>{NAMES}){END}"),
        ("",
            r"\b(?:the|my|an?)\s+(?P<key>[a-z]+),?\s+(?:who|which|that)(?:['\u2019]s|\s+is|\s+are)\s+"
            rf"(?:called|named)\s+(?P<value>{NAMES}){END}"),
        ("",
            r"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)\s+(?:is\s+called|is\s+named|"
            rf"is|are)\s+(?P<value>{WORDS}){_LIST_END}"),
        ("",
            rf"\bmy\s+(?P<key>{ANY_KIN})['\u2019]s\s+(?P<value>an?\s+{WORDS})"
            rf"{_LIST_END}"),
        ("", rf"\bmy\s+(?P<key>[a-z]+)\s+(?P<value>was\s+an?\s+{WORDS}){END}"),
        ("has",
            rf"{_HAVE}(?P<value>(?:an?|one|two|three|four|five|six|seven|eight|nine|"
            rf"ten|\d+)\s+{WORDS})(?:{_LIST_END}|(?=\s+for\b))"),
        ("has",
            rf"{_HAVE}(?P<value>(?:{ANY_KIN})(?:\s+and\s+(?:an?|\d+|{ONES})\s+[a-z]+)?){_LIST_END}"),
        ("name",
            rf"{_AM}(?:an?|the|your)\s+[a-z]+(?:\s+[a-z]+){{0,2}},\s+(?P<value>{PROPER}){END}"),
        ("name",
            rf"{_AM}(?:actually\s+|just\s+|only\s+|really\s+)*"
            rf"(?P<value>{PROPER})(?:{END}|(?=\s+(?:from|of|since|now)\b))"),
    )
)  # fmt: skip

DENIALS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (key, re.compile(pattern, re.IGNORECASE))
    for key, pattern in (
        ("name",
            r"\bmy\s+name(?:\s+is\s+not|\s+isn['\u2019]?t|['\u2019]s\s+not)\s+"
            rf"(?P<value>{NAME})"),
        ("name", rf"{_AM}not\s+(?:called\s+|named\s+)?(?P<value>{PROPER}){END}"),
        ("profession",
            rf"{_AM}(?:not|no(?!\s+longer))\s+(?:an?\s+)?(?P<value>(?-i:[a-z]){_JOB})(?:\s+"
            rf"anymore)?{END}"),
        ("lives",
            rf"\bI\s+(?:do\s+not|don['\u2019]?t)\s+live\s+(?P<value>in\s+{WORDS})"
            rf"{_PLACE_END}"),
        ("home", rf"{_AM}not\s+from\s+(?P<value>{WORDS}){_PLACE_END}"),
        ("has",
            r"\b(?:I|we)(?:(?:\s+have|['\u2019]?ve)?\s+(?:never|no\s+longer)|\s+do\s+not|\s+don['\u2019]?t|"
            r"(?:\s+have\s+not|\s+haven['\u2019]?t|\s+ain['\u2019]?t))(?:\s+(?:have|had|own|got))+\s+"
            rf"(?P<value>(?:an?|any|no|my)\s+{WORDS}){END}"),
        ("has",
            r"\b(?:I|we)(?:\s+have|['\u2019]?ve)(?:\s+got)?\s+(?P<value>no\s+(?!idea|clue|doubt|time)"
            rf"{WORDS}){END}"),
        ("",
            r"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)(?:['\u2019]s\s+name)?\s+(?:is|are)"
            rf"(?:\s+not|n['\u2019]?t)\s+(?:called\s+|named\s+)?(?P<value>{WORDS}){END}"),
    )
)  # fmt: skip

"""What of a language model's answer is speech: a stream of pieces in, parts of an answer out.

Two steps, each of which takes one character after the other, so that it makes no difference how
the stream was cut:

    ReservedMarks   <think>..</think>, <|im_end|>, [INST], <tool_call>..: gone, with their contents
    SpokenText      *sighs*, **bold**, [joy], (looks up), links, lists, JSON: gone, or plain words;
                    whole words go out, with one space between, as `Say` and `Feel`

An answer may begin in the middle of a thought whose opening the server kept for itself: only
`</think>` tells. `SpokenText(holds=True)` therefore keeps an answer until its end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from characters.agents.agent import Feel, Part, Say

__all__ = ["FEELINGS", "merged", "SpokenText"]

FEELINGS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("joy", "joyful", "happy", "happiness", "amused", "delighted"), "joy"),
        **dict.fromkeys(("sadness", "sad", "grief", "sorrow", "melancholy"), "sadness"),
        **dict.fromkeys(("anger", "angry", "annoyed", "irritated", "furious"), "anger"),
        **dict.fromkeys(("fear", "afraid", "scared", "anxious", "nervous", "worried"), "fear"),
        **dict.fromkeys(("surprise", "surprised", "shocked", "astonished"), "surprise"),
        **dict.fromkeys(("disgust", "disgusted"), "disgust"),
        **dict.fromkeys(("trust", "trusting", "friendly", "warm", "love", "affection"), "trust"),
        **dict.fromkeys(("anticipation", "curious", "excited", "interested"), "anticipation"),
        **dict.fromkeys(("pain", "hurt"), "pain"),
        **dict.fromkeys(("calm", "content", "serene", "thoughtful"), "calm"),
        "neutral": "neutral",
    }
)
"""The words for a feeling that are understood in brackets, and the emotion that each is."""

# --- marks of chat templates, thoughts, calls -----------------------------------------------------

MOST_MARK = 120  # characters of a mark
MOST_CALL = 8000  # characters of a call that are kept
_THOUGHTS = frozenset(
    {"think", "thinking", "thought", "thoughts", "reasoning", "reflection", "analysis"}
    | {"scratchpad", "seed:think", "begin_of_thought", "inner_monologue", "internal"}
)
_CALLS = frozenset(
    {"tool_call", "tool_calls", "function_call", "function_calls", "tool", "tools", "function"}
    | {"invoke", "tool_response", "tool_output", "tool_result", "tool_code", "python_tag"}
    | {"tool_calls_begin", "tool_call_begin", "available_tools", "parameter", "call"}
)
_ENDS = frozenset(
    {"s", "im_end", "eot_id", "end_of_text", "endoftext", "end_of_turn", "eos", "end", "return"}
    | {"eom_id", "end_of_sentence", "inst", "eot", "turn"}
)
_STARTS = frozenset({"im_start", "start_of_turn", "start_header_id", "start", "start_of_role"})
_OTHERS = frozenset({"user", "human", "system", "tool", "ipython", "developer", "player", "inst"})

_SPEAKS_AGAIN = frozenset({"assistant", "end", "return"})
_BREAKS = frozenset({"br", "p", "li", "div", "hr", "ul", "ol"})
_ANGLE = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]*)(?:=[\w.-]+)?"
    r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+))*\s*/?>"
)
_BAR = re.compile(r"<(?P<close>/?)[|\uff5c](?P<name>/?[^<>|\uff5c]*)[|\uff5c]?>")
_CORNER = re.compile(r"\u25c1(?P<close>/?)(?P<name>\w+)\u25b7")
_SQUARE = re.compile(r"\[(?P<close>/?)(?P<name>[A-Z][A-Z_]{2,})\]")
_DOUBLE = re.compile(r"<<(?P<close>/?)(?P<name>\w+)>>")
_SHAPES = (_BAR, _ANGLE, _CORNER, _SQUARE, _DOUBLE)
_BEGINNINGS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "<": re.compile(r"<(?:/|<)?(?:[A-Za-z/][^<>\n]*|[|\uff5c][^<>\n]*)?>?"),
        "\u25c1": re.compile(r"\u25c1/?\w*"),
        "[": re.compile(r"\[/?[A-Z_]*"),
    }
)
_CLOSERS: Mapping[str, str] = MappingProxyType({"<": ">", "\u25c1": "\u25b7", "[": "]"})


class ReservedMarks:
    """Takes out what is written for a program: marks, thoughts, calls.

    `unopened` is called when a thought ends that never began. `is_over` is whether the answer has
    ended, whatever follows; `calls` are the texts of calls.
    """

    def __init__(self, unopened: Callable[[], None], opened: Callable[[], None]) -> None:
        self.is_over = False
        self.calls: list[str] = []
        self._unopened = unopened
        self._opened = opened
        self._hold = ""
        self._has_spoken = False
        self._take = self._text
        self._call = ""
        self._word = ""  # after a mark that a name follows: a role, a channel

    def take(self, c: str) -> str:
        """Take a character, return those that are text."""
        return "" if self.is_over else self._take(c)

    def end(self) -> str:
        """Return what is left: the beginning of a mark that was none."""
        held, self._hold = self._hold, ""
        if self._call:
            self.calls.append(self._call)
        is_text = self._take == self._text and not self.is_over
        return held if is_text and not _is_half_a_mark(held) else ""

    def _text(self, c: str) -> str:
        mark, passed = self._mark(c)
        self._has_spoken = self._has_spoken or (not passed.isspace() and bool(passed))
        return passed if mark is None else passed + self._marked(*mark)

    def _mark(self, c: str) -> tuple[tuple[str, bool, str] | None, str]:
        """Return the mark that is complete with a character, and what turned out to be text."""
        if not self._hold:
            self._hold = c if c in _CLOSERS else ""
            return None, "" if self._hold else c
        first, held = self._hold[0], self._hold + c
        is_double = held.startswith("<<") and not held.endswith(">>")
        if c == _CLOSERS[first] and not is_double:
            self._hold = ""
            return self._read(held)
        if _BEGINNINGS[first].fullmatch(held) and len(held) <= MOST_MARK:
            self._hold = held
            return None, ""
        self._hold = ""
        mark, passed = self._mark(c)
        return mark, held[:-1] + passed

    def _read(self, held: str) -> tuple[tuple[str, bool, str] | None, str]:
        for shape in _SHAPES:
            found = shape.fullmatch(held)
            if found is not None:
                name = found["name"].lower().replace("\u2581", "_").strip()
                is_close = bool(found["close"]) or name.startswith("/")
                return (name.strip("/"), is_close, held), ""
        return None, held

    def _marked(self, name: str, is_close: bool, mark: str) -> str:
        """Return what stands for a mark in the text."""
        if name in _THOUGHTS or name == "end_of_thought":
            if is_close or name == "end_of_thought":
                self._unopened()
            else:
                self._opened()
                self._take = self._thought
        elif name in _CALLS and not is_close:
            self._call, self._take = mark, self._called
        elif name in _STARTS:
            self._word, self._take = "", self._role
        elif name == "channel":
            self._word, self._take = "", self._channel
        elif mark == "[INST]" or (mark[1] in "|\uff5c" and name in _OTHERS):
            self._other()
        elif self._is_end(name, is_close, mark):
            self.is_over = self._has_spoken
        return "\n" if name in _BREAKS else ""

    def _is_end(self, name: str, is_close: bool, mark: str) -> bool:
        if name in ("s", "inst"):
            return is_close
        return name in _ENDS and (mark[1] in "|\uff5c" or name not in ("end", "return", "turn"))

    def _other(self) -> None:
        """Go on where somebody else speaks: after an answer that is its end."""
        self.is_over = self._has_spoken
        self._take = self._thought

    def _thought(self, c: str) -> str:
        mark, _ = self._mark(c)
        if mark is not None:
            name, is_close, held = mark
            if (name in _THOUGHTS and is_close) or name == "end_of_thought":
                self._take = self._text
            elif name in _STARTS:
                self._word, self._take = "", self._role
            elif name == "channel":
                self._word, self._take = "", self._channel
            elif held == "[/INST]" or (held[1] in "|\uff5c" and name in _SPEAKS_AGAIN):
                self._take = self._text
        return ""

    def _called(self, c: str) -> str:
        self._call = (self._call + c)[:MOST_CALL]
        mark, _ = self._mark(c)
        if mark is not None:
            name, is_close, held = mark
            is_over = name in _ENDS and held[1] in "|\uff5c"
            if is_over or (is_close and name in _CALLS and name != "parameter"):
                self.calls.append(self._call)
                self._call, self._take = "", self._text
                self.is_over = self.is_over or (is_over and self._has_spoken)
        return ""

    def _role(self, c: str) -> str:
        """Take the name of who speaks next, up to the end of its line or a mark."""
        if self._hold or c == "<":
            mark, _ = self._mark(c)
            if mark is None:
                return ""
            self._spoken_by(self._word)
            is_header = mark[0] in ("end_header_id", "end_of_role", "message")
            return "" if is_header or self._take != self._text else self._marked(*mark)
        if c == "\n" or len(self._word) > 20:
            self._spoken_by(self._word)
        else:
            self._word += c
        return ""

    def _spoken_by(self, role: str) -> None:
        self._take = self._text
        if role.strip().lower() in _OTHERS:
            self._other()

    def _channel(self, c: str) -> str:
        mark, _ = self._mark(c)
        self._word = (self._word + c)[:MOST_MARK]
        if mark is not None and mark[0] == "message":
            is_said = self._word.strip().lower().startswith("final")
            self._take = self._text if is_said else self._thought
        return ""


def _is_half_a_mark(held: str) -> bool:
    """Tell whether the end of a stream is the beginning of a mark, not of a word."""
    name = held.lstrip("</|\uff5c[\u25c1").lower()
    if held.startswith(("<|", "<\uff5c", "</", "<<", "\u25c1")):
        return True
    known = _THOUGHTS | _CALLS | _ENDS | _STARTS | {"inst"}
    return bool(name) and any(word.startswith(name.rstrip("]>")) for word in known)


# --- markup ---------------------------------------------------------------------------------------

MOST_GROUP = 160  # characters of a stage direction
MOST_DATA = 4000  # of JSON, of a fence
# Words with the ending of a verb or an adverb, with which nobody tells what is being done.
_NOT_DONE = re.compile(
    r"this|is|was|his|its|yes|us|always|perhaps|less|unless|as|thus|has|does|sometimes|towards|yours"
    r"|besides|nonetheless|across|ours|hers|theirs|mine|thanks|cheers|news|bless|guess|miss|nothing"
    r"|something|anything|everything|morning|evening|king|bring|sing|thing|during|being|only|really"
    r"|early|family|holy|ugly|ally"
)
_DONE = re.compile(r"pause|beat|sigh|silence|laugh|cough|ooc|aside|whisper")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")


def is_direction(text: str, *, opens_sentence: bool) -> bool:
    """Tell whether what stands between asterisks or brackets is done, and not said."""
    words = _WORD.findall(text.lower())
    if not words:
        return True
    first = words[0]
    if _DONE.fullmatch(first) or len(words) > 8:
        return True
    if not _NOT_DONE.fullmatch(first) and len(first) > 3:
        if first.endswith(("s", "ing")) and not first.endswith(("ss", "'s", "\u2019s")):
            return True
        if first.endswith("ly") and (len(words) == 1 or opens_sentence):
            return True
    return opens_sentence and text[:1].islower() and first != "i"


_EYES = r"(?<![:;=^'-])"  # of a smiley, whose mouth is no bracket
_FENCE = re.compile(r"```.*?```", re.DOTALL)
_DATA = re.compile(r"[\[{]\s*(?:[\"{\[]|$)")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(
    r"<[a-z]+://[^\s<>]*>|<[^@\s<>]+@[^@\s<>]+>|(?:\b[a-z]+://|\bwww\.)[^\s)\]>]*[^\s)\]>.,!?;:]",
    re.IGNORECASE,
)
_BRACE = re.compile(r"\{[^{}]*\}")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_STRONG = re.compile(r"\*\*+|(?<!\w)__+|__+(?!\w)|~~+|`+")
_STAR = re.compile(r"\*([^*]+)\*")
_UNDER = re.compile(r"(?<!\w)_([^_]+)_(?!\w)")
_PAREN = re.compile(_EYES + r"\(([^()]*)" + _EYES + r"\)")
_STRAY = re.compile(r"(?<!\d)\*|\*(?!\d)|[\[\]|{}]|(?<!\w)_|_(?!\w)")
_OPEN_PAREN = re.compile(_EYES + r"\(")
_SHUT_PAREN = re.compile(_EYES + r"\)")
_OPEN_STAR = re.compile(r"(?<![*\w])\*(?![*\s]|$)")
_OPEN_UNDER = re.compile(r"(?<![_\w])_(?![_\s]|$)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ITEM = re.compile(r"[-+*\u2022]|\d{1,2}[.)]")
_SIGNS = re.compile(r"#{1,6}|>+|-{3,}|={3,}|\*{3,}|_{3,}")
_RULE = re.compile(r"[-=:]{3,}")
_ENDED = re.compile(r"[.!?\u2026][\"'\u201d\u2019)]*$")
_MARKS_ONLY = re.compile(r"[.,!?;:\u2026\"'\u201d\u2019]+")
_STRENGTH: Mapping[str, int] = MappingProxyType({"1": 1, "2": 2, "3": 3, "slightly": 1, "very": 3})
_FEELING_WORDS = frozenset({"emotion", "feeling", "mood", "feel", "scale", "intensity", "a", "bit"})
_STRANGERS = frozenset({"user:", "human:", "player:", "visitor:", "instruction:"})
_OWN_LABELS = frozenset({"assistant", "response", "answer", "character", "npc", "bot", "reply"})


def _is_open(chunk: str) -> int:
    """Return how long a chunk may get before it counts as closed, 0 if nothing in it is open."""
    found = _DATA.search(chunk)
    if chunk.count("```") % 2 or (found is not None and not _is_balanced(chunk[found.start() :])):
        return MOST_DATA
    is_group = (
        chunk.count("[") > chunk.count("]")
        or chunk.count("{") > chunk.count("}")
        or len(_OPEN_PAREN.findall(chunk)) > len(_SHUT_PAREN.findall(chunk))
    )
    is_group = is_group or any(
        opening.search(group.sub("", _STRONG.sub("", chunk)))
        for opening, group in ((_OPEN_STAR, _STAR), (_OPEN_UNDER, _UNDER))
    )
    return MOST_GROUP if is_group else 0


def _is_balanced(data: str) -> bool:
    plain = _STRING.sub("", data)
    return plain.count("{") + plain.count("[") <= plain.count("}") + plain.count("]")


def feeling(text: str) -> Feel | None:
    """Return the feeling that a text in brackets names: "joy", "emotion: sad", "very happy"."""
    words = re.findall(r"[a-z]+|\d", text.lower())
    named = [word for word in words if word in FEELINGS]
    rest = set(words) - set(named) - _STRENGTH.keys() - _FEELING_WORDS
    if len(named) != 1 or rest:
        return None
    scale = next((_STRENGTH[word] for word in words if word in _STRENGTH), 2)
    return Feel(FEELINGS[named[0]], scale)


class SpokenText:
    """The speech in one answer of a model; feed it the pieces, then `end` it.

    `names` are those of the speaker, which an answer may begin with. With `holds` nothing goes out
    before the end, or before a thought ends that never began: `was_unopened` says that one did.
    `is_over` is whether the answer has ended, whatever still comes; `calls` are the texts of calls
    and of data, which were not spoken.
    """

    def __init__(self, names: Iterable[str] = (), *, holds: bool = False) -> None:
        self.was_unopened = False
        self._marks = ReservedMarks(self._forget, self._decide)
        self._names: Collection[str] = {*_OWN_LABELS, *(name.lower() for name in names)}
        self._half = ""  # of a pair of surrogates
        self._holds = holds
        self._data: list[str] = []
        self._forget_words()

    def _forget_words(self) -> None:
        self._parts: list[Part] = []
        self._chunk = ""
        self._opening: list[str] | None = []  # the first words, which may be the speaker's name
        self._last = ""  # the last word that went out
        self._is_over = self._was_dropped = self._is_item = False
        self._is_new_line = True
        self._lines = 0

    @property
    def is_over(self) -> bool:
        """Whether the answer has ended."""
        return self._is_over or self._marks.is_over

    @property
    def calls(self) -> tuple[str, ...]:
        """The texts that are meant for a program."""
        return (*self._marks.calls, *self._data)

    def feed(self, piece: str) -> list[Part]:
        """Take a piece of the answer, return what can be let out."""
        for c in piece:
            self._whole(c)
        return [] if self._holds else self._let_out()

    def end(self) -> list[Part]:
        """Take the end of the answer, return the rest."""
        self._half = ""
        for c in self._marks.end():
            self._text(c)
        self._chunk_ends(is_end=True)
        self._open()
        self._holds = False
        return self._let_out()

    def release(self) -> list[Part]:
        """Hold nothing back from now on; return what was held."""
        self._holds = False
        return self._let_out()

    def _let_out(self) -> list[Part]:
        parts, self._parts = self._parts, []
        return merged(parts)

    # --- thoughts ---

    def _forget(self) -> None:
        """Take back what is not let out yet: it was a thought."""
        self.was_unopened = True
        self._holds = False
        self._data.clear()
        self._forget_words()

    def _decide(self) -> None:
        """Hold nothing back: this answer says where its thoughts begin."""
        self._holds = False

    # --- characters ---

    def _whole(self, c: str) -> None:
        """Join the halves of a character; half of one alone is dropped."""
        if "\ud800" <= c <= "\udbff":
            self._half = c
            return
        if "\udc00" <= c <= "\udfff":
            high, self._half = self._half, ""
            if not high:
                return
            c = (high + c).encode("utf-16", "surrogatepass").decode("utf-16")
        self._half = ""
        if c >= " " or c in "\t\n":
            for passed in self._marks.take(c) if c not in "\ufeff\u200b\u2060\x7f" else "":
                self._text(passed)

    def _text(self, c: str) -> None:
        if self._is_over:
            return
        if not c.isspace():
            self._chunk += c
            return
        limit = _is_open(self._chunk) if self._chunk else 0
        if limit > len(self._chunk) and (c != "\n" or limit == MOST_DATA):
            self._chunk += c
            return
        self._chunk_ends()
        if c == "\n":
            self._line_ends()

    def _line_ends(self) -> None:
        if self._is_item and self._last[-1:].isalnum():
            self._parts.append(Say(","))
        self._is_item = False
        self._is_new_line = True
        self._lines += bool(self._last)

    # --- chunks: a word, or what belongs together ---

    def _chunk_ends(self, *, is_end: bool = False) -> None:
        chunk, self._chunk = self._chunk, ""
        if not chunk:
            return
        is_new_line, self._is_new_line = self._is_new_line, False
        if is_new_line and self._is_sign(chunk):
            self._is_new_line = True
            return
        text = chunk if chunk == "*" else self._plain(chunk, is_end=is_end).strip()
        if text != chunk and (not text or _MARKS_ONLY.fullmatch(text)):
            self._was_dropped = True
        self._is_new_line = is_new_line and not text
        for word in text.split():
            self._word(word, is_new_line=is_new_line)
            is_new_line = False

    def _is_sign(self, chunk: str) -> bool:
        """Tell whether a chunk at the beginning of a line is a heading's, a list's, a quote's."""
        if _ITEM.fullmatch(chunk) and (self._lines or not chunk[0].isdigit()):
            self._is_item = True
            return True
        return _SIGNS.fullmatch(chunk) is not None

    def _plain(self, chunk: str, *, is_end: bool) -> str:
        """Return the words of a chunk; feelings and data go their own ways."""
        text = _IMAGE.sub("", self._without_data(chunk, is_end=is_end))
        text = _ADDRESS.sub("", _LINK.sub(r"\1", text))
        while (braced := _BRACE.sub("", text)) != text:
            text = braced
        text = _STRONG.sub("", _BRACKET.sub(self._bracket, text))
        text = _UNDER.sub(self._emphasis, _STAR.sub(self._emphasis, text))
        text = _PAREN.sub(self._parenthesis, text)
        text = html.unescape(_STRAY.sub("", self._without_open(text) if is_end else text))
        return "" if _RULE.fullmatch(text) else _ANGLE.sub("", _BAR.sub("", text))

    def _without_data(self, chunk: str, *, is_end: bool) -> str:
        text = _FENCE.sub(self._datum, chunk)
        if text.count("```"):
            text = self._cut(text, text.index("```"), len(text))
        while (found := _DATA.search(text)) is not None and found.end() > found.start() + 1:
            start = found.start()
            ends = (n for n in range(start + 1, len(text) + 1) if text[n - 1] in "]}")
            end = next((n for n in ends if _is_balanced(text[start:n])), len(text))
            text = self._cut(text, start, end)
        return text

    def _cut(self, text: str, start: int, end: int) -> str:
        self._data.append(text[start:end].strip("`"))
        return text[:start] + text[end:]

    def _datum(self, match: re.Match[str]) -> str:
        self._data.append(match[0].strip("`"))
        return ""

    def _bracket(self, match: re.Match[str]) -> str:
        felt = feeling(match[1])
        if felt is not None:
            self._open()
            self._parts.append(felt)
        return ""

    @property
    def _opens_sentence(self) -> bool:
        return not self._last or _ENDED.search(self._last) is not None

    def _emphasis(self, match: re.Match[str]) -> str:
        before = match.string[: match.start()].strip()
        opens = _ENDED.search(before) is not None if before else self._opens_sentence
        return "" if is_direction(match[1], opens_sentence=opens) else match[1]

    def _parenthesis(self, match: re.Match[str]) -> str:
        return "" if is_direction(match[1], opens_sentence=False) else match[0]

    def _without_open(self, text: str) -> str:
        """Return the end of an answer without a group that was never closed, unless it is said."""
        for opening in (re.compile(r"\["), re.compile(r"\{"), _OPEN_PAREN, _OPEN_STAR, _OPEN_UNDER):
            found = opening.search(text)
            if found is None:
                continue
            inner = text[found.end() :]
            is_said = found[0] in "(*_" and not is_direction(
                inner, opens_sentence=found[0] != "(" and self._opens_sentence
            )
            if not is_said:
                text = text[: found.start()]
        return _OPEN_PAREN.sub("", text, 1) if text.count("(") > text.count(")") else text

    # --- words ---

    def _word(self, word: str, *, is_new_line: bool) -> None:
        if is_new_line and self._lines and word.lower() in _STRANGERS:
            self._is_over = True
        if self._is_over or (is_new_line and self._lines and self._is_label(word)):
            return
        if self._opening is None:
            self._say(word)
            return
        self._opening.append(word)
        so_far = " ".join(self._opening).lower()
        if self._is_label(so_far):
            self._opening = None
        elif not any(name.startswith(so_far) for name in self._names):
            self._open()

    def _is_label(self, text: str) -> bool:
        return text.endswith(":") and text.rstrip(":").lower() in self._names

    def _open(self) -> None:
        """Say the first words: they are not the speaker's name."""
        words, self._opening = self._opening or (), None
        for word in words:
            self._say(word)

    def _say(self, word: str) -> None:
        is_joined = self._was_dropped and _MARKS_ONLY.fullmatch(word)
        self._was_dropped = False
        if is_joined and self._opens_sentence:
            return
        between = "" if is_joined or not self._last else " "
        self._last = word
        self._parts.append(Say(between + word))


def merged(parts: Iterable[Part]) -> list[Part]:
    """Return parts with pieces of text that follow one another made one."""
    result: list[Part] = []
    for part in parts:
        if isinstance(part, Say) and result and isinstance(result[-1], Say):
            result[-1] = Say(result[-1].text + part.text)
        else:
            result.append(part)
    return result

"""The words of mistakes: how values look in a sentence, near misses, what each type wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

__all__ = ["SENTENCES", "as_toml", "did_you_mean", "one_of"]

_LONGEST_GOT = 60
_MOST_CHOICES = 12


def did_you_mean(
    word: str, known: Iterable[str], *, likeness: float = 0.6
) -> tuple[str, str | None]:
    """Return a hint for a word that is not known, and the one that was surely meant or None."""
    names = list(dict.fromkeys(known))
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, n=3, cutoff=likeness)
    if close:
        sure = get_close_matches(word.casefold(), close, n=2, cutoff=0.8)
        hint = " or ".join(folded[name] for name in close)
        return hint, folded[sure[0]] if len(sure) == 1 else None
    if 0 < len(names) <= _MOST_CHOICES:
        return "one of " + ", ".join(names), None
    return "", None


def one_of(names: Sequence[str]) -> str:
    """Return the sentence for a value that is none of the names."""
    return "must be one of " + ", ".join(names)


def as_toml(value: Any) -> str:
    """Return a value the way it is written in TOML, shortened to fit in a sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{k} = {as_toml(v)}" for k, v in value.items()) + "}"
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(map(as_toml, value)) + "]"
    elif isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST_GOT else text[: _LONGEST_GOT - 1] + "…"


def _bound(words: str, key: str) -> Callable[[Mapping[str, Any]], str]:
    def sentence(context: Mapping[str, Any]) -> str:
        bound = context.get(key)
        return f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}"

    return sentence


def _count(words: str, key: str, what: str) -> Callable[[Mapping[str, Any]], str]:
    def sentence(context: Mapping[str, Any]) -> str:
        count, actual = context.get(key), context.get("actual_length")
        return f"{words} {count} {what}" + (f", not {actual}" if actual is not None else "")

    return sentence


_TABLE = "must be a table"
_LIST = "must be a list in [brackets]"
SENTENCES: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": 'must be text in "quotes"',
    "none_required": 'must be "none"',
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "dataclass_type": _TABLE,
    "greater_than": _bound("must be more than", "gt"),
    "greater_than_equal": _bound("must be at least", "ge"),
    "less_than": _bound("must be less than", "lt"),
    "less_than_equal": _bound("must be at most", "le"),
    "too_short": _count("must hold at least", "min_length", "values"),
    "too_long": _count("must hold at most", "max_length", "values"),
    "string_too_short": _count("must be at least", "min_length", "characters long"),
    "string_too_long": _count("must be at most", "max_length", "characters long"),
    "string_pattern_mismatch": _bound("must match", "pattern"),
}
"""What to say for each kind of pydantic error: a sentence, or how to make one of its context."""

"""A promise of the product, and what is raised when it was not kept."""

from __future__ import annotations

__all__ = ["BrokenPromise", "promise"]


class BrokenPromise(Exception):  # noqa: N818 - "broken" says that it is an error
    """Something happened that must never happen; `who` is the character that it happened to."""

    def __init__(self, sentence: str, who: str = "") -> None:
        super().__init__(sentence)
        self.who = who


def promise(is_kept: object, sentence: str, who: str = "") -> None:
    """Raise `BrokenPromise` unless it is kept; the sentence says what went wrong."""
    if not is_kept:
        raise BrokenPromise(sentence, who)

"""Fields of settings: choices that may be set by a word, and checks, which name the field."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar

__all__ = ["by_default", "check_number", "check_range", "check_variable", "Choice", "set_member"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

T = TypeVar("T")
W = TypeVar("W")


class Choice(Generic[T, W]):
    """The annotation of a field that holds a `T` and may also be set to one of the words `W`.

        connect: Choice[ConnectMode, Literal["on_start", "manual"]] = by_default(ConnectMode.MANUAL)

    For type checkers it is a descriptor, so that they take the word and read the member. At run
    time `Choice[T, W]` is `T`: components turn words into members by `engine.objects.choices`,
    settings by `set_member`.
    """

    if TYPE_CHECKING:

        def __get__(self, owner: object, kind: Any = None) -> T: ...

        def __set__(self, owner: object, value: T | W) -> None: ...

    else:

        def __class_getitem__(cls, parameters: tuple[T, W]) -> T:
            """Return what the field holds."""
            return parameters[0]


def by_default(value: Any) -> Any:
    """Return the value: the default of a Choice, which is no Choice to a type checker."""
    return value


def set_member(settings: object, name: str, kind: type[StrEnum]) -> None:
    """Replace the word in a field of frozen settings by the member that it names.

    Raises ValueError for a word that names none.
    """
    value = getattr(settings, name)
    try:
        object.__setattr__(settings, name, kind(value))
    except ValueError:
        close = get_close_matches(str(value), list(kind), n=1)
        meant = f": did you mean {close[0]}?" if close else ""
        choices = ", ".join(kind)
        raise ValueError(f"{name} must be one of {choices} (got {value!r}){meant}") from None


def check_number(name: str, value: object, *, zero_is_fine: bool) -> None:
    """Raise ValueError unless the value is a finite number above 0, or 0 where that is fine."""
    if not _is_finite(value):
        raise ValueError(f"{name} must be a finite number (got {value!r})")
    if value < 0 or (value == 0 and not zero_is_fine):
        bound = "0 or more" if zero_is_fine else "above 0"
        raise ValueError(f"{name} must be {bound} (got {value!r})")


def check_range(name: str, value: object, low: float, high: float) -> None:
    """Raise ValueError unless the value is a number from `low` to `high`."""
    if not _is_finite(value) or not low <= value <= high:
        raise ValueError(f"{name} must be {low:g} to {high:g} (got {value!r})")


def check_variable(name: str, value: str) -> None:
    """Raise ValueError unless the value may be the name of an environment variable.

    The value is not repeated: it may be the key itself.
    """
    if value and not _VARIABLE.fullmatch(value):
        raise ValueError(f"{name} is the name of an environment variable, not the key")


def _is_finite(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value)

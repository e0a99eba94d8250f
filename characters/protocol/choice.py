"""Choice: the type of a setting that is a choice, and may be set by a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

__all__ = ["by_default", "Choice"]

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

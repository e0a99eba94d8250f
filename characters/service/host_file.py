"""The options of `serve` in a TOML file: each flag is a key, spelled with `_` instead of `-`.

    host = "0.0.0.0"
    port = 8700
    allow_remote = true
    max_rooms = 500

What the command line says counts more. Secrets are in neither: both name the variables that hold
them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from engine.toml.reader import read_toml

__all__ = ["a_count", "a_port", "a_variable", "at_least_0", "more_than_0", "read_host_file"]

NOT_IN_A_FILE = ("help", "config", "with_parent")


def a_count(value: str | int) -> int:
    """Return a number of things. Raises UnfitError."""
    return _number(int, value, 1, math.inf, "must be at least 1")


def a_port(value: str | int) -> int:
    """Return a number of a port, 0 for a free one. Raises UnfitError."""
    return _number(int, value, 0, 65_535, "must be 0 to 65535")


def more_than_0(value: str | float) -> float:
    """Return a number of seconds, or a rate. Raises UnfitError."""
    return _number(float, value, math.ulp(0.0), math.inf, "must be more than 0")


def at_least_0(value: str | float) -> float:
    """Return a number of seconds. Raises UnfitError."""
    return _number(float, value, 0.0, math.inf, "must not be negative")


def a_variable(value: str) -> str:
    """Return the name of an environment variable, which may not be blank. Raises UnfitError.

    It is blank where a shell or a compose file puts in another variable that is unset: what
    was asked for by that must not be left out.
    """
    if not value.strip():
        raise UnfitError("must name an environment variable; the name is blank")
    return value


class UnfitError(ValueError, argparse.ArgumentTypeError):
    """A value that a flag, or a file, may not have; the message says why."""


N = TypeVar("N", int, float)


def _number(
    kind: Callable[[str | float], N], value: str | float, least: float, most: float, problem: str
) -> N:
    try:
        number = kind(value)
    except ValueError:
        what = "whole number" if kind is int else "number"
        raise UnfitError(f"{value!r} is no {what}; it {problem}") from None
    if isinstance(number, float) and not math.isfinite(number):
        raise UnfitError("must be a finite number")
    if not least <= number <= most:
        raise UnfitError(problem)
    return number


# What a file may hold for the flags that check their value.
_CHECKED: dict[Any, Any] = {
    a_count: Annotated[int, AfterValidator(a_count)],
    a_port: Annotated[int, AfterValidator(a_port)],
    more_than_0: Annotated[float, AfterValidator(more_than_0)],
    at_least_0: Annotated[float, AfterValidator(at_least_0)],
    a_variable: Annotated[str, AfterValidator(a_variable)],
}


def read_host_file(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Return the options that a file sets, by the names that a parser gives them.

    Raises TomlFileError with all mistakes and their lines, OSError.
    """
    fields: dict[str, Any] = {
        # The name of a flag may be one that every model has already, such as `model_extra`.
        f"option_{action.dest}": (_type_of(action), Field(None, alias=action.dest))
        for action in parser._actions
        if action.dest not in NOT_IN_A_FILE
    }
    strict = ConfigDict(extra="forbid", allow_inf_nan=False)
    model: type[BaseModel] = create_model("HostFile", __config__=strict, **fields)
    return read_toml(path, model).model_dump(exclude_unset=True, by_alias=True)


def _without_nul(value: str | Path) -> str | Path:
    """Return a text or a path as it is. A command line cannot hold what no system call takes."""
    if "\0" in str(value):
        raise UnfitError("holds the character NUL")
    return value


def _type_of(action: argparse.Action) -> Any:
    if action.nargs == 0:
        return bool
    if action.choices is not None:
        return Literal[tuple(action.choices)]
    kind = _CHECKED.get(action.type, action.type) or str
    if kind in (str, Path):
        kind = Annotated[kind, AfterValidator(_without_nul)]
    return list[kind] if isinstance(action, argparse._AppendAction) else kind  # type: ignore[valid-type]

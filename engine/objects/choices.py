"""Choices: fields of a component that may be set by a word, as scene files set them.

`Character("x", connect="on_start", reconnect_policy="patient")` and `character.connect = "manual"`
mean the member of the enum and the preset of the frozen dataclass. A field of a Literal takes its
values. Others raise ValueError at the line that wrote them.
"""

from __future__ import annotations

import dataclasses
import sys
import types
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["accept_words"]


def accept_words(component: type) -> None:
    """Let each choice among the fields of a component type take a word, and nothing else."""
    for item in dataclasses.fields(component):
        is_inherited = isinstance(getattr(component, item.name, None), _Choice)
        if item.init and not is_inherited:
            kind, is_optional = _choice(component, item)
            if kind is not None:
                setattr(component, item.name, _Choice(item.name, kind, is_optional))


class _Choice:
    """Checks what a field is set to; without a `__get__`, reading it costs nothing extra."""

    __slots__ = ("_is_optional", "_kind", "_name")

    def __init__(self, name: str, kind: Any, is_optional: bool) -> None:
        self._name = name
        self._kind = kind
        self._is_optional = is_optional

    def __set__(self, component: Any, value: Any) -> None:
        is_none = value is None and self._is_optional
        if not is_none and not _is_of(self._kind, value):
            value = self._meant(component, value)
        component.__dict__[self._name] = value

    def _meant(self, component: Any, value: Any) -> Any:
        # Imported here: a game whose levels are code needs no pydantic.
        from engine.toml.diagnostics import NOTHING, choices, meant_by, one_of, similar_names

        is_word = isinstance(value, str) and isinstance(self._kind, type)
        meant = meant_by(self._kind, value) if is_word else NOTHING
        if meant is not NOTHING:
            return meant
        words = choices(self._kind)
        rule = one_of(list(words)) if words else f"must be a {self._kind.__name__}"
        close, _ = similar_names(str(value), words)
        question = f" Did you mean {' or '.join(close)}?" if close else ""
        name = f"{type(component).__name__}.{self._name}"
        raise ValueError(f"{name} {rule} (got {value!r}).{question}")


def _is_of(kind: Any, value: Any) -> bool:
    return isinstance(value, kind) if isinstance(kind, type) else value in get_args(kind)


def _choice(component: type, item: dataclasses.Field[Any]) -> tuple[Any, bool]:
    """Return the kind of a field that is a choice or else None, and whether it may be None."""
    annotation = _resolved(component, item)
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    is_union = get_origin(annotation) in (Union, types.UnionType)
    kinds = get_args(annotation) if is_union else (annotation,)
    real = [kind for kind in kinds if kind is not types.NoneType]
    if len(real) != 1 or not _is_choice(real[0]):
        return None, False
    return real[0], len(real) < len(kinds)


def _resolved(component: type, item: dataclasses.Field[Any]) -> Any:
    """Return the type of a field; the default's, where names in it are for type checkers only."""
    holder = types.SimpleNamespace(__annotations__={item.name: item.type})
    try:
        module = vars(sys.modules[component.__module__])
        hints = get_type_hints(holder, module, dict(vars(component)), include_extras=True)
        return hints[item.name]
    except Exception:  # an annotation may be any expression, its module none
        return type(item.default)


def _is_choice(kind: Any) -> bool:
    if not isinstance(kind, type):
        return get_origin(kind) is Literal
    parameters = getattr(kind, "__dataclass_params__", None)
    return issubclass(kind, Enum) or (parameters is not None and parameters.frozen)

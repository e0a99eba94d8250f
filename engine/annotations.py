"""Takes type annotations apart: unions, markers, items of lists and tuples."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

__all__ = ["bare", "item_types", "members"]


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def bare(annotation: Any) -> Any:
    """Return the annotation without its markers."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def item_types(annotation: Any, value: Any) -> tuple[Any, ...]:
    """Return the type of each item of a list or tuple that holds `value`."""
    kinds = get_args(annotation)
    if get_origin(annotation) is list or kinds[-1:] == (Ellipsis,):
        return kinds[:1] * len(value)
    return kinds

"""Checks of numbers in settings, with sentences that name the field."""

from __future__ import annotations

import math

__all__ = ["check_range"]


def check_range(name: str, value: object, low: float, high: float) -> None:
    """Raise ValueError unless the value is a number from `low` to `high`."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:  # type: ignore[arg-type,operator] # is_number
        raise ValueError(f"{name} must be {low:g} to {high:g} (got {value!r})")

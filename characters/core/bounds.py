"""Checks of numbers in settings, with sentences that name the field."""

from __future__ import annotations

import math

__all__ = ["check_number", "check_range"]


def check_number(name: str, value: object, *, zero_is_fine: bool) -> None:
    """Raise ValueError unless the value is a finite number above 0, or 0 where that is fine."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number (got {value!r})")
    if value < 0 or (value == 0 and not zero_is_fine):
        bound = "0 or more" if zero_is_fine else "above 0"
        raise ValueError(f"{name} must be {bound} (got {value!r})")


def check_range(name: str, value: object, low: float, high: float) -> None:
    """Raise ValueError unless the value is a number from `low` to `high`."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:  # type: ignore[arg-type,operator] # is_number
        raise ValueError(f"{name} must be {low:g} to {high:g} (got {value!r})")

from __future__ import annotations

import math

import pytest

from characters.core.bounds import check_range


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_a_number_within_its_bounds_is_fine(value: float) -> None:
    check_range("gain", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [-0.1, 1.01, math.nan, math.inf, "1", None, True])
def test_anything_else_is_refused_by_the_name_of_the_field(value: object) -> None:
    with pytest.raises(ValueError, match="gain must be 0 to 1"):
        check_range("gain", value, 0.0, 1.0)

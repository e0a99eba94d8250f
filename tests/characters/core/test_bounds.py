from __future__ import annotations

import math

import pytest

from characters.core.bounds import check_number, check_range


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_a_number_within_its_bounds_is_fine(value: float) -> None:
    check_range("gain", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [-0.1, 1.01, math.nan, math.inf, "1", None, True])
def test_anything_else_is_refused_by_the_name_of_the_field(value: object) -> None:
    with pytest.raises(ValueError, match="gain must be 0 to 1"):
        check_range("gain", value, 0.0, 1.0)


@pytest.mark.parametrize("zero_is_fine", [True, False])
def test_a_number_above_zero_is_fine(zero_is_fine: bool) -> None:
    check_number("reach", 0.5, zero_is_fine=zero_is_fine)


def test_zero_is_fine_where_it_is_said_to_be() -> None:
    check_number("speed", 0, zero_is_fine=True)
    with pytest.raises(ValueError, match=r"speed must be above 0 \(got 0\)"):
        check_number("speed", 0, zero_is_fine=False)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "1", None, True])
def test_what_is_no_number_or_below_zero_is_refused_by_the_name_of_the_field(value: object) -> None:
    with pytest.raises(ValueError, match="speed must be"):
        check_number("speed", value, zero_is_fine=True)

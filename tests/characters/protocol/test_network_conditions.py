from __future__ import annotations

import math

import pytest

from characters.protocol.network_conditions import NetworkConditions


def test_only_conditions_without_a_fault_are_calm() -> None:
    assert NetworkConditions().is_calm and NetworkConditions.CALM.is_calm
    assert not NetworkConditions(delay_seconds=0.1).is_calm
    assert not NetworkConditions(bytes_per_second=1).is_calm
    assert not NetworkConditions(is_black_hole=True).is_calm


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_what_no_network_can_have_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="delay_seconds"):
        NetworkConditions(delay_seconds=value)
    with pytest.raises(ValueError, match="bytes_per_second"):
        NetworkConditions(bytes_per_second=value)

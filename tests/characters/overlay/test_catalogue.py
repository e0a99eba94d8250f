from __future__ import annotations

from typing import get_args

from characters.overlay.catalogue import PROPS, PropKind


def test_every_kind_of_prop_has_a_size() -> None:
    assert set(PROPS) == set(get_args(PropKind))


def test_no_prop_takes_more_floor_than_it_is_wide() -> None:
    assert [kind for kind, size in PROPS.items() if size.footprint[0] > size.w] == []

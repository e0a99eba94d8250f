from __future__ import annotations

from typing import get_args

from characters.ui.appearance import LOOKS, PROPS, LookName, PropKind, dressed


def test_a_look_can_be_dressed_in_other_colours() -> None:
    look = dressed("nurse", colour="#102030", skin="#405060", hair="#708090")
    assert (look.top, look.skin, look.hair) == (
        (16, 32, 48, 255),
        (64, 80, 96, 255),
        (112, 128, 144, 255),
    )
    assert look.style == LOOKS["nurse"].style


def test_a_scene_file_may_name_every_look_and_no_other() -> None:
    assert get_args(LookName) == tuple(LOOKS)


def test_an_unknown_look_is_a_visitors() -> None:
    assert dressed("astronaut") == LOOKS["visitor"]


def test_looks_differ() -> None:
    assert len(set(LOOKS.values())) == len(LOOKS)


def test_every_kind_of_prop_has_a_size() -> None:
    assert set(PROPS) == set(get_args(PropKind))

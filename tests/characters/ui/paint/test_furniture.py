from __future__ import annotations

import pytest

from characters.ui.paint.furniture import MARGIN, prop_picture
from tests.characters.ui.paint.pictures import painter


def test_the_foot_lies_in_the_middle_of_the_lower_edge() -> None:
    picture, foot = prop_picture(painter(), "desk", "", "", False)
    assert foot == (picture.get_width() / 2, picture.get_height() - MARGIN)


@pytest.mark.parametrize("kind", ["door", "blackboard", "reception", "sofa"])
def test_a_label_is_written_on_any_piece(kind: str) -> None:
    brush = painter()
    plain, _ = prop_picture(brush, kind, "", "", False)  # type: ignore[arg-type]  # parametrize hands out plain texts
    labelled, _ = prop_picture(brush, kind, "Lobby", "", False)  # type: ignore[arg-type]  # as above
    assert plain.get_buffer().raw != labelled.get_buffer().raw


def test_another_colour_is_another_picture() -> None:
    brush = painter()
    red, _ = prop_picture(brush, "sofa", "", "#aa2222", False)
    blue, _ = prop_picture(brush, "sofa", "", "#2222aa", False)
    assert red.get_buffer().raw != blue.get_buffer().raw


def test_a_picture_is_kept_flipped_or_not() -> None:
    brush = painter()
    flipped, _ = prop_picture(brush, "desk", "", "", True)
    assert prop_picture(brush, "desk", "", "", True)[0] is flipped
    assert prop_picture(brush, "desk", "", "", False)[0] is not flipped

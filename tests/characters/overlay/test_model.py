from __future__ import annotations

from characters.core.state import SessionState
from tests.characters.overlay.helpers import actor, model


def test_the_target_is_the_one_who_is_marked() -> None:
    assert model(actor("Ada"), actor("Bob")).target is None
    found = model(actor("Ada"), actor("Bob", is_target=True)).target
    assert found is not None
    assert found.name == "Bob"


def test_those_in_error_keep_the_order_of_the_level() -> None:
    lost = [actor(name, SessionState.ERROR) for name in ("Cyd", "Ada")]
    assert [a.name for a in model(lost[0], actor("Bob"), lost[1]).failed] == ["Cyd", "Ada"]

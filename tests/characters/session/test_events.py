from __future__ import annotations

from dataclasses import replace

import pytest

from characters.session.events import Session, Transition


def test_a_step_leaves_the_session_it_began_with_as_it_was() -> None:
    before = Session("nurse", epoch=3)
    step = Transition(before, 0.0)
    step.set(epoch=4, attempt=1)
    assert before == Session("nurse", epoch=3)
    assert step.session == replace(before, epoch=4, attempt=1)


def test_a_field_that_no_session_has_is_an_error() -> None:
    with pytest.raises(AssertionError, match="epoh"):
        Transition(Session("nurse"), 0.0).set(epoh=4)

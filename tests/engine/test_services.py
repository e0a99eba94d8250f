from __future__ import annotations

import pytest

from engine.services import Services


def test_the_last_service_offered_for_a_class_counts() -> None:
    services = Services("Scene 'Level'")
    services.provide(1)
    services.provide(2)
    assert services.get(int) == 2


def test_what_is_offered_for_the_class_itself_goes_before_a_subclass() -> None:
    services = Services("Scene 'Level'")
    services.provide(True)
    services.provide(7)
    assert services.get(int) == 7
    assert services.get(bool) is True


def test_a_service_that_counts_as_false_is_still_there() -> None:
    services = Services("Scene 'Level'")
    services.provide("")
    assert services.get(str) == ""


def test_asking_in_vain_says_whom_and_what_to_do() -> None:
    with pytest.raises(LookupError, match=r"Scene 'Level' was given no int .*scene.provide"):
        Services("Scene 'Level'").get(int)

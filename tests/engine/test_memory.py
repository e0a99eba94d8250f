from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from engine.memory import settle_memory


class Ring:
    """Something that only the search for cycles frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_unreachable_is_freed() -> None:
    ring = weakref.ref(Ring())
    settle_memory()
    assert ring() is None


def test_what_remains_is_not_searched_again_until_the_next_level() -> None:
    ring = Ring()
    seen = weakref.ref(ring)
    settle_memory()
    del ring
    gc.collect()
    assert seen() is not None
    settle_memory()
    assert seen() is None

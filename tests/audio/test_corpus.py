"""What the service understands of several synthetic voices; the whole of it is
`python -m tests.audio.corpus`."""

from __future__ import annotations

import asyncio

import pytest

from tests.audio.corpus import Tally, measure


@pytest.fixture(scope="module")
def quiet() -> Tally:
    return asyncio.run(measure(every=6, noises=(None,)))[None]


def test_nine_of_ten_questions_are_understood_to_the_word(quiet: Tally) -> None:
    assert quiet.asked >= 20 and quiet.shares[0] >= 0.9


def test_hardly_anything_is_misunderstood(quiet: Tally) -> None:
    assert quiet.shares[1] <= 0.04


def test_what_cannot_be_asked_is_rejected(quiet: Tally) -> None:
    assert quiet.others >= 10 and quiet.shares[2] >= 0.8

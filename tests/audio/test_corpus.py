"""What the service understands of synthetic voices that its bars were not found on; the whole of
it is `python -m tests.audio.corpus`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.audio.corpus import HELD_OUT, Tally, measure

# Two of the voices that `make setup-test` brings along.
QUICK = replace(HELD_OUT, voices=("espeak-ng en-us+f4", "espeak-ng en-us-nyc+f5"))


@pytest.fixture(scope="module")
def quiet() -> Tally:
    return asyncio.run(measure(QUICK, every=3, noises=(None,))).of(None)


@pytest.fixture(scope="module")
def noisy() -> Tally:
    return asyncio.run(measure(QUICK, every=6, noises=(10.0,))).of(10.0)


def test_in_quiet_and_in_noise_it_rather_asks_again_than_errs() -> None:
    few = replace(QUICK, voices=QUICK.voices[:1])
    report = asyncio.run(measure(few, every=12, noises=(None, 10.0)))
    assert report.of(None).misunderstood == report.of(10.0).misunderstood == 0


@pytest.mark.slow
def test_nine_of_ten_questions_are_understood_to_the_word(quiet: Tally) -> None:
    assert quiet.asked >= 12 and quiet.shares[0] >= 0.9


@pytest.mark.slow
def test_hardly_anything_is_misunderstood(quiet: Tally) -> None:
    assert quiet.misunderstood == 0


@pytest.mark.slow
def test_what_cannot_be_asked_is_rejected(quiet: Tally) -> None:
    assert quiet.others >= 8 and quiet.shares[2] >= 0.8


@pytest.mark.slow
def test_in_noise_it_rather_asks_again_than_errs(noisy: Tally) -> None:
    assert noisy.misunderstood == 0


@pytest.mark.slow
def test_a_name_is_never_taken_for_another(quiet: Tally, noisy: Tally) -> None:
    assert quiet.advised == quiet.names >= 5 and noisy.advised == noisy.names

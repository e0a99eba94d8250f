from __future__ import annotations

import asyncio

import pytest

from tests.audio.speakers import QUESTION, measure, megabytes_of, speaking_service

TIMES = 5.0
# Seconds: where tests run side by side a ping takes as long by itself.
LEAST = 0.02
# Whatever else the machine does for a moment lets some pings wait; what we do wrong, always.
TRIES = 3
MEGABYTES = 400.0


def test_two_who_speak_at_once_find_a_place_and_nobody_waits_for_a_ping() -> None:
    with speaking_service(QUESTION, "--detector", "pocketsphinx") as (service, voice):
        alone, together = asyncio.run(measure(service.url, voice, 2, 1, 0.1))
    assert together.outcomes["understood"] > 0 and not together.outcomes["no place"]
    assert together.p99 <= TIMES * max(alone.p99, LEAST)


@pytest.mark.slow
def test_ten_who_speak_at_once_leave_everybodys_pings_alone_and_each_is_answered() -> None:
    tries: list[tuple[float, float]] = []
    with speaking_service(QUESTION, "--detector", "pocketsphinx") as (service, voice):
        while len(tries) < TRIES and not any(map(is_fine, tries)):
            alone, together = asyncio.run(measure(service.url, voice, 10, 2, 8.0))
            # Each has been understood, or told that too many speak at once.
            assert set(together.outcomes) <= {"understood", "no place"}
            understood = together.outcomes["understood"] / together.outcomes.total()
            tries.append((together.p99 / max(alone.p99, LEAST), understood))
        assert service.pid is not None
        megabytes = megabytes_of(service.pid)
    assert any(map(is_fine, tries)), tries
    assert megabytes < MEGABYTES


def is_fine(one: tuple[float, float]) -> bool:
    """Whether pings took as long as they may, and half of the people were understood."""
    ratio, understood = one
    return ratio <= TIMES and understood >= 0.5

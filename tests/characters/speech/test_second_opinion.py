from __future__ import annotations

import asyncio

import pytest

from characters.speech.interfaces import (
    BUSY,
    SAY_AGAIN,
    CollectedUtterance,
    Heard,
    Recogniser,
    Rejected,
)
from characters.speech.process import SpeechProcessError
from characters.speech.second_opinion import SURE, SecondOpinion

SOUND = bytes(6_400)
UNSURE, CERTAIN = SURE - 0.1, SURE + 0.1
KNOWN = Heard("where does it hurt")


class Ears:
    """Makes of every utterance what it is told to, and keeps what it was asked."""

    def __init__(self, verdict: Heard | Rejected | Exception | None) -> None:
        self.verdict = verdict
        self.prepared: list[tuple[str, ...]] = []
        self.heard: list[tuple[tuple[str, ...], bytes]] = []
        self.is_closed = False

    def prepare(self, phrases: tuple[str, ...]) -> None:
        self.prepared.append(phrases)

    async def open(self, phrases: tuple[str, ...]) -> CollectedUtterance | None:
        async def transcribe(sound: bytes) -> Heard | Rejected:
            self.heard.append((phrases, sound))
            if isinstance(self.verdict, Heard | Rejected):
                return self.verdict
            raise self.verdict or AssertionError("it has no place")

        return None if self.verdict is None else CollectedUtterance(transcribe)

    async def close(self) -> None:
        self.is_closed = True


def hear(first: Recogniser, second: Recogniser, times: int = 1) -> Heard | Rejected | None:
    async def talk() -> Heard | Rejected | None:
        both = SecondOpinion(first, second)
        both.prepare(("a",))
        for _ in range(times):
            utterance = await both.open(("a",))
            if utterance is None:
                return None
            await utterance.feed(SOUND[:640])
            await utterance.feed(SOUND[640:])
            heard = await utterance.finish()
        await both.close()
        return heard

    return asyncio.run(talk())


@pytest.mark.parametrize(
    "verdict", [Heard("Where are not it hurt?", CERTAIN), Rejected(SAY_AGAIN), Rejected(BUSY)]
)
def test_whoever_is_sure_is_believed_and_no_other_is_loaded(verdict: Heard | Rejected) -> None:
    second = Ears(KNOWN)
    assert hear(Ears(verdict), second) == verdict
    assert not second.prepared and not second.heard


def test_of_words_that_are_not_sure_the_other_is_asked_with_all_that_was_said() -> None:
    second = Ears(KNOWN)
    assert hear(Ears(Heard("Where are not it hurt?", UNSURE)), second) == KNOWN
    assert second.heard == [(("a",), SOUND)]


@pytest.mark.parametrize("verdict", [Rejected(SAY_AGAIN), KNOWN, None])
def test_they_stand_where_the_other_knows_none_or_the_same(
    verdict: Heard | Rejected | None,
) -> None:
    first = Heard("Where does it hurt?", UNSURE)
    assert hear(Ears(first), Ears(verdict)) == first


@pytest.mark.parametrize("error", [SpeechProcessError("gone"), RuntimeError("damaged")])
def test_the_other_answers_for_one_that_fails_which_is_logged_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert hear(Ears(error), Ears(KNOWN), times=3) == KNOWN
    assert len(caplog.records) == 1


def test_what_the_other_takes_for_something_quite_different_is_not_believed() -> None:
    first = Heard("Can you close that window?", UNSURE)
    assert hear(Ears(first), Ears(KNOWN)) == first


def test_where_the_first_has_no_place_there_is_none() -> None:
    assert hear(Ears(None), Ears(KNOWN)) is None


def test_both_are_closed() -> None:
    first, second = Ears(KNOWN), Ears(KNOWN)
    hear(first, second)
    assert first.is_closed and second.is_closed

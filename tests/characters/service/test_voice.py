from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from characters.protocol.messages import (
    FinalUserTranscription,
    ServerMessage,
    ServerResponse,
    VadSttStarted,
    VadSttStopped,
    Visemes,
)
from characters.service.voice import (
    AHEAD_SECONDS,
    LOOKS,
    LOST_SECONDS,
    MAX_FRAMES,
    SpeechCallbacks,
    SpeechInput,
    SpeechOutput,
)
from characters.speech.interfaces import Heard, Rejected, SpeechEvent, SpeechStarted, SpeechStopped
from tests.characters.service.fakes import FakeListener, FakeSpeech

Understood = list[tuple[str | None, tuple[ServerMessage, ...]]]


def listen(listener: FakeListener, play: Callable[[SpeechInput], Awaitable[None]]) -> Understood:
    understood: Understood = []

    async def run() -> None:
        ears = SpeechInput(listener, 0.1 - LOST_SECONDS)  # a tenth of a second without frames
        ears.start(lambda text, messages: understood.append((text, messages)))
        async with asyncio.timeout(5):
            await play(ears)
            for _ in range(3 * MAX_FRAMES):
                await asyncio.sleep(0)
        await ears.close()

    asyncio.run(run())
    return understood


def test_what_is_heard_becomes_the_wires_messages() -> None:
    script: dict[int, tuple[SpeechEvent, ...]] = {
        1: (SpeechStarted(0.5, 100),),
        2: (SpeechStopped(0.9, "silence", 400), Heard("hello")),
        3: (Rejected("Say that again."),),
    }

    async def play(ears: SpeechInput) -> None:
        for number in range(3):
            ears.feed(b"", number / 50)

    assert listen(FakeListener(script), play) == [
        (None, (VadSttStarted(0.5, 100),)),
        (None, (VadSttStopped("silence", 400),)),
        ("hello", (FinalUserTranscription("hello"),)),
        (None, (ServerResponse("speech", "error", "Say that again."),)),
    ]


def test_orders_wait_for_the_frames_before_them() -> None:
    listener = FakeListener({})

    async def play(ears: SpeechInput) -> None:
        ears.feed(b"", 1.0)
        ears.force_stop()
        ears.set_muted(True)

    listen(listener, play)
    assert (listener.frames, listener.orders) == ([1.0], ["stop", "muted True", "closed"])


def test_too_many_frames_lose_the_oldest() -> None:
    listener = FakeListener({})

    async def play(ears: SpeechInput) -> None:
        for number in range(MAX_FRAMES + 50):
            ears.feed(b"", float(number))

    listen(listener, play)
    assert (len(listener.frames), listener.frames[0]) == (MAX_FRAMES, 50.0)


def test_a_listener_that_fails_on_a_frame_goes_on_with_the_next() -> None:
    async def play(ears: SpeechInput) -> None:
        ears.feed(b"bad", 0.0)
        ears.feed(b"", 0.1)

    heard = listen(FakeListener({2: (Heard("hello"),)}), play)
    assert [text for text, _ in heard] == ["hello"]


def test_an_utterance_whose_frames_stop_coming_ends_and_the_next_words_are_another_one() -> None:
    listener = FakeListener({})

    async def play(ears: SpeechInput) -> None:
        ears.feed(b"", 1.0)
        await until(lambda: listener.orders)
        ears.feed(b"", 0.3)
        await until(lambda: len(listener.orders) == 2)

    assert listen(listener, play) == [(None, (VadSttStopped("lost", 300),))] * 2
    assert (listener.frames, listener.orders[:2]) == ([1.0, 0.3], ["cut off", "cut off"])


def test_frames_that_come_late_are_not_a_lost_line() -> None:
    listener = FakeListener({})

    async def play(ears: SpeechInput) -> None:
        for number in range(20):
            ears.feed(b"", float(number))
            await asyncio.sleep(0.01)

    listen(listener, play)
    assert listener.orders == ["closed"]


def test_who_was_never_heard_is_not_cut_off() -> None:
    listener = FakeListener({})

    async def play(ears: SpeechInput) -> None:
        await asyncio.sleep(0.2)

    listen(listener, play)
    assert listener.orders == ["closed"]


def test_a_service_that_stood_still_itself_does_not_take_the_line_for_lost() -> None:
    listener = FakeListener({})

    async def play(ears: SpeechInput) -> None:
        ears.feed(b"", 1.0)
        await until(lambda: listener.frames)
        began, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
        while loop.time() - began < 0.2:
            pass
        await asyncio.sleep(0)
        ears.feed(b"", 1.02)

    listen(listener, play)
    assert LOOKS > 1 and listener.orders == ["closed"]


class Audience:
    """Notes what a mouth does."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.sounds: list[float] = []
        self.shapes: list[ServerMessage] = []

    def voicing(self) -> SpeechCallbacks:
        return SpeechCallbacks(
            self.started.append,
            self.ended.append,
            lambda pcm, timestamp, rate: self.sounds.append(timestamp),
            self.shapes.append,
        )


def speak(
    play: Callable[[SpeechOutput, Audience], Awaitable[None]], speech: FakeSpeech | None = None
) -> Audience:
    """Run a mouth on the loop's own clock."""
    audience = Audience()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        mouth = SpeechOutput(speech or FakeSpeech(), None, loop.time)
        mouth.connect(audience.voicing())
        async with asyncio.timeout(10):
            await play(mouth, audience)
        await mouth.close()

    asyncio.run(run())
    return audience


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  # looks at values that no event announces
        await asyncio.sleep(0.001)


def test_a_voice_is_sent_a_little_ahead_of_the_ear_and_no_more() -> None:
    async def play(mouth: SpeechOutput, audience: Audience) -> None:
        mouth.say(1, "one two.")
        await until(lambda: audience.sounds)
        begun = asyncio.get_running_loop().time()
        await until(lambda: len(audience.sounds) == 2)
        waited = asyncio.get_running_loop().time() - begun
        assert waited >= 1.0 - AHEAD_SECONDS - 0.05
        mouth.hush()

    audience = speak(play)
    assert audience.sounds[1] - audience.sounds[0] == 1.0
    assert isinstance(audience.shapes[0], Visemes)
    assert audience.ended == []


def test_hushing_stops_at_once_and_nothing_more_is_heard() -> None:
    async def play(mouth: SpeechOutput, audience: Audience) -> None:
        mouth.say(1, "one two three.")
        await until(lambda: audience.sounds)
        mouth.hush()
        await asyncio.sleep(0)
        assert len(audience.sounds) == 1

    assert speak(play).ended == []


def test_a_voice_that_fails_ends_its_turn() -> None:
    async def play(mouth: SpeechOutput, audience: Audience) -> None:
        mouth.say(1, "fail")
        mouth.say(1, None)
        await until(lambda: audience.ended)

    assert speak(play).ended == [1]


def test_a_new_turn_silences_the_one_before() -> None:
    async def play(mouth: SpeechOutput, audience: Audience) -> None:
        mouth.say(1, "one two three.")
        await until(lambda: audience.sounds)
        mouth.say(2, "fail !")
        await until(lambda: audience.ended)

    assert speak(play).ended == [2]


def test_what_comes_in_syllables_is_spoken_in_sentences() -> None:
    async def play(mouth: SpeechOutput, audience: Audience) -> None:
        for piece in ("He", "llo", '!" Whe', "re does", " it hurt", "? fail"):
            mouth.say(1, piece)
        await until(lambda: len(speech.texts) == 2)
        mouth.say(1, None)
        await until(lambda: audience.ended)

    speech = FakeSpeech()
    speak(play, speech)
    assert speech.texts == ['Hello!"', " Where does it hurt?", " fail"]

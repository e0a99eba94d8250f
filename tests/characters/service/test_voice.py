from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from characters.protocol.messages import (
    FinalUserTranscription,
    ServerMessage,
    ServerResponse,
    VadSttStarted,
    VadSttStopped,
    Visemes,
)
from characters.service import voice
from characters.service.effects import SpeakText
from characters.service.overlap import OverlapEvent
from characters.service.voice import (
    AHEAD_SECONDS,
    CHECKS,
    LOST_SECONDS,
    MAX_FRAMES,
    PlayerSpeech,
    SpeechCallbacks,
    SpeechInput,
    SpeechOutput,
)
from characters.speech.interfaces import (
    Heard,
    Rejected,
    SpeechContinued,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    VoiceChunk,
)
from tests.characters.service.fakes import FakeListener, FakeSpeech


def listen(
    listener: FakeListener, play: Callable[[SpeechInput], Awaitable[None]]
) -> list[PlayerSpeech]:
    understood: list[PlayerSpeech] = []

    async def run() -> None:
        speech_input = SpeechInput(
            listener, 0.1 - LOST_SECONDS
        )  # a tenth of a second without frames
        speech_input.start(understood.append, lambda _: None)
        async with asyncio.timeout(60):
            await play(speech_input)
            await settled(listener)
        await speech_input.close()

    asyncio.run(run())
    return understood


async def settled(listener: FakeListener) -> None:
    """Wait until it hears nothing new: well before what was fed counts as lost."""
    heard = (-1, -1)
    while heard != (heard := (len(listener.frames), len(listener.orders))):
        for _ in range(10):
            await asyncio.sleep(0)


def test_what_is_heard_becomes_the_wires_messages() -> None:
    script: dict[int, tuple[SpeechEvent, ...]] = {
        1: (SpeechStarted(0.5, 100),),
        2: (SpeechPaused(0.6), SpeechContinued(0.7)),
        3: (SpeechStopped(0.9, "silence", 400), Heard("hello")),
        4: (SpeechStopped(1.0, "silence", 400), Rejected("Say that again.")),
        5: (SpeechStopped(1.1, "noise", 100),),
    }

    async def play(speech_input: SpeechInput) -> None:
        for number in range(5):
            speech_input.feed(b"", number / 50)

    stopped, again = VadSttStopped("silence", 400), "Say that again."
    assert listen(FakeListener(script), play) == [
        PlayerSpeech(OverlapEvent.VOICE, (VadSttStarted(0.5, 100),)),
        PlayerSpeech(OverlapEvent.QUIET),
        PlayerSpeech(OverlapEvent.VOICE),
        PlayerSpeech(OverlapEvent.WORDS, (stopped, FinalUserTranscription("hello")), "hello"),
        PlayerSpeech(OverlapEvent.NO_LINE, (stopped, ServerResponse("speech", "error", again))),
        PlayerSpeech(OverlapEvent.NO_LINE, (VadSttStopped("noise", 100),)),
    ]


def test_orders_wait_for_the_frames_before_them() -> None:
    listener = FakeListener({})

    async def play(speech_input: SpeechInput) -> None:
        speech_input.feed(b"", 1.0)
        speech_input.force_stop()
        speech_input.set_muted(True)

    listen(listener, play)
    assert (listener.frames, listener.orders) == ([1.0], ["stop", "muted True", "closed"])


def test_too_many_frames_lose_the_oldest() -> None:
    listener = FakeListener({})

    async def play(speech_input: SpeechInput) -> None:
        for number in range(MAX_FRAMES + 50):
            speech_input.feed(b"", float(number))

    listen(listener, play)
    assert (len(listener.frames), listener.frames[0]) == (MAX_FRAMES, 50.0)


def test_too_many_bytes_lose_the_oldest_whatever_the_size_of_a_frame() -> None:
    listener = FakeListener({})

    async def play(speech_input: SpeechInput) -> None:
        for number in range(100):
            speech_input.feed(bytes(64_000), float(number))

    listen(listener, play)
    assert (len(listener.frames), listener.frames[0]) == (10, 90.0)


def test_a_listener_that_fails_on_a_frame_goes_on_with_the_next() -> None:
    async def play(speech_input: SpeechInput) -> None:
        speech_input.feed(b"bad", 0.0)
        speech_input.feed(b"", 0.1)

    heard = listen(FakeListener({2: (Heard("hello"),)}), play)
    assert [utterance.text for utterance in heard] == ["hello"]


def test_an_utterance_whose_frames_stop_coming_ends_and_the_next_words_are_another_one() -> None:
    listener = FakeListener({})

    async def play(speech_input: SpeechInput) -> None:
        speech_input.feed(b"", 1.0)
        await until(lambda: listener.orders)
        speech_input.feed(b"", 0.3)
        await until(lambda: len(listener.orders) == 2)

    lost = PlayerSpeech(OverlapEvent.NO_LINE, (VadSttStopped("lost", 300),))
    assert listen(listener, play) == [lost] * 2
    assert (listener.frames, listener.orders[:2]) == ([1.0, 0.3], ["cut off", "cut off"])


def test_frames_that_come_late_are_not_a_lost_line() -> None:
    listener = FakeListener({})

    async def play(speech_input: SpeechInput) -> None:
        for number in range(20):
            speech_input.feed(b"", float(number))
            await asyncio.sleep(0.01)

    listen(listener, play)
    assert listener.orders == ["closed"]


def test_who_was_never_heard_is_not_cut_off() -> None:
    listener = FakeListener({})

    async def play(speech_input: SpeechInput) -> None:
        await asyncio.sleep(0.2)

    listen(listener, play)
    assert listener.orders == ["closed"]


def test_a_service_that_stood_still_itself_does_not_take_the_line_for_lost() -> None:
    listener = FakeListener({})

    async def play(speech_input: SpeechInput) -> None:
        speech_input.feed(b"", 1.0)
        await until(lambda: listener.frames)
        began, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
        while loop.time() - began < 0.2:
            pass
        await asyncio.sleep(0)
        speech_input.feed(b"", 1.02)

    listen(listener, play)
    assert CHECKS > 1 and listener.orders == ["closed"]


def seconds_of(messages: list[ServerMessage]) -> list[object]:
    """Return after how many seconds something was told to be still waited for."""
    found = [it for it in messages if isinstance(it, ServerResponse)]
    assert all((it.event_type, it.status) == ("speech", "processing") for it in found)
    return [it.extras["values"]["seconds"] for it in found if it.extras]  # type: ignore[index]


class SlowListener(FakeListener):
    """A listener whose first frame waits for its model."""

    def __init__(self) -> None:
        super().__init__({})
        self.is_loaded = asyncio.Event()

    async def feed(self, pcm: bytes, timestamp: float) -> tuple[SpeechEvent, ...]:
        await self.is_loaded.wait()
        return await super().feed(pcm, timestamp)


def test_who_speaks_while_a_model_loads_is_told_so_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(voice, "TELL_SECONDS", 0.6)
    told: list[ServerMessage] = []

    async def run() -> None:
        listener = SlowListener()
        speech_input = SpeechInput(listener, 10.0)
        speech_input.start(lambda _: None, told.append)
        speech_input.feed(b"", 0.0)
        await until(lambda: len(told) == 2)
        listener.is_loaded.set()
        await settled(listener)
        await asyncio.sleep(1.0)
        await speech_input.close()

    asyncio.run(run())
    assert seconds_of(told) == [1, 1]


class Audience:
    """Notes what a output does."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.sounds: list[float] = []
        self.visemes: list[ServerMessage] = []

    def callbacks(self) -> SpeechCallbacks:
        return SpeechCallbacks(
            self.started.append,
            self.ended.append,
            lambda pcm, timestamp, rate: self.sounds.append(timestamp),
            self.visemes.append,
        )


def speak(
    play: Callable[[SpeechOutput, Audience], Awaitable[None]], speech: FakeSpeech | None = None
) -> Audience:
    """Run a output on the loop's own clock."""
    audience = Audience()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        output = SpeechOutput(speech or FakeSpeech(), None, loop.time)
        output.connect(audience.callbacks())
        async with asyncio.timeout(60):
            await play(output, audience)
        await output.close()

    asyncio.run(run())
    return audience


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  # looks at values that no event announces
        await asyncio.sleep(0.001)


def test_a_voice_is_sent_a_little_ahead_of_the_ear_and_no_more() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "one two."))
        await until(lambda: audience.sounds)
        begun = asyncio.get_running_loop().time()
        await until(lambda: len(audience.sounds) == 2)
        waited = asyncio.get_running_loop().time() - begun
        assert waited >= 1.0 - AHEAD_SECONDS - 0.05
        output.stop()

    audience = speak(play)
    assert audience.sounds[1] - audience.sounds[0] == 1.0
    assert isinstance(audience.visemes[0], Visemes)
    assert audience.ended == []


def test_hushing_stops_at_once_and_nothing_more_is_heard() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "one two three."))
        await until(lambda: audience.sounds)
        output.stop()
        await asyncio.sleep(0)
        assert len(audience.sounds) == 1

    assert speak(play).ended == []


def test_a_voice_that_fails_ends_its_turn() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "fail"))
        output.say(SpeakText(1, None))
        await until(lambda: audience.ended)

    assert speak(play).ended == [1]


def test_who_waits_for_a_voice_that_loads_is_told_so_until_it_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(voice, "TELL_SECONDS", 0.6)
    speech = FakeSpeech()
    speech.is_loaded = asyncio.Event()

    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "one two three."))
        await until(lambda: len(audience.visemes) == 2)
        assert not audience.sounds
        speech.is_loaded.set()
        await until(lambda: len(audience.sounds) == 3)
        output.stop()

    audience = speak(play, speech)
    assert seconds_of(audience.visemes[:2]) == [1, 1]
    assert all(isinstance(it, Visemes) for it in audience.visemes[2:])


def test_a_new_turn_silences_the_one_before() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "one two three."))
        await until(lambda: audience.sounds)
        output.say(SpeakText(2, "fail !"))
        await until(lambda: audience.ended)

    assert speak(play).ended == [2]


TENTH = VoiceChunk(b"\0\0" * 1_600, 16_000, (), (0,))


def test_a_paused_voice_is_silent_and_goes_on_with_the_word_in_which_it_stopped() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "one two three four five six seven eight."))
        await until(lambda: len(audience.sounds) >= 4)
        heard = audience.sounds[0] + 0.28  # within the third word, after what a device delays
        output.pause(heard)
        before = len(audience.sounds)
        await asyncio.sleep(0.6)
        assert len(audience.sounds) == before
        output.resume()
        output.say(SpeakText(1, None))
        await until(lambda: audience.ended)
        # Eight words, and those that were sent and not heard.
        assert len(audience.sounds) == 8 + before - 2

    assert speak(play, FakeSpeech(chunk=TENTH)).ended == [1]


def test_a_voice_that_is_paused_in_its_last_words_ends_after_them() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "one two three."))
        output.say(SpeakText(1, None))
        await until(lambda: len(audience.sounds) == 3)
        output.pause(audience.sounds[0])
        await asyncio.sleep(0.5)
        assert audience.ended == []
        output.resume()
        await until(lambda: audience.ended)
        assert len(audience.sounds) == 6

    speak(play, FakeSpeech(chunk=TENTH))


def test_a_new_turn_is_not_silent_because_the_one_before_was_paused() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        output.say(SpeakText(1, "one two three four."))
        await until(lambda: audience.sounds)
        output.pause(None)
        output.say(SpeakText(2, "one."))
        output.say(SpeakText(2, None))
        await until(lambda: audience.ended)

    assert speak(play, FakeSpeech(chunk=TENTH)).ended == [2]


def test_it_is_known_when_the_last_of_a_turn_is_heard() -> None:
    async def play(output: SpeechOutput, audience: Audience) -> None:
        assert output.is_ending
        output.say(SpeakText(1, "one two three four five six seven eight nine ten eleven twelve."))
        await until(lambda: audience.sounds)
        assert not output.is_ending
        output.say(SpeakText(1, None))
        await until(lambda: output.is_ending)
        assert len(audience.sounds) == 12 and audience.ended == []
        output.pause(audience.sounds[0])  # eleven tenths of a second are to be heard again
        assert not output.is_ending

    speak(play, FakeSpeech(chunk=TENTH))

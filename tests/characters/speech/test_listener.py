from __future__ import annotations

import asyncio

import numpy as np
import pytest

from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.interfaces import (
    BUSY,
    SAY_AGAIN,
    Completeness,
    Heard,
    Rejected,
    SpeechContinued,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
)
from characters.speech.listener import (
    CUT_OFF,
    Activity,
    LoudnessDetector,
    NullRecogniser,
    Transcriber,
    VoiceActivity,
)

VOICE = np.full(320, 5_000, np.int16).tobytes()
SILENCE = bytes(640)


class LoudIsSpeech:
    """As sure as it is told to be that `VOICE` is speech."""

    def __init__(self, sure: float = 1.0) -> None:
        self.sure = sure
        self.is_closed = False

    def confidence(self, pcm: bytes) -> float:
        return self.sure if pcm == VOICE else 0.0

    def close(self) -> None:
        self.is_closed = True


class FakeRecogniser:
    """Understands whatever it is told to and counts the sound it was given."""

    def __init__(self) -> None:
        self.verdict: Heard | Rejected = Heard("hello")
        self.phrases: list[tuple[str, ...]] = []
        self.sound = b""
        self.cancelled = 0
        self.is_busy = self.is_stuck = self.is_broken = False
        self.said, self.asked = Completeness.UNKNOWN, 0
        self.prepared: list[tuple[str, ...]] = []

    def prepare(self, phrases: tuple[str, ...]) -> None:
        self.prepared.append(phrases)

    async def open(self, phrases: tuple[str, ...]) -> FakeRecogniser | None:
        self.phrases.append(phrases)
        self.sound = b""
        return None if self.is_busy else self

    async def feed(self, pcm: bytes) -> None:
        self.sound += pcm

    async def completeness(self) -> Completeness:
        self.asked += 1
        return self.said

    async def finish(self) -> Heard | Rejected:
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.is_broken:
            raise RuntimeError("no model")
        return self.verdict

    async def cancel(self) -> None:
        self.cancelled += 1

    async def close(self) -> None:
        pass


class Room:
    """A listener, and a player who speaks and is silent."""

    def __init__(
        self,
        options: VoiceActivityOptions | None = None,
        *,
        sure: float = 1.0,
        turn: SmartTurn | None = None,
        detector: TurnDetector | None = None,
    ) -> None:
        self.recogniser, self.detector = FakeRecogniser(), LoudIsSpeech(sure)
        self.listener = Transcriber(
            ["hello"],
            self.detector,
            self.recogniser,
            options or VoiceActivityOptions(),
            turn or SmartTurn(max_duration_secs=20.0),
            detector,
            finish_within=0.02,
        )
        self.at = 0.0

    async def hear(self, frame: bytes, seconds: float) -> list[SpeechEvent]:
        events: list[SpeechEvent] = []
        for _ in range(round(seconds / 0.02)):
            self.at += 0.02
            events += await self.listener.feed(frame, self.at)
        return events

    async def say(self, seconds: float = 1.0) -> list[SpeechEvent]:
        return await self.hear(VOICE, seconds) + await self.hear(SILENCE, 1.0)


@pytest.fixture
def room() -> Room:
    return Room()


def test_an_utterance_starts_stops_and_is_heard_in_this_order(room: Room) -> None:
    started, paused, stopped, heard = asyncio.run(room.say())
    assert isinstance(paused, SpeechPaused)
    assert isinstance(started, SpeechStarted) and started.pre_roll_ms == 100
    assert isinstance(stopped, SpeechStopped) and stopped.reason == "silence"
    assert heard == Heard("hello") and 0.15 < started.timestamp < 0.4


def test_the_recogniser_gets_the_beginning_and_not_the_long_silence_at_the_end(room: Room) -> None:
    asyncio.run(room.say())
    spoken = len(room.recogniser.sound) / 32_000
    assert 1.0 <= spoken <= 1.6


def test_a_pause_within_a_sentence_is_passed_on(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        await room.hear(VOICE, 0.6)
        await room.hear(SILENCE, 0.6)
        return await room.say(0.6)

    assert asyncio.run(talk())[-1] == Heard("hello")
    assert len(room.recogniser.sound) / 32_000 >= 1.8


def test_where_the_detector_breaks_loudness_decides(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(pcm: bytes) -> float:
        raise RuntimeError("a damaged model")

    monkeypatch.setattr(room.detector, "confidence", fail)
    assert asyncio.run(room.say())[-1] == Heard("hello")
    assert [record.getMessage() for record in caplog.records] == [
        "the detector fails, loudness alone decides: RuntimeError"
    ]


@pytest.mark.parametrize("where", ["open", "feed", "completeness"])
def test_a_recogniser_that_fails_costs_its_utterance_and_no_event(
    where: str, room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("no memory")

    with monkeypatch.context() as broken:
        broken.setattr(FakeRecogniser, where, fail)
        started, paused, stopped, verdict = asyncio.run(room.say())
    assert isinstance(started, SpeechStarted) and isinstance(paused, SpeechPaused)
    assert isinstance(stopped, SpeechStopped)
    assert verdict == (Heard("hello") if where == "completeness" else Rejected(SAY_AGAIN))
    assert [it.getMessage() for it in caplog.records] == ["recognition failed: RuntimeError"]
    assert asyncio.run(room.say())[-1] == Heard("hello")


def test_what_is_not_understood_is_rejected_with_advice(room: Room) -> None:
    room.recogniser.verdict = Rejected("say it again")
    assert asyncio.run(room.say())[-1] == Rejected("say it again")


def test_a_cough_asks_nobody_to_say_it_again(room: Room) -> None:
    room.recogniser.verdict = Rejected("say it again")
    stopped = asyncio.run(room.say(0.3))[-1]
    assert isinstance(stopped, SpeechStopped) and stopped.reason == "noise"


def test_push_to_talk_ends_the_utterance_at_once(room: Room) -> None:
    async def talk() -> tuple[SpeechEvent, ...]:
        await room.hear(VOICE, 0.6)
        return await room.listener.force_stop()

    stopped, heard = asyncio.run(talk())
    assert isinstance(stopped, SpeechStopped) and stopped.reason == "forced"
    assert heard == Heard("hello")
    assert asyncio.run(room.listener.force_stop()) == ()


def test_what_was_said_to_its_end_before_the_line_was_lost_is_answered(room: Room) -> None:
    async def talk() -> tuple[SpeechEvent, ...]:
        await room.hear(VOICE, 0.6)
        await room.hear(SILENCE, 0.1)
        return await room.listener.cut_off()

    stopped, heard = asyncio.run(talk())
    assert isinstance(stopped, SpeechStopped) and stopped.reason == "lost"
    assert heard == Heard("hello")


def test_a_word_that_the_line_cut_in_two_is_no_command_but_asked_for_again(room: Room) -> None:
    async def talk() -> tuple[SpeechEvent, ...]:
        await room.hear(VOICE, 0.6)
        return await room.listener.cut_off()

    stopped, rejected = asyncio.run(talk())
    assert isinstance(stopped, SpeechStopped) and stopped.reason == "lost"
    assert rejected == Rejected(CUT_OFF) and room.recogniser.cancelled == 1


def test_words_after_a_lost_line_do_not_join_those_before_it(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        await room.hear(VOICE, 0.1)  # not long enough to be speech
        assert await room.listener.cut_off() == ()
        await room.hear(VOICE, 0.6)
        await room.listener.cut_off()
        return await room.say(0.6)

    started, _, stopped, heard = asyncio.run(talk())
    assert isinstance(started, SpeechStarted) and heard == Heard("hello")
    assert isinstance(stopped, SpeechStopped) and stopped.audio_duration_ms < 1_500
    assert len(room.recogniser.sound) / 32_000 <= 1.2


def test_muting_drops_the_utterance_and_what_follows(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        await room.hear(VOICE, 0.6)
        events = list(await room.listener.set_muted(True))
        return events + await room.say()

    (stopped,) = asyncio.run(talk())
    assert isinstance(stopped, SpeechStopped) and stopped.reason == "muted"
    assert room.recogniser.cancelled == 1


def test_after_unmuting_it_listens_again(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        await room.listener.set_muted(True)
        await room.listener.set_muted(False)
        return await room.say()

    assert asyncio.run(talk())[-1] == Heard("hello")


def test_phrases_are_prepared_once_and_expected_in_every_utterance(room: Room) -> None:
    async def talk() -> None:
        await room.say()
        await room.say()

    asyncio.run(talk())
    assert room.recogniser.phrases == [("hello",), ("hello",)]
    assert room.recogniser.prepared == [("hello",)]


def test_sound_in_odd_pieces_is_put_together(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        sound = VOICE * 50 + SILENCE * 50
        events: list[SpeechEvent] = []
        for at in range(0, len(sound), 500):
            events += await room.listener.feed(sound[at : at + 500], at / 32_000)
        return events

    assert asyncio.run(talk())[-1] == Heard("hello")


def test_a_closed_listener_hears_nothing(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        await room.listener.close()
        return await room.say()

    assert asyncio.run(talk()) == [] and room.detector.is_closed


def test_closing_in_the_middle_drops_the_utterance(room: Room) -> None:
    async def talk() -> None:
        await room.hear(VOICE, 0.6)
        await room.listener.close()
        await room.hear(SILENCE, 0.02)

    asyncio.run(talk())
    assert room.recogniser.cancelled == 1


def test_too_many_at_once_are_told(room: Room) -> None:
    room.recogniser.is_busy = True
    rejected = asyncio.run(room.say())[-1]
    assert isinstance(rejected, Rejected) and "Too many people speak at once" in rejected.advice


def test_a_recogniser_that_never_answers_is_not_waited_for(room: Room) -> None:
    room.recogniser.is_stuck = True
    assert asyncio.run(room.say())[-1] == Rejected(BUSY)


def test_a_recogniser_that_breaks_owes_the_player_an_answer(room: Room) -> None:
    room.recogniser.is_broken = True
    assert asyncio.run(room.say())[-1] == Rejected(SAY_AGAIN)


@pytest.mark.parametrize(("confidence", "starts"), [(0.5, True), (0.7, False)])
def test_the_confidence_that_is_asked_for_decides(confidence: float, starts: bool) -> None:
    room = Room(VoiceActivityOptions(confidence=confidence), sure=0.6)
    assert bool(asyncio.run(room.say())) is starts


@pytest.mark.parametrize(("min_volume", "starts"), [(0.9, True), (0.97, False)])
def test_the_volume_that_is_asked_for_decides(min_volume: float, starts: bool) -> None:
    room = Room(VoiceActivityOptions(min_volume=min_volume))  # 5,000 of 32,767 are 0.94 of it
    assert bool(asyncio.run(room.say())) is starts


def test_without_a_recogniser_every_utterance_gets_the_reason() -> None:
    async def talk() -> Heard | Rejected:
        utterance = await NullRecogniser("type it").open(())
        await utterance.feed(VOICE)
        return await utterance.finish()

    assert asyncio.run(talk()) == Rejected("type it")


def test_after_a_whole_sentence_half_the_pause_is_enough(room: Room) -> None:
    async def talk() -> float:
        room.recogniser.said = Completeness.WHOLE
        await room.hear(VOICE, 1.0)
        stopped, heard = await room.hear(SILENCE, 2.0)
        assert isinstance(stopped, SpeechStopped) and heard == Heard("hello")
        return stopped.timestamp - 1.0

    assert 0.4 <= asyncio.run(talk()) <= 0.45


def test_after_half_a_sentence_it_is_waited_for(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        room.recogniser.said = Completeness.UNFINISHED
        await room.hear(VOICE, 1.0)
        return await room.hear(SILENCE, 2.0)

    _, stopped, _ = asyncio.run(talk())
    assert isinstance(stopped, SpeechStopped)
    assert stopped.timestamp == pytest.approx(1.0 + 1.2)


class FakeTurnDetector:
    """Says the same of every pause, and notes what it was given."""

    def __init__(self, said: Completeness) -> None:
        self.said = said
        self.sounds: list[bytes] = []
        self.is_loaded = False

    def load(self) -> None:
        self.is_loaded = True

    async def completeness(self, pcm: bytes) -> Completeness:
        self.sounds.append(pcm)
        return self.said

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("words", "sound", "pause"),
    [
        (Completeness.UNKNOWN, Completeness.WHOLE, 0.42),
        (Completeness.UNKNOWN, Completeness.UNFINISHED, 1.2),
        (Completeness.WHOLE, Completeness.UNFINISHED, 0.42),
        (Completeness.UNFINISHED, Completeness.WHOLE, 1.2),
    ],
)
def test_where_the_words_do_not_tell_the_sound_does(
    words: Completeness, sound: Completeness, pause: float
) -> None:
    detector = FakeTurnDetector(sound)

    async def talk() -> list[SpeechEvent]:
        room = Room(detector=detector)
        room.recogniser.said = words
        await room.hear(VOICE, 10.0 if sound is Completeness.WHOLE else 1.0)
        return await room.hear(SILENCE, 2.0)

    (stopped,) = (event for event in asyncio.run(talk()) if isinstance(event, SpeechStopped))
    assert detector.is_loaded
    spoken = len(detector.sounds[0]) / 32_000 if detector.sounds else 0.0
    assert bool(detector.sounds) == (words is Completeness.UNKNOWN)
    assert stopped.timestamp % 1.0 == pytest.approx(pause % 1.0, abs=0.021)
    assert spoken <= 8.0


def test_after_half_a_sentence_it_is_asked_once_in_each_pause_and_waited_for(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        await room.hear(VOICE, 0.6)
        await room.hear(SILENCE, 0.7)
        return await room.say(0.6)

    *_, stopped, heard = asyncio.run(talk())
    assert isinstance(stopped, SpeechStopped) and heard == Heard("hello")
    assert stopped.timestamp == pytest.approx(1.9 + 0.8) and room.recogniser.asked == 2


def test_who_asked_for_longer_pauses_gets_them() -> None:
    async def talk() -> list[SpeechEvent]:
        room = Room(turn=SmartTurn(stop_secs=3.0))
        room.recogniser.said = Completeness.WHOLE
        await room.hear(VOICE, 1.0)
        return await room.hear(SILENCE, 1.4)

    (paused,) = asyncio.run(talk())
    assert isinstance(paused, SpeechPaused)


LOUD, QUIET = -20.0, -70.0


def activity() -> VoiceActivity:
    return VoiceActivity(VoiceActivityOptions(), SmartTurn())


def test_silence_begins_no_utterance_however_soon_one_may_begin() -> None:
    eager = VoiceActivity(VoiceActivityOptions(start_secs=0.0), SmartTurn())
    assert {eager.hear(0.0, -100.0, 0.02) for _ in range(100)} == {Activity.NOTHING}
    assert eager.hear(1.0, -20.0, 0.02) is Activity.STARTED


def hear(ears: VoiceActivity, voiced: bool, seconds: float, db: float = LOUD) -> list[Activity]:
    changes = [ears.hear(voiced, db, 0.02) for _ in range(round(seconds / 0.02))]
    return [change for change in changes if change is not Activity.NOTHING]


def test_speech_starts_after_two_tenths_of_a_second_of_confidence() -> None:
    ears = activity()
    assert not hear(ears, True, 0.18)
    assert hear(ears, True, 0.04) == [Activity.STARTED]
    assert ears.is_speaking


def test_a_click_is_no_speech() -> None:
    ears = activity()
    assert not hear(ears, True, 0.1) and not hear(ears, False, 1.0) and not ears.is_speaking


def test_what_is_too_quiet_is_no_speech() -> None:
    assert not hear(activity(), True, 2.0, db=-55.0)


def test_a_turn_ends_after_the_smart_turns_pause() -> None:
    ears = activity()
    hear(ears, True, 1.0)
    assert not hear(ears, False, 0.78)
    assert hear(ears, False, 0.1) == [Activity.STOPPED]


def test_a_pause_within_a_sentence_does_not_end_it() -> None:
    ears = activity()
    hear(ears, True, 1.0)
    for _ in range(3):
        assert not hear(ears, False, 0.6) and not hear(ears, True, 0.4)


def test_a_turn_is_never_longer_than_its_maximum() -> None:
    ears = activity()
    assert hear(ears, True, 8.1) == [Activity.STARTED, Activity.TOO_LONG]


def test_it_knows_how_long_a_turn_was_and_how_much_of_it_was_voice() -> None:
    ears = activity()
    hear(ears, True, 1.0)
    hear(ears, False, 1.0)
    assert 1.7 < ears.seconds < 1.9 and 0.9 < ears.voiced_seconds < 1.1


def test_a_pause_is_known_before_it_ends_the_turn() -> None:
    ears = activity()
    hear(ears, True, 1.0)
    assert not ears.is_pausing
    hear(ears, False, 0.3)
    assert not ears.is_pausing
    hear(ears, False, 0.3)
    assert ears.is_pausing


def test_what_stands_out_of_the_noise_is_taken_for_speech() -> None:
    detector, chance = LoudnessDetector(), np.random.default_rng(1)
    quiet = [chance.normal(0, 30, 320).astype("<i2").tobytes() for _ in range(50)]
    loud = [chance.normal(0, 3_000, 320).astype("<i2").tobytes() for _ in range(20)]
    assert {detector.confidence(frame) for frame in quiet} == {0.0}
    assert [detector.confidence(frame) for frame in loud][-1] == 1.0


def test_each_pause_within_an_utterance_is_told_and_its_end(room: Room) -> None:
    async def talk() -> list[SpeechEvent]:
        first = await room.hear(VOICE, 0.6) + await room.hear(SILENCE, 0.6)
        return first + await room.say(0.6)

    kinds = [type(event) for event in asyncio.run(talk())]
    assert kinds == [
        SpeechStarted,
        SpeechPaused,
        SpeechContinued,
        SpeechPaused,
        SpeechStopped,
        Heard,
    ]

from __future__ import annotations

from characters.core.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.speech.activity import Activity, VoiceActivity

LOUD, QUIET = -20.0, -70.0


def activity() -> VoiceActivity:
    return VoiceActivity(VoiceActivityOptions(), SmartTurn())


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

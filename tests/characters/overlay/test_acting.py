from __future__ import annotations

import pytest

from characters.core.state import SessionState
from characters.core.turn import DialogueState
from characters.overlay import acting
from tests.characters.overlay.helpers import NOW, view


def test_eyes_are_open_most_of_the_time_and_do_blink() -> None:
    seen = [acting.lids(tick / 60, 0.4) for tick in range(60 * 60)]
    assert seen.count(0) / len(seen) > 0.9
    assert {1, 2} <= set(seen)


def test_two_people_do_not_blink_together() -> None:
    assert acting.phase("Mr. Hale") != acting.phase("Nurse Okoye")
    assert 0 <= acting.phase("Mr. Hale") < 1


def test_the_mouth_follows_the_voice() -> None:
    assert [acting.mouth(level, True, 0.0) for level in (0.05, 0.3, 0.9)] == [1, 3, 4]


def test_without_sound_the_mouth_moves_while_text_arrives_and_rests_after() -> None:
    assert len({acting.mouth(0.0, True, tick / 30) for tick in range(60)}) > 2
    assert acting.mouth(0.0, False, 0.3) == 0


def test_the_mouth_has_five_pictures_at_most() -> None:
    assert {acting.mouth(0.0, True, tick / 97) for tick in range(900)} <= set(range(5))


def test_visemes_shape_the_mouth_with_the_voice_and_without() -> None:
    assert acting.mouth(0.5, True, 0.0, shape=0.0) < acting.mouth(0.5, True, 0.0, shape=1.0)
    assert [acting.mouth(0.0, True, 0.0, shape=shape) for shape in (0.0, 0.5, 1.0)] == [0, 2, 4]


def test_vowels_open_the_mouth_and_lips_close_it() -> None:
    assert acting.openness({"aa": 1.0}) == 1.0
    assert acting.openness({"pp": 1.0}) == acting.openness({"sil": 1.0}) == 0.0
    assert acting.openness({"aa": 0.5, "ss": 0.5}) == pytest.approx(0.575)


@pytest.mark.parametrize(("dx", "way"), [(-200, -1), (10, 0), (200, 1)])
def test_eyes_follow_the_player(dx: float, way: int) -> None:
    assert acting.gaze(dx) == way


@pytest.mark.parametrize(
    ("state", "expression"),
    [
        (SessionState.DISCONNECTED, "asleep"),
        (SessionState.ERROR, "sadness"),
        (SessionState.RECONNECTING, "surprise"),
    ],
)
def test_a_face_tells_the_plight_of_the_session(state: SessionState, expression: str) -> None:
    assert acting.emotion(view(state)) == expression


def test_a_felt_emotion_shows_under_any_of_its_names() -> None:
    assert acting.emotion(view(emotion="Happy")) == "joy"
    assert acting.emotion(view(emotion="sadness")) == "sadness"
    assert acting.emotion(view(emotion="flabbergasted")) == "neutral"


def test_one_without_a_session_sleeps() -> None:
    assert acting.face(None, NOW, 0.1).emotion == "asleep"


def test_one_who_thinks_looks_aside() -> None:
    thinks = view(dialogue=DialogueState.THINKING)
    assert acting.face(thinks, NOW, 0.1).gaze == 1


def test_the_head_moves_by_a_few_pixels_at_most() -> None:
    assert {acting.bob(tick / 20, 0.3, True) for tick in range(400)} <= {-1, 0, 1, 2}

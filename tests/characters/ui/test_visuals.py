from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pygame
import pytest

from characters.components.character import Character
from characters.protocol.messages import Visemes
from characters.session.conversation import DialogueState, SessionState
from characters.ui import visuals
from characters.ui.appearance import PROPS, PropKind
from characters.ui.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop
from engine.objects.objects import Component
from engine.objects.scene import Scene
from tests.characters.ui.fakes import Stage
from tests.characters.ui.helpers import NOW, view

GROUND = (1, 2, 3)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made, errors = Scene(), list[str]()

    def note(error: object) -> None:
        errors.append(str(error))

    made.on_error.subscribe(note)
    yield made
    assert errors == []


def picture(scene: Scene) -> pygame.Surface:
    surface = pygame.Surface((960, 600))
    scene.background = GROUND
    scene.update(1 / 60)
    scene.draw(surface)
    return surface


def painted(surface: pygame.Surface) -> pygame.Rect:
    """Return the smallest rectangle around what is not ground."""
    xs, ys = (pygame.surfarray.array3d(surface) != GROUND).any(axis=2).nonzero()
    left, top, right, bottom = int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())
    return pygame.Rect(left, top, right - left + 1, bottom - top + 1)


def place(scene: Scene, component: Component, x: float = 480, y: float = 400) -> None:
    scene.create("Thing", (x, y)).add(component)


@pytest.mark.parametrize(
    "theme", ["lobby", *(pytest.param(name, marks=pytest.mark.slow) for name in ("clinic", "exam"))]
)
def test_a_room_fills_the_screen(scene: Scene, theme: str) -> None:
    place(scene, Backdrop(theme))  # type: ignore[arg-type]  # parametrize hands out plain texts
    assert painted(picture(scene)) == pygame.Rect(0, 0, 960, 600)


@pytest.mark.parametrize("kind", get_args(PropKind))
def test_a_prop_stands_on_its_place(scene: Scene, kind: PropKind) -> None:
    place(scene, Prop(kind, label="Words", flip=True))
    area = painted(picture(scene))
    assert abs(area.centerx - 480) < 25
    assert 380 < area.bottom < 425
    assert area.h >= PROPS[kind].h * 0.8


def test_a_character_stands_on_its_place(scene: Scene) -> None:
    place(scene, CharacterSprite("doctor"))
    area = painted(picture(scene))
    assert abs(area.centerx - 480) < 6
    assert 400 <= area.bottom < 412
    assert 110 < area.h < 140


def test_one_who_sits_shows_no_legs(scene: Scene) -> None:
    place(scene, CharacterSprite("doctor", pose="sit"))
    assert painted(picture(scene)).bottom < 400


def test_nearer_things_cover_farther_ones(scene: Scene) -> None:
    place(scene, CharacterSprite("doctor"), y=400)
    place(scene, Prop("desk"), y=396)
    with_desk_behind = picture(scene).get_at((480, 370))
    scene.objects[1].transform.position = (480, 404)
    assert picture(scene).get_at((480, 370)) != with_desk_behind


def test_the_camera_moves_the_picture(scene: Scene) -> None:
    place(scene, CharacterSprite("doctor"))
    scene.camera.x += 100
    assert abs(painted(picture(scene)).centerx - 380) < 6


def mouth(sprite: CharacterSprite) -> int:
    face = sprite._face(1.0, 0.3, 0.0)
    assert face is not None
    return face.mouth


def test_a_voice_opens_the_mouth_of_who_speaks() -> None:
    stage = Stage()
    sprite = stage.ada.get_component(CharacterSprite)
    assert sprite is not None
    stage.hud_runtime.voice.loudness = 0.7
    stage.becomes("ada", SessionState.CONNECTED)
    assert mouth(sprite) == 0
    stage.becomes("ada", SessionState.CONNECTED, is_speaking=True)
    assert mouth(sprite) == 4


def test_lips_follow_visemes_for_a_moment() -> None:
    stage = Stage()
    sprite = stage.ada.get_component(CharacterSprite)
    assert sprite is not None
    stage.session("ada").events.emit(Visemes({"aa": 1.0}))
    assert (sprite._shape, sprite._shaped_at) == (1.0, stage.scene.time.now)


def test_the_players_legs_move_while_it_walks(scene: Scene) -> None:
    sprite = PlayerSprite()
    place(scene, sprite)
    scene.update(1 / 60)
    seen = set()
    for step in range(40):
        sprite.transform.position = (480 + step * 3, 400)
        scene.update(1 / 60)
        seen.add(sprite._swing())
    assert seen == {-1, 0, 1}
    scene.update(1 / 60)
    assert sprite._swing() == 0


def test_a_sprite_follows_the_character_that_takes_the_place_of_another() -> None:
    stage = Stage()
    sprite = stage.ada.get_component(CharacterSprite)
    assert sprite is not None
    assert sprite.view is stage.ada.view
    stage.scene.destroy(stage.ada)
    stage.frame()
    successor = stage.ada.game_object.add(Character("successor"))
    stage.frame()
    assert sprite.view is successor.view


def test_colours_that_change_in_the_game_are_seen_in_the_next_picture(scene: Scene) -> None:
    sprite = CharacterSprite("doctor")
    place(scene, sprite)
    before = pygame.image.tobytes(picture(scene), "RGB")
    sprite.colour = "#ff0000"
    assert pygame.image.tobytes(picture(scene), "RGB") != before


def test_eyes_are_open_most_of_the_time_and_do_blink() -> None:
    seen = [visuals.lids(tick / 60, 0.4) for tick in range(60 * 60)]
    assert seen.count(0) / len(seen) > 0.9
    assert {1, 2} <= set(seen)


def test_two_people_do_not_blink_together() -> None:
    assert visuals.phase("Mr. Hale") != visuals.phase("Nurse Okoye")
    assert 0 <= visuals.phase("Mr. Hale") < 1


def test_the_mouth_follows_the_voice() -> None:
    assert [visuals.mouth(level, True, 0.0) for level in (0.05, 0.3, 0.9)] == [1, 3, 4]


def test_without_sound_the_mouth_moves_while_text_arrives_and_rests_after() -> None:
    assert len({visuals.mouth(0.0, True, tick / 30) for tick in range(60)}) > 2
    assert visuals.mouth(0.0, False, 0.3) == 0


def test_the_mouth_has_five_pictures_at_most() -> None:
    assert {visuals.mouth(0.0, True, tick / 97) for tick in range(900)} <= set(range(5))


def test_visemes_shape_the_mouth_with_the_voice_and_without() -> None:
    assert visuals.mouth(0.5, True, 0.0, shape=0.0) < visuals.mouth(0.5, True, 0.0, shape=1.0)
    assert [visuals.mouth(0.0, True, 0.0, shape=shape) for shape in (0.0, 0.5, 1.0)] == [0, 2, 4]


def test_vowels_open_the_mouth_and_lips_close_it() -> None:
    assert visuals.openness({"aa": 1.0}) == 1.0
    assert visuals.openness({"pp": 1.0}) == visuals.openness({"sil": 1.0}) == 0.0
    assert visuals.openness({"aa": 0.5, "ss": 0.5}) == pytest.approx(0.575)


@pytest.mark.parametrize(("dx", "way"), [(-200, -1), (10, 0), (200, 1)])
def test_eyes_follow_the_player(dx: float, way: int) -> None:
    assert visuals.gaze(dx) == way


@pytest.mark.parametrize(
    ("state", "expression"),
    [
        (SessionState.DISCONNECTED, "asleep"),
        (SessionState.ERROR, "sadness"),
        (SessionState.RECONNECTING, "surprise"),
    ],
)
def test_a_face_tells_the_plight_of_the_session(state: SessionState, expression: str) -> None:
    assert visuals.emotion(view(state)) == expression


def test_a_felt_emotion_shows_under_any_of_its_names() -> None:
    assert visuals.emotion(view(emotion="Happy")) == "joy"
    assert visuals.emotion(view(emotion="sadness")) == "sadness"
    assert visuals.emotion(view(emotion="flabbergasted")) == "neutral"


def test_one_without_a_session_sleeps() -> None:
    assert visuals.face(None, NOW, 0.1).emotion == "asleep"


def test_one_who_thinks_looks_aside() -> None:
    thinks = view(dialogue=DialogueState.THINKING)
    assert visuals.face(thinks, NOW, 0.1).gaze == 1


def test_the_head_moves_by_a_few_pixels_at_most() -> None:
    assert {visuals.bob(tick / 20, 0.3, True) for tick in range(400)} <= {-1, 0, 1, 2}


@pytest.mark.parametrize(("y", "is_outlined"), [(290, True), (310, False), (200, False)])
def test_a_player_whose_face_is_hidden_is_outlined(y: float, is_outlined: bool) -> None:
    stage = Stage(player=(300, y))  # ada stands at 300, 300
    sprite = stage.player.game_object.add(PlayerSprite())
    stage.frame()
    stage.scene.draw(pygame.Surface((960, 600)))
    stage.frame(12)
    before = pygame.Surface((960, 600))
    after = before.copy()
    sprite.on_gui(after)
    assert (
        pygame.image.tobytes(before, "RGB") != pygame.image.tobytes(after, "RGB")
    ) == is_outlined

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pygame
import pytest

from characters.client.voice_input import VoiceInputStatus
from characters.components.language import language_path, read_words
from characters.protocol.failures import failure
from characters.session.conversation import Resume, ResumeOutcome, SessionState, Turn
from characters.ui import words
from characters.ui.actions import Actions
from characters.ui.model import ALL_BINDINGS, Actor, HudModel, SceneQuery
from characters.ui.paint.talk import (
    CaptionPlace,
    caption_places,
    error_cards,
    microphone_size,
    notice_place,
    paint_badges,
    paint_banner,
    paint_captions,
    paint_chat,
    paint_errors,
    paint_help,
    paint_hint,
    paint_menu,
    paint_microphone,
    paint_notice,
)
from characters.ui.state import MIC_H, MIC_W, HudAction, HudState, bar, hud_layout
from characters.ui.words import HELP
from engine.core.input import Input
from engine.objects.scene import Scene
from engine.ui.geometry import Hotspots, Rect
from engine.ui.text_field import TextField
from tests.characters.ui.helpers import NOW, actor, crowd, model
from tests.characters.ui.paint.pictures import MeasuringPainter, NotingPainter, area, gui, sheet

STAGE = Rect(12, 64, 936, 524)


class RecordingActions(Actions):
    """Actions that record which character they were run for."""

    def __init__(self) -> None:
        super().__init__(SceneQuery(Scene()), HudState(), print, int)
        self.told: list[str] = []

    def retry(self, key: str) -> None:
        self.told.append(f"retry {key}")

    def start_anew(self, key: str) -> None:
        self.told.append(f"anew {key}")

    def take_over(self, key: str) -> None:
        self.told.append(f"over {key}")


def failed(name: str, code: str) -> Actor:
    return actor(name, SessionState.ERROR, error=failure(code))


def buttons(shown: HudModel, stage: Rect = STAGE) -> list[str]:
    """Return what clicks on every place of the cards do, each once, from the top."""
    surface, spots, actions = sheet(), Hotspots(), RecordingActions()
    on = gui(shown, surface, spots=spots)
    paint_errors(on, error_cards(on, stage), actions)
    for y in range(40, 600, 10):
        for x in range(0, 960, 30):
            spots.click((x, y))
    return list(dict.fromkeys(actions.told))


def paint(shown: HudModel, noting: NotingPainter) -> None:
    on = gui(shown, brush=noting)
    paint_errors(on, error_cards(on, STAGE), RecordingActions())


def test_only_those_in_error_get_a_card() -> None:
    assert not error_cards(gui(model(actor())), STAGE)


def titles(shown: HudModel) -> list[str]:
    return [card.title for card in error_cards(gui(shown), STAGE)]


def test_a_card_retries_its_own_characters() -> None:
    ada, bob = failed("Ada", "connection.refused"), failed("Bob", "connection.timeout")
    assert sorted(buttons(model(ada, actor("Cyd"), bob))) == ["retry ada", "retry bob"]


def test_those_who_failed_for_one_cause_share_a_card() -> None:
    ada, bob, cyd, dan = (
        failed(name, "connection.refused") for name in ("Ada", "Bob", "Cyd", "Dan")
    )
    assert titles(model(ada)) == ["Ada could not be reached"]
    assert titles(model(ada, bob)) == ["Both could not be reached"]
    assert titles(model(ada, bob, actor("Eve"))) == ["Ada and Bob could not be reached"]
    assert titles(model(ada, bob, cyd, dan)) == ["Ada, Bob and 2 more could not be reached"]
    assert buttons(model(ada, bob)) == ["retry ada", "retry bob"]
    noting, shown = NotingPainter(), model(ada, bob)
    paint(shown, noting)
    assert "Retry all (R)" in noting.words


FULL = "Conversations cannot be kept in /full: No space left on device."


def test_the_problem_of_the_service_has_a_card_of_its_own() -> None:
    shown = model(actor(), service_problem=FULL)
    (card,) = error_cards(gui(shown), STAGE)
    assert (card.title, card.text) == ("Trouble with the conversation service", FULL)
    noting = NotingPainter()
    paint(shown, noting)
    assert "I see (R)" in noting.words


def test_why_the_service_does_not_start_stands_on_the_card_of_those_who_miss_it() -> None:
    problem = "The conversation service could not start: port 7 is taken"
    shown = model(failed("Ada", "service.not_started"), service_problem=problem)
    (card,) = error_cards(gui(shown), STAGE)
    assert card.text == f"{problem}. Press Retry to start it again."


def test_whether_a_talk_is_given_up_is_decided_for_each() -> None:
    gone = [failed(name, "session.resume_refused") for name in ("Ada", "Bob")]
    assert len(titles(model(*gone))) == 2


def test_a_card_hides_neither_a_character_nor_the_player_nor_what_is_said() -> None:
    captions = (Rect(120, 480, 720, 80),)
    refused = failure("connection.refused")
    for head in ((200, 150), (760, 150), (480, 150), (200, 420)):
        for player in ((200, 150), (480, 300)):
            ada = actor("Ada", SessionState.ERROR, head=head, error=refused)
            shown = model(ada, player_head=player)
            (card,) = error_cards(gui(shown), STAGE, captions)
            assert not any(map(card.rect.overlaps, (*shown.figures, *captions))), (head, player)


def test_cards_of_several_causes_stand_apart() -> None:
    codes = ("connection.refused", "connection.timeout", "session.resume_refused")
    shown = model(*(failed(code, code) for code in codes))
    first, second, third = (card.rect for card in error_cards(gui(shown), STAGE))
    assert not (first.overlaps(second) or second.overlaps(third) or first.overlaps(third))


def test_a_card_speaks_to_the_player_and_keeps_the_code_small() -> None:
    noting = NotingPainter()
    paint(model(failed("Ada", "session.resume_refused")), noting)
    words = " ".join(noting.words)
    assert "Start anew begins a new one" in words and "ALWAYS_RESUME" not in words
    assert "session.resume_refused" in noting.words


def test_a_talk_that_cannot_be_resumed_may_begin_anew() -> None:
    assert buttons(model(failed("Ada", "session.resume_refused"))) == ["anew ada", "retry ada"]


def test_a_talk_that_is_open_elsewhere_may_be_taken_over() -> None:
    assert buttons(model(failed("Ada", "session.live_elsewhere"))) == ["over ada", "retry ada"]


def test_each_key_stands_on_the_first_of_its_buttons() -> None:
    elsewhere = "session.live_elsewhere"
    noting = NotingPainter()
    paint(model(failed("A", "connection.refused"), failed("B", elsewhere)), noting)
    labels = [word for word in noting.words if word.startswith(("Retry", "Take over"))]
    assert labels == ["Retry (R)", "Retry", "Take over (V)"]


def test_a_card_wraps_in_the_narrow_room_between_two_panels() -> None:
    surface, narrow = sheet(), Rect(300, 64, 264, 524)
    shown = model(failed("Professor Wilhelmina Featherstonehaugh", "session.resume_refused"))
    on = gui(shown, surface)
    paint_errors(on, error_cards(on, narrow), RecordingActions())
    assert area(surface).right < narrow.right + 20
    assert buttons(shown, narrow) == ["anew professor-wilhelmina-featherstonehaugh",
                                      "retry professor-wilhelmina-featherstonehaugh"]  # fmt: skip


def test_the_help_covers_the_middle_and_names_every_key_once() -> None:
    surface = sheet()
    paint_help(gui(model(), surface))
    assert area(surface).size == (960, 600)
    assert len({key for key, _ in HELP}) == len(HELP)


@pytest.mark.parametrize("size", [(960, 600), (640, 400)])
def test_the_help_is_as_wide_as_its_language_takes(size: tuple[int, int]) -> None:
    german = read_words(language_path("de", Path())).with_keys(Input(), ALL_BINDINGS)
    measuring = MeasuringPainter()
    shown = model(size=size, words=german)
    paint_help(gui(shown, pygame.Surface(size), brush=measuring))
    widest = max(measuring.panels, key=lambda panel: panel.w)
    assert widest.w <= size[0]
    assert all(text.x >= widest.x and text.right <= widest.right for text in measuring.texts)


def test_help_and_menu_fit_a_low_picture() -> None:
    low, entries = model(size=(640, 400)), [HudAction(str, "Go on")] * 9
    for nth in range(2):
        surface = pygame.Surface((640, 400))
        surface.fill((255, 255, 255))
        if nth:
            paint_menu(gui(low, surface), entries, 0)
        else:
            paint_help(gui(low, surface))
        edges = [surface.get_at((320, y)).r for y in (0, 399)]
        assert min(edges) > 80  # shade and shadow on white: the sheet itself is darker


@pytest.mark.parametrize("stage", [Rect(12, 64, 616, 324), Rect(300, 64, 328, 324)])
def test_an_error_card_leaves_the_microphone_uncovered(stage: Rect) -> None:
    shown = model(actor("Dr. Varga", SessionState.ERROR), size=(640, 400))
    mic = hud_layout((640, 400), inspector=False, faults=False).microphone
    assert not error_cards(gui(shown), stage)[0].rect.overlaps(mic)


def test_the_menu_is_worked_by_clicks() -> None:
    called, spots = list[str](), Hotspots()
    entries = [HudAction(partial(called.append, name), name) for name in ("a", "b")]
    paint_menu(gui(model(), spots=spots), entries, 0)
    for y in range(0, 600, 10):
        spots.click((480, y))
    assert list(dict.fromkeys(called)) == ["a", "b"]


def painted(
    *actors: Actor,
    stage: Rect = STAGE,
    taken: tuple[Rect, ...] = (),
    talk: tuple[Rect, ...] = (),
) -> pygame.Rect:
    surface = sheet()
    paint_badges(gui(model(*actors), surface), stage, taken, talk)
    return area(surface)


def test_a_badge_stands_over_the_head() -> None:
    box = painted(actor(head=(480, 300)))
    assert abs(box.centerx - 480) < 3
    assert 295 <= box.bottom <= 305


@pytest.mark.parametrize("head", [(0, 0), (960, 0), (960, 600), (0, 600), (-500, 300)])
def test_a_badge_stays_on_the_screen(head: tuple[float, float]) -> None:
    name = "Professor Wilhelmina Featherstonehaugh the Younger"
    box = painted(actor(name, head=head))
    assert pygame.Rect(0, 0, 960, 600).contains(box)
    assert box.w < 240


@pytest.mark.parametrize("x", [100, 860])
def test_who_stands_behind_an_open_panel_has_no_badge_that_peeks_out(x: float) -> None:
    between = Rect(300, 64, 264, 524)
    assert painted(actor(head=(x, 300)), stage=between).w == 0
    inside = painted(actor(head=(310, 300)), stage=between)
    assert between.x - 10 <= inside.left and inside.right <= between.right + 10


def test_a_badge_that_a_card_would_cut_is_left_out() -> None:
    card = Rect(12, 42, 400, 130)
    assert painted(actor(head=(400, 200)), taken=(card,)).w == 0
    assert painted(actor(head=(700, 200)), taken=(card,)).w > 0


def test_a_badge_behind_the_captions_stands_above_them_with_its_tip() -> None:
    low, high = Rect(120, 500, 720, 60), Rect(120, 434, 720, 60)
    for head in (440, 480, 550, 590):
        box = painted(actor(head=(480, head)), talk=(low, high))
        assert 420 < box.bottom <= 438  # its shadow may reach them, its tip ends above
        assert box.h > 38


def test_a_badge_beside_the_captions_stays_over_its_head() -> None:
    captions = Rect(120, 434, 400, 130)
    assert painted(actor(head=(800, 500)), talk=(captions,)).bottom > 490


def test_a_badge_for_which_the_captions_leave_no_room_is_left_out() -> None:
    assert painted(actor(head=(480, 300)), talk=(Rect(12, 100, 900, 460),)).w == 0
    assert painted(actor(head=(480, 300)), talk=(Rect(12, 120, 900, 440),)).w > 0


def test_in_a_throng_the_one_who_listens_keeps_his_badge() -> None:
    throng = [actor(f"Extra {n}", head=(480, 110 + n)) for n in range(12)]
    seen = [sheet(), sheet()]
    for surface, is_target in zip(seen, (True, False), strict=True):
        ada = actor("Ada", head=(480, 105), is_target=is_target)
        paint_badges(gui(model(*throng, ada), surface), STAGE)
    first, second = (pygame.image.tobytes(surface, "RGB") for surface in seen)
    assert first != second


def test_the_level_is_at_the_badge_of_the_one_who_hears() -> None:
    def strip(key: str, level: float) -> bytes:
        surface, mic = sheet(), VoiceInputStatus(level, is_open=True, target="ada")
        both = actor("Ada", head=(200, 300)), actor("Bob", head=(700, 300), is_target=True)
        paint_badges(gui(model(*both, voice=mic), surface), STAGE)
        half = pygame.Rect(0 if key == "ada" else 480, 0, 480, 600)
        return pygame.image.tobytes(surface.subsurface(half), "RGB")

    assert strip("ada", 0.1) != strip("ada", 0.9)
    assert strip("bob", 0.1) == strip("bob", 0.9)


def test_a_receipt_makes_it_taller_for_a_while() -> None:
    plain = painted(actor(head=(480, 300)))
    resume = Resume(ResumeOutcome.REJOINED)
    fresh = painted(actor(head=(480, 300), resume=resume, connected_at=NOW - 1))
    assert fresh.h > plain.h + 15


def test_each_state_is_another_picture() -> None:
    pictures = set()
    for state in SessionState:
        surface = sheet()
        paint_badges(gui(model(actor(state=state, head=(480, 300))), surface), STAGE)
        pictures.add(pygame.image.tobytes(surface, "RGB"))
    assert len(pictures) == len(SessionState)


def captions(shown: HudModel, size: int = 19) -> tuple[pygame.Rect, tuple[CaptionPlace, ...]]:
    """Paint the captions of a frame; return the area that they took, and their places."""
    surface = sheet()
    on = gui(shown, surface)
    places = caption_places(on, STAGE, 560, size)
    paint_captions(on, places)
    return area(surface), places


def test_captions_grow_upwards_from_their_foot() -> None:
    box, _ = captions(crowd())
    assert 555 < box.bottom <= 575


def test_captions_are_painted_where_their_places_are() -> None:
    box, (low, high) = captions(crowd())
    assert high.rect.bottom < low.rect.y
    assert low.rect.bottom == 560
    assert 0 <= high.rect.y - box.top < 20  # a shadow lies around it


def test_larger_captions_take_more_room_and_stay_on_the_stage() -> None:
    heights = []
    for size in (19, 27):
        box, _ = captions(crowd(), size)
        heights.append(box.h)
        assert box.w < 740
    assert heights[0] < heights[1]


def test_a_very_long_answer_shows_its_end() -> None:
    nurse = crowd().actors[1]
    said = replace(nurse.view.transcript[1], text="word " * 400)
    shown = model(nurse._replace(view=replace(nurse.view, transcript=(said,))))
    assert captions(shown)[0].h < 150


def test_without_talk_there_is_no_caption() -> None:
    box, places = captions(model(actor()))
    assert (box.w, places) == (0, ())


def test_the_cursor_of_a_long_line_stays_in_sight() -> None:
    field, box = TextField(), bar(STAGE, 640, 44, 580)
    field.insert("a rather long line of talk " * 12)
    for key in ("end", "home"):
        field.press(key)
        surface = sheet()
        paint_chat(gui(crowd(), surface), box, field)
        assert area(surface).right < box.right + 16


def test_the_level_is_shown_only_while_somebody_hears() -> None:
    rect = Rect(680, 10, 268, 46)
    pictures = []
    quiet, loud = VoiceInputStatus(level=0.1), VoiceInputStatus(level=0.9)
    for mic in (loud, quiet, VoiceInputStatus(0.9, is_open=True)):
        surface = sheet()
        on = gui(model(actor(is_target=True), voice=mic), surface)
        paint_microphone(on, rect, words.microphone(on.model))
        pictures.append(pygame.image.tobytes(surface, "RGB"))
    assert pictures[0] == pictures[1] != pictures[2]


def test_banner_hint_and_notice_stay_within_their_places() -> None:
    surface = sheet()
    hosts = {"a-very-long-host-name." * 8: ("talk",), "api.example.com": ("model",)}
    on = gui(model(ways_out=hosts), surface)
    paint_banner(on, Rect(12, 10, 330, 26))
    assert area(surface).right < 680
    paint_hint(on, Rect(160, 570, 640, 22), "Walk: WASD")
    assert pygame.Rect(0, 0, 960, 600).contains(notice(500, "A sentence that has to wrap here. "))


NARROW = Rect(300, 64, 260, 524)


def notice(bottom: float, text: str, *actors: Actor) -> pygame.Rect:
    surface = sheet()
    on = gui(model(*actors, notice=text * 5), surface)
    place = notice_place(on, NARROW, bottom)
    assert place is not None
    paint_notice(on, place)
    return area(surface)


def test_a_notice_stands_above_the_key_bar() -> None:
    shown = notice(560, "A sentence that has to wrap here. ")
    assert 540 < shown.bottom <= 567  # with its shadow


def test_a_notice_never_stands_on_a_face() -> None:
    at_the_edge = actor(head=(430, 470))
    shown = notice(560, "A sentence that has to wrap here. ", at_the_edge)
    assert shown.top < 80
    assert notice_place(gui(model()), NARROW, 560) is None


SILENT = (
    "The microphone default delivers only silence: is it switched off or not permitted? "
    "Typing and captions work."
)


@pytest.mark.parametrize("width", [640, 960])
def test_the_card_of_the_microphone_shows_its_whole_sentence(width: int) -> None:
    painter = NotingPainter()
    shown = model(size=(width, 600), voice=VoiceInputStatus(problem=SILENT))
    on = gui(shown, brush=painter)
    said = words.microphone(on.model)
    w, h = microphone_size(on, said)
    paint_microphone(on, Rect(width - w - 12, 10, w, h), said)
    assert SILENT in " ".join(painter.words)
    calm = replace(on, model=replace(shown, voice=VoiceInputStatus()))
    assert microphone_size(calm, words.microphone(calm.model)) == (
        MIC_W,
        MIC_H,
    )  # its cause is gone


def test_a_long_line_of_the_player_says_that_its_beginning_is_left_out() -> None:
    long = actor("Ada", transcript=(Turn("player", "word " * 120, NOW),))
    (place,) = caption_places(gui(model(long)), NARROW, 560, 20)
    assert len(place.lines) == 2 and place.lines[0].startswith("… word")
    short = actor("Ada", transcript=(Turn("player", "word", NOW),))
    (place,) = caption_places(gui(model(short)), NARROW, 560, 20)
    assert tuple(place.lines) == ("word",)

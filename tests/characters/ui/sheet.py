"""Contact sheets to look at: `python -m tests.characters.ui.sheet FOLDER`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pygame

from characters.components.faults import Faults
from characters.protocol.network_conditions import NetworkConditions
from characters.session.conversation import (
    DialogueState,
    FreshReason,
    Resume,
    ResumeOutcome,
    SessionState,
)
from characters.ui.actions import Actions
from characters.ui.appearance import EXPRESSIONS, LOOKS, PROPS, Face
from characters.ui.model import HudModel, SceneQuery
from characters.ui.paint.furniture import prop_picture
from characters.ui.paint.painter import make_painter
from characters.ui.paint.people import CharacterDrawing
from characters.ui.paint.rooms import draw_backdrop
from characters.ui.paint.screen import paint_screen
from characters.ui.paint.talk import paint_badges
from characters.ui.paint.widgets import Gui
from characters.ui.state import CaptionSize, HudLayer, HudState
from engine.objects.scene import Scene
from engine.ui.geometry import Hotspots, Rect
from engine.ui.painter import Painter
from tests.characters.ui.helpers import NOW, actor, crowd, model

__all__ = [
    "badges",
    "CalmFaults",
    "furniture",
    "people",
    "screen",
]


class CalmFaults:
    """Faults that offer everything and break nothing."""

    has_service = True
    is_service_running = True
    has_microphone = True
    is_microphone_unplugged = False

    def cut(self, key: str | None = None) -> None:
        """Cut nothing."""

    def network_conditions(self, key: str | None = None) -> NetworkConditions | None:
        """Return a line that is late."""
        return NetworkConditions(delay_seconds=0.4)

    latency = slow_link = unplug_microphone = plug_in_microphone = cut
    black_hole = heal = expire_session = kill_service = start_service = cut


SIZE = (960, 600)
STAGE = Rect(12, 64, 936, 524)
PAPER = (233, 215, 190)


def badges(painter: Painter) -> pygame.Surface:
    """Return a badge in each state and each dialogue state, with every receipt."""
    surface = _sheet()
    s = SessionState
    resumes = [
        Resume(ResumeOutcome.REJOINED),
        Resume(ResumeOutcome.RESUMED, None, 720),
        *[Resume(ResumeOutcome.FRESH, reason) for reason in FreshReason],
    ]
    shown = [
        *[actor("Mr. Hale", dialogue=dialogue) for dialogue in DialogueState],
        actor("Mr. Hale", s.CONNECTING, attempt=1),
        actor(
            "Mr. Hale",
            s.CONNECTING,
            attempt=2,
            max_attempts=3,
            next_retry_at=NOW + 1.2,
            retry_wait_seconds=2,
        ),
        actor("Mr. Hale", s.RECONNECTING, attempt=1, max_attempts=3),
        actor(
            "Mr. Hale",
            s.RECONNECTING,
            attempt=2,
            max_attempts=3,
            next_retry_at=NOW + 3.2,
            retry_wait_seconds=4,
        ),
        actor("Mr. Hale", s.RECONNECTING, attempt=14, next_retry_at=NOW + 2, retry_wait_seconds=4),
        actor("Mr. Hale", s.DISCONNECTING),
        actor("Mr. Hale", s.DISCONNECTED),
        actor("Mr. Hale", s.DISCONNECTED, is_hibernating=True),
        actor("Mr. Hale", s.ERROR),
        actor("Professor Wilhelmina Featherstonehaugh the Younger", is_target=True),
        *[actor("Mr. Hale", resume=r, connected_at=NOW - 1, is_target=True) for r in resumes],
    ]
    for nth, one in enumerate(shown):
        at = (120.0 + nth % 4 * 240, 120.0 + nth // 4 * 62 + (40 if nth > 17 else 0))
        shown_one = model(one._replace(key=str(nth), head=at))
        paint_badges(Gui(painter, surface, shown_one, Hotspots()), STAGE)
    return surface


def people(painter: Painter) -> pygame.Surface:
    """Return everybody from three sides, and every expression."""
    surface = _sheet()
    for nth, look in enumerate(LOOKS):
        x, drawing = 60 + nth * 93, CharacterDrawing(painter, (look, "", "", ""))
        drawing.draw(surface, (x, 150), Face())
        drawing.draw(surface, (x, 290), Face(mouth=nth % 5, gaze=1), turn=1, swing=1)
    nurse, kiosk = (CharacterDrawing(painter, (look, "", "", "")) for look in ("nurse", "kiosk"))
    for nth, emotion in enumerate(EXPRESSIONS):
        x = 50 + nth * 78
        nurse.draw(surface, (x, 430), Face(emotion))
        kiosk.draw(surface, (x, 570), Face(emotion, mouth=nth % 5))
    return surface


def furniture(painter: Painter) -> pygame.Surface:
    """Return every prop."""
    surface = pygame.Surface((1200, 760))
    surface.fill(PAPER)
    x, y, row = 10, 10, 0
    for kind in PROPS:
        label = {"door": "Lobby", "blackboard": "Practical exam, today", "reception": "Welcome"}
        picture, _ = prop_picture(painter, kind, label.get(kind, ""), "", False)
        if x + picture.get_width() > 1200:
            x, y, row = 10, y + row, 0
        surface.blit(picture, (x, y))
        x, row = x + picture.get_width() - 12, max(row, picture.get_height() - 12)
    return surface


def screen(painter: Painter, shown: HudModel, state: HudState, theme: str) -> pygame.Surface:
    """Return a whole frame with these panels open."""
    surface = _sheet()
    room = painter.sprite(theme, SIZE, lambda canvas: draw_backdrop(canvas, theme), 2)
    surface.blit(room, (0, 0))
    looks = ("patient", "nurse", "kiosk", "examiner", "porter")
    for one, look in sorted(
        zip(shown.actors, looks, strict=False), key=lambda pair: pair[0].head[1]
    ):
        feet = (one.head[0], one.head[1] + 126)
        CharacterDrawing(painter, (look, "", "", "")).draw(
            surface, feet, Face(one.view.emotion or "neutral")
        )
    scene = Scene()
    scene.provide(CalmFaults(), Faults)
    actions = Actions(SceneQuery(scene), state, print, int)
    paint_screen(Gui(painter, surface, shown, Hotspots()), state, actions)
    return surface


def _sheet() -> pygame.Surface:
    surface = pygame.Surface(SIZE)
    surface.fill(PAPER)
    return surface


def main(folder: Path) -> None:
    """Write every sheet into the folder."""
    painter = make_painter()
    chatting = HudState(layer=HudLayer.CHAT)
    chatting.chat.insert("Good morning! I wanted to ask how you have been since yesterday, because")
    sheets = {
        "badges": badges(painter),
        "people": people(painter),
        "furniture": furniture(painter),
        "screen": screen(painter, crowd(), HudState(), "clinic"),
        "panels": screen(
            painter,
            crowd(),
            HudState(is_inspector_open=True, is_faults_open=True, inspected="nurse-okoye"),
            "lobby",
        ),
        "chat": screen(painter, replace(crowd(), notice="Nobody is near."), chatting, "exam"),
        "large": screen(painter, crowd(), HudState(caption_size=CaptionSize.LARGE), "lobby"),
        "help": screen(painter, crowd(), HudState(layer=HudLayer.HELP), "clinic"),
        "menu": screen(painter, crowd(), HudState(layer=HudLayer.MENU, menu_index=1), "exam"),
    }
    for name, picture in sheets.items():
        pygame.image.save(picture, str(folder / f"{name}.png"))


if __name__ == "__main__":
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    main(Path(sys.argv[1]))

"""Where the parts of the HUD stand, so that none covers another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.ui.rect import Rect

__all__ = [
    "MARGIN",
    "MIC_W",
    "SOUND_ROW",
    "HudLayout",
    "bar",
    "hud_layout",
    "sound_page",
    "sound_people",
    "spread",
]

MARGIN = 12.0
TOP = 64.0
MIC_W, MIC_H = 268.0, 46.0
INSPECTOR_W, FAULTS_W = 372.0, 276.0
STAGE_W = 160.0  # of captions, at least
FAULTS_H = 342.0  # without its rows of people
CHAT_H = 44.0
HINT_H = 22.0
SOUND_W, SOUND_ROW = 560.0, 27.0
SOUND_SETTINGS = 5  # rows of the Sound page beside those of the characters
SOUND_H = 106.0  # of the page without its rows


@dataclass(frozen=True, slots=True)
class HudLayout:
    """The rectangles of one frame; a closed panel has none."""

    banner: Rect
    microphone: Rect
    stage: Rect
    """What the open panels leave free: captions, chat and error cards go there."""
    inspector: Rect | None
    faults: Rect | None
    chat: Rect
    hint: Rect


def hud_layout(
    size: tuple[float, float], *, inspector: bool, faults: bool, people: int = 5
) -> HudLayout:
    """Return the layout for the open panels; the fault panel has a row for each of the people.

    A narrow picture has room for one panel: the fault panel hides the inspector then.
    """
    w, h = size
    if faults and w < INSPECTOR_W + FAULTS_W + 4 * MARGIN + STAGE_W:
        inspector = False
    tall = h - TOP - MARGIN
    right = Rect(w - INSPECTOR_W - MARGIN, TOP, INSPECTOR_W, tall) if inspector else None
    left = Rect(MARGIN, TOP, FAULTS_W, min(tall, FAULTS_H + 29.0 * people)) if faults else None
    x0 = left.right + MARGIN if left else MARGIN
    x1 = right.x - MARGIN if right else w - MARGIN
    stage = Rect(x0, TOP, x1 - x0, tall)
    return HudLayout(
        banner=Rect(MARGIN, 10, 330, 26),
        microphone=Rect(w - MIC_W - MARGIN, 10, MIC_W, MIC_H),
        stage=stage,
        inspector=right,
        faults=left,
        chat=bar(stage, 640, CHAT_H, stage.bottom),
        hint=bar(stage, 640, HINT_H, stage.bottom + 6),
    )


def sound_people(height: float) -> int:
    """Return how many characters have room on the Sound page."""
    return int((height - TOP - MARGIN - SOUND_H) // SOUND_ROW) - SOUND_SETTINGS


def sound_page(size: tuple[float, float], rows: int) -> Rect:
    """Return the Sound page in the middle, below the microphone, which stays in sight."""
    w, h = min(SOUND_W, size[0] - 2 * MARGIN), SOUND_H + rows * SOUND_ROW
    return Rect((size[0] - w) // 2, max(TOP, (size[1] - h) // 2), w, h)


def bar(stage: Rect, most: float, height: float, bottom: float) -> Rect:
    """Return a bar in the middle of the stage that ends at `bottom`."""
    w = min(most, stage.w)
    return Rect(stage.x + (stage.w - w) / 2, bottom - height, w, height)


def spread(
    wanted: Sequence[Rect], frame: Rect, gap: float = 4.0, over: Iterable[Rect] = ()
) -> tuple[Rect, ...]:
    """Return the rectangles inside the frame, lifted until none covers another or one of `over`.

    They keep their columns: a badge stays over its head, only higher. Where there is no room
    left, it stands above the frame.
    """
    placed: dict[int, Rect] = {}
    blockers = list(over)
    # The lowest first: what gives way moves up, towards free wall.
    for index in sorted(range(len(wanted)), key=lambda i: -wanted[i].bottom):
        rect = wanted[index].inside(frame)
        for _ in range(len(blockers)):
            blocker = next(filter(rect.overlaps, blockers), None)
            if blocker is None:
                break
            rect = Rect(rect.x, blocker.y - rect.h - gap, rect.w, rect.h)
        placed[index] = rect
        blockers.append(rect)
    return tuple(placed[index] for index in range(len(wanted)))

"""What the player has opened, chosen and typed, and where the parts of the HUD stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from characters.client.context import RememberedFact
from engine.app.application import MAX_FRAME_SECONDS
from engine.core.input import Input
from engine.scenes.file import FieldRow
from engine.ui.geometry import Rect
from engine.ui.text_field import TextField

__all__ = [
    "bar", "CaptionSize", "Draft", "ENTER_KEYS", "FieldState", "hud_layout", "HudAction",
    "HudLayer", "HudLayout", "HudState", "listing", "MARGIN", "MemoryState", "MIC_H", "MIC_W",
    "run_first", "Scroll", "SLOT_ROW", "slots_page", "sound_page", "sound_rows", "SOUND_ROW",
    "spread", "steps", "UP_DOWN", "view_shift", "window",
]  # fmt: skip


_TURNS: Mapping[str, int] = MappingProxyType(
    {"left": -1, "up": -1, "right": 1, "down": 1, "space": 1, "mouse 4": -1, "mouse 5": 1}
)

ENTER_KEYS = ("return", "enter", "pad 0")
UP_DOWN: Mapping[str, int] = MappingProxyType(
    {"up": -1, "w": -1, "pad up": -1, "down": 1, "s": 1, "pad down": 1}
)


def steps(source: Input, ways: Mapping[str, int]) -> int:
    """Return how far the keys of this frame go; a slow frame may hold several presses of one."""
    return sum(by * source.get_key_repeat(key) for key, by in ways.items())


@dataclass(frozen=True, slots=True)
class HudAction:
    """Something that the player can do, with the words on its button and the keys that run it."""

    run: Callable[[], object]
    label: str = ""
    keys: tuple[str, ...] = ()
    binding: str = ""
    """An action of `scene.input.bindings`, whose keys run this one too."""
    why_not: str = ""
    """Why it cannot be done now, which `run` tells then; its button is grey."""
    is_harmful: bool = False

    def run_if_pressed(self, source: Input) -> bool:
        """Run it if one of its keys went down in this frame; return whether one did."""
        is_pressed = bool(self.binding) and source.get_button_down(self.binding)
        is_pressed = is_pressed or any(map(source.get_key_down, self.keys))
        if is_pressed:
            self.run()
        return is_pressed


def run_first(source: Input, actions: Iterable[HudAction]) -> bool:
    """Run the first action whose key went down; return whether there was one."""
    return any(action.run_if_pressed(source) for action in actions)


class Draft:
    """A value under edit: one of its choices, or a line of text that the first letter replaces."""

    def __init__(self, row: FieldRow) -> None:
        self.row = row
        self.field = TextField()
        (self.field.insert if row.choices else self.field.suggest)(row.text)

    @property
    def text(self) -> str:
        """The value as it would be saved."""
        return self.field.text

    @property
    def is_changed(self) -> bool:
        """Whether it differs from what is there."""
        return self.text != self.row.text

    def turn(self, by: int) -> None:
        """Go to another of the choices."""
        choices = self.row.choices
        here = choices.index(self.text) if self.text in choices else 0
        self.field.clear()
        self.field.insert(choices[(here + by) % len(choices)])

    def feed(self, source: Input) -> None:
        """Take the keys of this frame."""
        if self.row.choices:
            if by := steps(source, _TURNS):
                self.turn(by)
            return
        self.field.feed(source)


@dataclass(slots=True)
class FieldState:
    """The chosen row, the value under edit, and the message about the last edit."""

    chosen: int = 0
    draft: Draft | None = None
    message: str = ""
    is_refusal: bool = False

    def move(self, by: int, rows: int) -> None:
        """Choose a row further up or down; the list has ends."""
        self.chosen = max(0, min(rows - 1, self.chosen + by))
        self.message = ""

    def begin(self, row: FieldRow) -> None:
        """Edit a value."""
        self.draft = Draft(row)
        self.message = ""

    def leave(self) -> None:
        """Drop the draft."""
        self.draft = None
        self.message = ""

    def say(self, message: str, *, is_refusal: bool = False) -> None:
        """Show what became of an edit."""
        self.message, self.is_refusal = message, is_refusal


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A line of the list: a field by its index, or a heading, empty over the object's own."""

    text: str
    index: int | None = None


def listing(rows: Sequence[FieldRow]) -> tuple[FieldLine, ...]:
    """Return a line for each field, under headings with the names of their tables."""
    lines: list[FieldLine] = []
    group = None
    for index, row in enumerate(rows):
        if row.group != group:
            group = row.group
            lines.append(FieldLine(group))
        lines.append(FieldLine(row.name, index))
    return tuple(lines)


def window(total: int, chosen: int, room: int) -> range:
    """Return which of `total` lines there is `room` for, if possible with the chosen one amid."""
    start = max(0, min(chosen - room // 2, total - room))
    return range(start, min(total, start + room))


NOTICE_SECONDS = 4.5
_LETTERS_PER_SECOND = 20.0  # a notice is also in the log: it need not wait for the slowest


class CaptionSize(StrEnum):
    """How captions are shown; F2 goes through them."""

    NORMAL = "normal"
    LARGE = "large"
    OFF = "off"

    @property
    def pixels(self) -> int:
        """The height of the letters, 0 for none."""
        return {"normal": 19, "large": 27, "off": 0}[self.value]

    @property
    def next(self) -> CaptionSize:
        """What F2 changes it to."""
        order = list(CaptionSize)
        return order[(order.index(self) + 1) % len(order)]


class HudLayer(StrEnum):
    """What lies over the level and takes the keys."""

    GAME = "game"
    CHAT = "chat"
    MENU = "menu"
    SOUND = "sound"
    SLOTS = "slots"
    HELP = "help"
    FIELDS = "fields"
    MEMORY = "memory"


@dataclass(slots=True)
class MemoryState:
    """What is seen of a character's memory: asked for when the page opens and when it changes."""

    key: str = ""
    """Of the session that it is about."""
    facts: tuple[RememberedFact, ...] | None = None
    """None until the service has answered."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """The slots by the sessions that were saved in them."""
    chosen: int = 0
    value: TextField | None = None
    """The correction of the chosen fact, while it is typed."""
    asked: str = ""
    """The key of what is to be forgotten: once more does it."""
    has_failed: bool = False
    work: Future[Any] | None = None
    seen: object = None
    """What the session was like when it was asked: where that changes it is asked again."""

    def about(self, key: str) -> None:
        """Be about another character."""
        if key != self.key:
            self.key, self.facts, self.value, self.seen = key, None, None, None
            self.chosen, self.asked, self.has_failed = 0, "", False


@dataclass(slots=True)
class Scroll:
    """Which part of a long list is seen, from the top."""

    at: int = 0

    def move(self, by: int) -> None:
        """Go some lines down, or up."""
        self.at = max(0, self.at + by)

    def window(self, total: int, room: int) -> range:
        """Return which of `total` lines there is `room` for; the list has an end."""
        self.at = max(0, min(self.at, total - room))
        return range(self.at, min(total, self.at + room))


@dataclass(slots=True)
class HudState:
    """Panels, chosen characters, the text under edit, the notice of the moment."""

    layer: HudLayer = HudLayer.GAME
    is_inspector_open: bool = False
    is_faults_open: bool = False
    caption_size: CaptionSize = CaptionSize.NORMAL
    inspected: str | None = None  # a key; None follows the target
    fault_target: str | None = None  # a key; None means all
    menu_index: int = 0
    sound_index: int = 0
    slot_index: int = 0
    slot_name: TextField | None = None  # of a new slot, while it is typed
    chat: TextField = field(default_factory=TextField)
    fields: FieldState = field(default_factory=FieldState)
    memory: MemoryState = field(default_factory=MemoryState)
    session_scroll: Scroll = field(default_factory=Scroll)
    notice: str | None = None
    notice_left: float = 0.0

    @property
    def is_capturing(self) -> bool:
        """Whether the keys go to the HUD and not to the game."""
        return self.layer is not HudLayer.GAME

    @property
    def field_under_edit(self) -> TextField | None:
        """What letters are typed into, None while they are keys."""
        if self.layer is HudLayer.CHAT:
            return self.chat
        if self.layer is HudLayer.SLOTS:
            return self.slot_name
        if self.layer is HudLayer.MEMORY:
            return self.memory.value
        draft = self.fields.draft if self.layer is HudLayer.FIELDS else None
        return None if draft is None or draft.row.choices else draft.field

    @property
    def is_covering(self) -> bool:
        """Whether a card covers the level: then the rest of the HUD is hidden."""
        return self.layer in (HudLayer.MENU, HudLayer.SOUND, HudLayer.SLOTS, HudLayer.HELP)

    @property
    def shown(self) -> str:
        """What is open, for the log."""
        panels = {"inspector": self.is_inspector_open, "faults": self.is_faults_open}
        return ", ".join([self.layer.value, *(name for name, is_open in panels.items() if is_open)])

    def say(self, notice: str) -> None:
        """Show a sentence for a while, a long one longer."""
        self.notice = notice
        self.notice_left = max(NOTICE_SECONDS, len(notice) / _LETTERS_PER_SECOND)

    def pass_time(self, seconds: float) -> None:
        """Remove the notice when it was shown long enough.

        A long frame, such as one that loads a level, counts as a short one: nobody reads in it.
        """
        self.notice_left -= min(seconds, MAX_FRAME_SECONDS)
        if self.notice_left <= 0.0:
            self.notice = None

    def open(self, layer: HudLayer) -> None:
        """Show a layer, or go back to the game if it is shown already."""
        self.layer = HudLayer.GAME if self.layer is layer else layer
        self.menu_index = 0

    def close(self) -> None:
        """Go back to the game; what was typed stays for the next time."""
        self.layer = HudLayer.GAME

    def move_menu(self, by: int, entries: int) -> None:
        """Choose another entry of the menu."""
        self.menu_index = (self.menu_index + by) % max(1, entries)

    def choose_fault_target(self, number: int, keys: Sequence[str]) -> None:
        """Aim the faults at the character of the number shown; 0 is all of them."""
        if number == 0:
            self.fault_target = None
        elif number <= len(keys):
            self.fault_target = keys[number - 1]


MARGIN = 12.0
TOP = 64.0
MIC_W, MIC_H = 268.0, 46.0
INSPECTOR_W, FAULTS_W = 372.0, 276.0
STAGE_W = 160.0  # of captions, at least
FAULTS_H = 342.0  # without its rows of people
CHAT_H = 44.0
HINT_H = 22.0
SOUND_W, SOUND_ROW = 560.0, 27.0
SOUND_H = 106.0  # of the page without its rows
SLOTS_W, SLOT_ROW = 620.0, 72.0
SLOTS_H = 150.0


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
    size: tuple[float, float],
    *,
    inspector: bool,
    faults: bool,
    people: int = 5,
    microphone: tuple[float, float] = (MIC_W, MIC_H),
) -> HudLayout:
    """Return the layout for the open panels; the fault panel has a row for each of `people`.

    A narrow picture has room for one panel: the fault panel hides the inspector then. All stands
    below the microphone's card, which is as large as its sentence needs.
    """
    (w, h), (mic_w, mic_h) = size, microphone
    top = TOP + mic_h - MIC_H
    if faults and w < INSPECTOR_W + FAULTS_W + 4 * MARGIN + STAGE_W:
        inspector = False
    tall = h - top - MARGIN
    right = Rect(w - INSPECTOR_W - MARGIN, top, INSPECTOR_W, tall) if inspector else None
    left = Rect(MARGIN, top, FAULTS_W, min(tall, FAULTS_H + 29.0 * people)) if faults else None
    x0 = left.right + MARGIN if left else MARGIN
    x1 = right.x - MARGIN if right else w - MARGIN
    stage = Rect(x0, top, x1 - x0, tall)
    return HudLayout(
        banner=Rect(MARGIN, 10, 330, 26),
        microphone=Rect(w - mic_w - MARGIN, 10, mic_w, mic_h),
        stage=stage,
        inspector=right,
        faults=left,
        chat=bar(stage, 640, CHAT_H, stage.bottom),
        hint=bar(stage, 640, HINT_H, stage.bottom + 6),
    )


HALF_FIGURE = 44.0


def view_shift(layout: HudLayout, width: float, figures: Sequence[float]) -> float:
    """Return how far to move the picture sideways so that no panel covers the figures.

    `figures` are their places across the picture if it is not moved, the most important first: of
    those that are too far apart for the stage the last ones stay covered.
    """
    left = right = 0.0
    room = layout.stage.w - 2 * HALF_FIGURE
    for nth, x in enumerate(figures):
        low, high = (min(left, x), max(right, x)) if nth else (x, x)
        if nth and high - low > room:
            break
        left, right = low, high
    if not figures or layout.stage.w >= width - 2 * MARGIN:
        return 0.0
    least = layout.stage.x + HALF_FIGURE - left
    most = layout.stage.right - HALF_FIGURE - right
    wanted = max(least, min(most, 0.0)) if least <= most else most
    # No further than panels reach: beyond them there is nothing to be seen.
    beside = width - layout.stage.right, layout.stage.x
    return max(-beside[0], min(beside[1], wanted))


def sound_rows(height: float) -> int:
    """Return how many rows there is room for on the Sound page."""
    return int((height - TOP - MARGIN - SOUND_H) // SOUND_ROW)


def sound_page(size: tuple[float, float], rows: int) -> Rect:
    """Return the Sound page in the middle, below the microphone, which stays in sight."""
    rows = min(rows, sound_rows(size[1]))
    w, h = min(SOUND_W, size[0] - 2 * MARGIN), SOUND_H + rows * SOUND_ROW
    return Rect((size[0] - w) // 2, max(TOP, (size[1] - h) // 2), w, h)


def slots_page(size: tuple[float, float], rows: int) -> tuple[Rect, int]:
    """Return the Slots page in the middle, and how many of its rows there is room for."""
    room = max(1, int((size[1] - TOP - MARGIN - SLOTS_H) // SLOT_ROW))
    w, h = min(SLOTS_W, size[0] - 2 * MARGIN), SLOTS_H + min(rows, room) * SLOT_ROW
    page = Rect((size[0] - w) // 2, max(TOP, (size[1] - h) // 2), w, h)
    return page, min(rows, room)


def bar(stage: Rect, most: float, height: float, bottom: float) -> Rect:
    """Return a bar in the middle of the stage that ends at `bottom`."""
    w = min(most, stage.w)
    return Rect(stage.x + (stage.w - w) / 2, bottom - height, w, height)


def spread(
    rects: Sequence[Rect], frame: Rect, gap: float = 4.0, over: Iterable[Rect] = ()
) -> tuple[Rect, ...]:
    """Return the rectangles inside the frame, lifted until none covers another or one of `over`.

    Each keeps its column, so that a badge stays over its head. One that finds no room ends up
    above the frame.
    """
    placed: dict[int, Rect] = {}
    blockers = list(over)
    # The lowest first: a rectangle that gives way moves up, towards free wall.
    for index in sorted(range(len(rects)), key=lambda i: -rects[i].bottom):
        rect = rects[index].inside(frame)
        for _ in range(len(blockers)):
            blocker = rect.first_overlap(blockers)
            if blocker is None:
                break
            rect = Rect(rect.x, blocker.y - rect.h - gap, rect.w, rect.h)
        placed[index] = rect
        blockers.append(rect)
    return tuple(placed[index] for index in range(len(rects)))

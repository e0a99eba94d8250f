"""What the player has opened and typed: the HUD's own state and the keys that change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from characters.overlay.field_state import FieldState
from engine.ui.text_field import TextField

__all__ = ["CaptionSize", "HudState", "Layer"]

NOTICE_SECONDS = 4.5
LETTERS_PER_SECOND = 20.0  # a notice is also in the log: it need not wait for the slowest


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


class Layer(StrEnum):
    """What lies over the level and takes the keys."""

    GAME = "game"
    CHAT = "chat"
    MENU = "menu"
    SOUND = "sound"
    HELP = "help"
    FIELDS = "fields"


@dataclass(slots=True)
class HudState:
    """Panels, chosen characters, the text under edit, the notice of the moment."""

    layer: Layer = Layer.GAME
    is_inspector_open: bool = False
    is_faults_open: bool = False
    caption_size: CaptionSize = CaptionSize.NORMAL
    inspected: str | None = None  # a key; None follows the one who listens
    fault_target: str | None = None  # a key; None means everybody
    menu_index: int = 0
    sound_index: int = 0
    chat: TextField = field(default_factory=TextField)
    fields: FieldState = field(default_factory=FieldState)
    notice: str | None = None
    notice_until: float = 0.0

    @property
    def is_capturing(self) -> bool:
        """Whether the game's keys are not for the game now."""
        return self.layer is not Layer.GAME

    @property
    def is_covering(self) -> bool:
        """Whether a card lies over the level: nothing else is said or shown then."""
        return self.layer in (Layer.MENU, Layer.SOUND, Layer.HELP)

    @property
    def shown(self) -> str:
        """What is open, for the log."""
        panels = {"inspector": self.is_inspector_open, "faults": self.is_faults_open}
        return ", ".join([self.layer.value, *(name for name, is_open in panels.items() if is_open)])

    def say(self, notice: str, now: float) -> None:
        """Show a sentence for a while, a long one longer."""
        seconds = max(NOTICE_SECONDS, len(notice) / LETTERS_PER_SECOND)
        self.notice, self.notice_until = notice, now + seconds

    def expire(self, now: float) -> None:
        """Take the notice away when its time is over."""
        if self.notice is not None and now >= self.notice_until:
            self.notice = None

    def open(self, layer: Layer) -> None:
        """Show a layer, or go back to the game if it is shown already."""
        self.layer = Layer.GAME if self.layer is layer else layer
        self.menu_index = 0

    def close(self) -> None:
        """Go back to the game; what was typed stays for the next time."""
        self.layer = Layer.GAME

    def move_menu(self, by: int, entries: int) -> None:
        """Choose another entry of the menu."""
        self.menu_index = (self.menu_index + by) % max(1, entries)

    def choose_fault_target(self, number: int, keys: Sequence[str]) -> None:
        """Choose whom to break by the number shown: 0 is everybody."""
        if number == 0:
            self.fault_target = None
        elif number <= len(keys):
            self.fault_target = keys[number - 1]

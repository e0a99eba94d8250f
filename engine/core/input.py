"""Input: what the player presses, moves and types; a window or a test feeds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

__all__ = ["DEFAULT_BINDINGS", "Input"]


DEFAULT_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left": ("a", "left", "pad left"),
        "right": ("d", "right", "pad right"),
        "up": ("w", "up", "pad up"),
        "down": ("s", "down", "pad down"),
        "fullscreen": ("f11", "alt return"),
    }
)

_AXES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"horizontal": ("left", "right"), "vertical": ("up", "down")}
)
Box = tuple[float, float, float, float]
_SOMEWHERE: Box = (0.0, 0.0, 0.0, 0.0)
_DEAD_ZONE = 0.2  # a worn stick rests at up to 0.15


class Input:
    """The keys that are down, those that went down or up in this frame, and the typed text.

    Keys are named as pygame names them ("w", "left", "return", "f5"); pad buttons are keys too
    ("pad 0", "pad left"). On a keyboard without Latin letters a key has the name of its place on a
    US one; `label` returns what is on it. `bindings` maps an action to its keys and may be changed
    at any time. Down is +1 on the vertical axis, as y grows downwards on the screen.
    """

    def __init__(self, bindings: Mapping[str, Iterable[str]] | None = None) -> None:
        self.bindings: dict[str, tuple[str, ...]] = {
            **DEFAULT_BINDINGS,
            **{action: tuple(keys) for action, keys in (bindings or {}).items()},
        }
        self.captured: object | None = None
        """What takes the keys for itself, such as a text field; axes are 0 then. If it has a
        `text_box`, that is where its text is on the screen, or None while it takes none."""
        self.has_focus = True  # whether the window has the keyboard
        self.mouse_position: tuple[float, float] = (0.0, 0.0)
        self.typed = ""
        self.composed = ""  # unfinished text of an input method: to be shown, not yet typed
        self.key_labels: Mapping[str, str] = {}
        """What is on the keys of a layout without Latin letters, by their names; else empty."""
        self.followed_box: Box | bool | None = False
        """The `text_box` that the window followed last; False before the first."""
        self.follow: Callable[[Input], object] | None = None
        """Lets the input method follow `text_box`. Whoever feeds the input sets it: a box that was
        opened in this frame has to be followed before the events of the next one are made."""
        self.has_changed = False
        """Whether anything was pressed, released or typed in this frame."""
        self._held: set[str] = set()
        self._down: set[str] = set()
        self._up: set[str] = set()
        self._repeated: Counter[str] = Counter()
        self._axes: dict[str, float] = {}

    # fed by the window

    def press(self, key: str) -> None:
        """Note that a key went down; pressing a held key again counts as a key repeat."""
        self.has_changed = True
        self._repeated[key] += 1
        if key not in self._held:
            self._held.add(key)
            self._down.add(key)

    def release(self, key: str) -> None:
        """Note that a key went up."""
        if key in self._held:
            self.has_changed = True
            self._held.remove(key)
            self._up.add(key)

    def release_all(self) -> None:
        """Release every key and centre the sticks, as when the window loses the focus."""
        self.composed = ""
        for key in tuple(self._held):
            self.release(key)
        self._axes.clear()

    def type_text(self, text: str) -> None:
        """Add text that the player typed, by the keyboard layout."""
        self.has_changed = True
        self.typed += text

    def compose_text(self, text: str) -> None:
        """Set the unfinished text of an input method; "" when it is done or cancelled."""
        self.has_changed = True
        self.composed = text

    def move_mouse(self, x: float, y: float) -> None:
        """Set the place of the pointer, in logical pixels of the window."""
        self.mouse_position = (x, y)

    def mouse_press(self, button: int) -> None:
        """Note that a mouse button (1 left, 2 middle, 3 right) went down."""
        self.press(f"mouse {button}")

    def mouse_release(self, button: int) -> None:
        """Note that a mouse button went up."""
        self.release(f"mouse {button}")

    def set_axis(self, name: str, value: float) -> None:
        """Set the position of a stick, -1 to 1; small values count as 0."""
        self._axes[name] = 0.0 if abs(value) < _DEAD_ZONE else max(-1.0, min(1.0, value))

    def end_frame(self) -> None:
        """Forget what belongs to one frame; the feeder calls this at the end of each."""
        if self.follow is not None:
            self.follow(self)
        self._down.clear()
        self._up.clear()
        self._repeated.clear()
        self.typed = ""
        self.has_changed = False

    # read by the game

    @property
    def text_box(self) -> Box | None:
        """Left, top, width and height of the text that is typed, None while none can be."""
        if self.captured is None:
            return None
        box: Box | None = getattr(self.captured, "text_box", _SOMEWHERE)
        return box

    def label(self, key: str) -> str:
        """Return what is on a key: "W", "F5", "Return"; on a Russian keyboard "Ц" for "w"."""
        return self.key_labels.get(key, key.upper() if len(key) < 4 else key.capitalize())

    def get_key(self, key: str) -> bool:
        """Return whether the key is held."""
        return key in self._held

    def get_key_down(self, key: str) -> bool:
        """Return whether the key went down in this frame."""
        return key in self._down

    def get_key_up(self, key: str) -> bool:
        """Return whether the key went up in this frame."""
        return key in self._up

    def get_key_repeat(self, key: str) -> int:
        """Return how often the key went down or repeated in this frame: for lists and texts.

        In a slow frame that is more than once.
        """
        return self._repeated[key]

    def get_button(self, action: str) -> bool:
        """Return whether a key of the action is held. Raises KeyError for an unknown action."""
        return not self._held.isdisjoint(self._keys(action))

    def get_button_down(self, action: str) -> bool:
        """Return whether a key of the action went down in this frame."""
        return not self._down.isdisjoint(self._keys(action))

    def get_button_up(self, action: str) -> bool:
        """Return whether a key of the action went up in this frame."""
        return not self._up.isdisjoint(self._keys(action))

    def get_mouse_button(self, button: int) -> bool:
        """Return whether the mouse button (1 left, 2 middle, 3 right) is held."""
        return self.get_key(f"mouse {button}")

    def get_mouse_button_down(self, button: int) -> bool:
        """Return whether the mouse button went down in this frame."""
        return self.get_key_down(f"mouse {button}")

    def get_mouse_button_up(self, button: int) -> bool:
        """Return whether the mouse button went up in this frame."""
        return self.get_key_up(f"mouse {button}")

    def get_axis(self, name: str) -> float:
        """Return -1 to 1 from keys and stick; 0 while the input is captured."""
        if self.captured is not None:
            return 0.0
        stick = self._axes.get(name, 0.0)
        if name not in _AXES:
            return stick
        minus, plus = _AXES[name]
        keys = self.get_button(plus) - self.get_button(minus)
        return max(-1.0, min(1.0, stick + keys))

    def _keys(self, action: str) -> tuple[str, ...]:
        try:
            return self.bindings[action]
        except KeyError:
            known = ", ".join(sorted(self.bindings))
            raise KeyError(f"No action {action!r} in input.bindings; known: {known}.") from None

"""What the HUD shows of one frame: plain values, gathered once and then only painted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from characters.core.policy import ReconnectPolicy
from characters.core.state import SessionState, SessionView
from characters.core.weather import Weather

__all__ = ["Actor", "FaultState", "HudModel", "Microphone"]

Point = tuple[float, float]


class Actor(NamedTuple):
    """A character of the level: its session, and where its head is on the screen."""

    key: str
    name: str
    view: SessionView
    head: Point = (0.0, 0.0)
    policy: ReconnectPolicy = ReconnectPolicy.DEFAULT
    is_target: bool = False
    messages: tuple[str, ...] = ()
    """The last wire messages, their types and sizes only, the newest last, for the inspector."""

    @property
    def is_in_error(self) -> bool:
        """Whether it waits for the player to press Retry."""
        return self.view.state is SessionState.ERROR


@dataclass(frozen=True, slots=True)
class Microphone:
    """What the player has to know of the microphone at every moment."""

    level: float = 0.0
    is_open: bool = False
    is_muted: bool = False
    is_allowed: bool = False
    is_hands_free: bool = False
    is_toggled: bool = False
    kept_seconds: float = 0.0
    problem: str | None = None
    device: str = ""
    hearer: str | None = None
    """The key of who hears it while it is open, or is to hear the kept words. A sentence stays with
    whom it began with, so this may be another than the target of the next one."""


@dataclass(frozen=True, slots=True)
class FaultState:
    """What the fault panel may break, and what of it is broken."""

    has_service: bool = False
    is_running: bool = False
    weather: Weather | None = Weather.CALM
    """Of the chosen line; None for several that differ."""
    is_unplugged: bool = False


@dataclass(frozen=True, slots=True)
class HudModel:
    """All of it."""

    now: float
    size: Point = (960, 600)
    actors: tuple[Actor, ...] = ()
    microphone: Microphone = field(default_factory=Microphone)
    faults: FaultState = field(default_factory=FaultState)
    player_name: str = "You"
    notice: str | None = None
    pointer: Point = (-1.0, -1.0)
    endpoint: str = "local"
    """The host that the talk goes to, or `local` for the embedded service."""

    @property
    def target(self) -> Actor | None:
        """The one who hears the player."""
        return next((actor for actor in self.actors if actor.is_target), None)

    @property
    def failed(self) -> tuple[Actor, ...]:
        """Those in ERROR, in the order of the level."""
        return tuple(actor for actor in self.actors if actor.is_in_error)

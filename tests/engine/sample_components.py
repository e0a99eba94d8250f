"""Components and texts that the scene file tests share: every kind of field at least once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from engine.objects.objects import Component, GameObject
from engine.objects.registry import Asset, ComponentRegistry, Handler

__all__ = ["Actor", "Camera2D", "Door", "Lamp", "Mood", "Policy", "Switch", "sample_registry"]


class Mood(StrEnum):
    """What an enum looks like."""

    CALM = "calm"
    VERY_ANGRY = "very_angry"
    TIRED = "tired"


@dataclass(frozen=True)
class Policy:
    """A frozen value with rules of its own, as ReconnectPolicy is."""

    PATIENT: ClassVar[Policy]

    attempts: int | None = 3
    delay_seconds: float = 0.5
    mood: Mood = Mood.CALM

    def __post_init__(self) -> None:
        if self.delay_seconds < 0:
            raise ValueError(f"delay_seconds must be 0 or more (got {self.delay_seconds!r})")
        if self.attempts is not None and self.attempts < 0:
            raise ValueError(f"attempts must be 0 or more, or None (got {self.attempts!r})")


Policy.PATIENT = Policy(attempts=None, delay_seconds=2.0)


class Actor(Component):
    """Somebody with a policy and a picture."""

    actor_id: str
    mood: Mood = Mood.CALM
    policy: Policy = field(default_factory=Policy)
    picture: Annotated[str, Asset((".png",))] = ""
    friends: tuple[GameObject, ...] = ()
    tags: list[str] = field(default_factory=list)


class Lamp(Component):
    """Something that a handler can name."""

    colour: tuple[int, int, int] = (255, 255, 255)
    is_on: bool = False

    def toggle(self, _: object = None) -> None:
        """Switch between on and off."""
        self.is_on = not self.is_on


class Switch(Component):
    """Something that refers to objects, components and methods."""

    lamp: Lamp | None = None
    door: GameObject | None = None
    pressed: Annotated[Callable[..., object] | None, Handler()] = None
    kind: Literal["push", "pull"] = "push"


class Door(Component):
    """Something with a rule of its own."""

    target: str
    width: float = 40.0
    _is_open: bool = False

    def __post_init__(self) -> None:
        if self.width <= 0:
            raise ValueError(f"width must be above 0 (got {self.width!r})")


class Camera2D(Component):
    """A component that writes its own constructor."""

    def __init__(self, zoom: float = 1.0, follow: GameObject | None = None) -> None:
        self.zoom = zoom
        self.follow = follow


def sample_registry(*more: Any) -> ComponentRegistry:
    return ComponentRegistry(Actor, Lamp, Switch, Door, Camera2D, *more)

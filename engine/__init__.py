"""A small Unity-like engine on pygame; importing it opens no window and imports no pygame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.application import FRAME_ORDER, Application
from engine.camera import Camera
from engine.clock import Clock, ManualClock, SystemClock, Time
from engine.component import Component, ComponentError, Stage
from engine.coroutine import Coroutine, CoroutineRunner
from engine.dispatcher import Dispatcher
from engine.game_object import GameObject, Transform
from engine.input import DEFAULT_BINDINGS, Input
from engine.physics import Box, BoxCollider, Slide, move_and_slide
from engine.scene import Scene, WrongThreadError
from engine.scene_manager import Opener, SceneLoad, SceneManager, SceneSteps
from engine.signal import Signal, Subscription

if TYPE_CHECKING:
    from engine.window import Window

__all__ = [
    "Application",
    "Box",
    "BoxCollider",
    "Camera",
    "Clock",
    "Component",
    "ComponentError",
    "Coroutine",
    "CoroutineRunner",
    "DEFAULT_BINDINGS",
    "Dispatcher",
    "FRAME_ORDER",
    "GameObject",
    "Input",
    "ManualClock",
    "Opener",
    "Scene",
    "SceneLoad",
    "SceneManager",
    "SceneSteps",
    "Signal",
    "Slide",
    "Stage",
    "Subscription",
    "SystemClock",
    "Time",
    "Transform",
    "Window",
    "WrongThreadError",
    "move_and_slide",
]


def __getattr__(name: str) -> object:
    if name == "Window":  # the one name behind which pygame is imported
        from engine.window import Window

        return Window
    raise AttributeError(f"module 'engine' has no attribute {name!r}")

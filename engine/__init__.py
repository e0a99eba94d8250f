"""A small Unity-like engine on pygame; importing it opens no window and imports no pygame.

What needs a heavy library (pydantic for scene files, pygame for the window) is loaded when its
name is first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.application import FRAME_ORDER, Application
from engine.camera import Camera
from engine.clock import Clock, ManualClock, SystemClock, Time
from engine.component import Component, ComponentError, Stage
from engine.coroutine import Coroutine, CoroutineRunner
from engine.dispatcher import Dispatcher
from engine.game_object import GameObject
from engine.input import DEFAULT_BINDINGS, Input
from engine.physics import Box, BoxCollider, Slide, move_and_slide
from engine.scene import Scene, WrongThreadError
from engine.scene_manager import Opener, SceneLoad, SceneManager, SceneSteps
from engine.services import Services
from engine.signal import Signal, Subscription
from engine.transform import Transform

if TYPE_CHECKING:
    from engine.assets import AssetFolder
    from engine.prefs import MAX_TOTAL_BYTES, PlayerPrefs, PrefsError, PrefsLockedError
    from engine.registry import ComponentRegistry
    from engine.scene_file import SceneFile
    from engine.toml_file import (
        Fix,
        Problem,
        TomlFileError,
        TomlSource,
        parse_toml,
        read_source,
        read_toml,
    )
    from engine.ui.events import feed_event
    from engine.window import Window

__all__ = [
    "Application",
    "AssetFolder",
    "Box",
    "BoxCollider",
    "Camera",
    "Clock",
    "Component",
    "ComponentError",
    "ComponentRegistry",
    "Coroutine",
    "CoroutineRunner",
    "DEFAULT_BINDINGS",
    "Dispatcher",
    "Fix",
    "FRAME_ORDER",
    "GameObject",
    "Input",
    "ManualClock",
    "MAX_TOTAL_BYTES",
    "move_and_slide",
    "Opener",
    "parse_toml",
    "PlayerPrefs",
    "PrefsError",
    "PrefsLockedError",
    "Problem",
    "read_source",
    "read_toml",
    "Scene",
    "SceneFile",
    "SceneLoad",
    "SceneManager",
    "SceneSteps",
    "Services",
    "Signal",
    "Slide",
    "Stage",
    "Subscription",
    "SystemClock",
    "Time",
    "TomlFileError",
    "TomlSource",
    "Transform",
    "Window",
    "WrongThreadError",
    "feed_event",
]

_LAZY: Mapping[str, str] = MappingProxyType(
    {
        "AssetFolder": "engine.assets",
        "MAX_TOTAL_BYTES": "engine.prefs",
        "PlayerPrefs": "engine.prefs",
        "PrefsError": "engine.prefs",
        "PrefsLockedError": "engine.prefs",
        "ComponentRegistry": "engine.registry",
        "SceneFile": "engine.scene_file",
        "Fix": "engine.toml_file",
        "Problem": "engine.toml_file",
        "TomlFileError": "engine.toml_file",
        "TomlSource": "engine.toml_file",
        "parse_toml": "engine.toml_file",
        "read_source": "engine.toml_file",
        "read_toml": "engine.toml_file",
        "feed_event": "engine.ui.events",
        "Window": "engine.window",
    }
)


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)

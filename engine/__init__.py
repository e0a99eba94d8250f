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
    from engine.fields import (
        Asset,
        FieldSpec,
        Handler,
        Marker,
        ObjectRef,
        field_specs,
        marked,
        normalised,
    )
    from engine.prefs import MAX_TOTAL_BYTES, PlayerPrefs, PrefsError, PrefsLockedError
    from engine.registry import ComponentRegistry
    from engine.scene_build import BuiltScene, SceneBuilder
    from engine.scene_document import (
        ComponentEntry,
        ObjectEntry,
        ObjectSettings,
        Place,
        SceneCheck,
        SceneDocument,
        SceneSettings,
        read_document,
    )
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
    from engine.window import Window

__all__ = [
    "Application",
    "Asset",
    "AssetFolder",
    "Box",
    "BoxCollider",
    "BuiltScene",
    "Camera",
    "Clock",
    "Component",
    "ComponentEntry",
    "ComponentError",
    "ComponentRegistry",
    "Coroutine",
    "CoroutineRunner",
    "DEFAULT_BINDINGS",
    "Dispatcher",
    "field_specs",
    "FieldSpec",
    "Fix",
    "FRAME_ORDER",
    "GameObject",
    "Handler",
    "Input",
    "ManualClock",
    "marked",
    "Marker",
    "MAX_TOTAL_BYTES",
    "move_and_slide",
    "normalised",
    "ObjectEntry",
    "ObjectRef",
    "ObjectSettings",
    "Opener",
    "parse_toml",
    "Place",
    "PlayerPrefs",
    "PrefsError",
    "PrefsLockedError",
    "Problem",
    "read_document",
    "read_source",
    "read_toml",
    "Scene",
    "SceneBuilder",
    "SceneCheck",
    "SceneDocument",
    "SceneFile",
    "SceneLoad",
    "SceneManager",
    "SceneSettings",
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
]

_LAZY: Mapping[str, str] = MappingProxyType(
    {
        "AssetFolder": "engine.assets",
        "Asset": "engine.fields",
        "FieldSpec": "engine.fields",
        "Handler": "engine.fields",
        "Marker": "engine.fields",
        "ObjectRef": "engine.fields",
        "field_specs": "engine.fields",
        "marked": "engine.fields",
        "normalised": "engine.fields",
        "MAX_TOTAL_BYTES": "engine.prefs",
        "PlayerPrefs": "engine.prefs",
        "PrefsError": "engine.prefs",
        "PrefsLockedError": "engine.prefs",
        "ComponentRegistry": "engine.registry",
        "BuiltScene": "engine.scene_build",
        "SceneBuilder": "engine.scene_build",
        "ComponentEntry": "engine.scene_document",
        "ObjectEntry": "engine.scene_document",
        "ObjectSettings": "engine.scene_document",
        "Place": "engine.scene_document",
        "SceneCheck": "engine.scene_document",
        "SceneDocument": "engine.scene_document",
        "SceneSettings": "engine.scene_document",
        "read_document": "engine.scene_document",
        "SceneFile": "engine.scene_file",
        "Fix": "engine.toml_file",
        "Problem": "engine.toml_file",
        "TomlFileError": "engine.toml_file",
        "TomlSource": "engine.toml_file",
        "parse_toml": "engine.toml_file",
        "read_source": "engine.toml_file",
        "read_toml": "engine.toml_file",
        "Window": "engine.window",
    }
)


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)

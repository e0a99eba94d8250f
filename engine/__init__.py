"""A small Unity-like engine on pygame; importing it opens no window and imports no pygame.

What needs a heavy library (pydantic for scene files, pygame for the window) is loaded when its
name is first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "Application": "engine.app.application",
        "FRAME_ORDER": "engine.app.application",
        "Window": "engine.app.window",
        "Clock": "engine.core.clock",
        "ManualClock": "engine.core.clock",
        "SystemClock": "engine.core.clock",
        "Time": "engine.core.clock",
        "EngineError": "engine.core.errors",
        "Dispatcher": "engine.core.events",
        "Services": "engine.core.events",
        "Signal": "engine.core.events",
        "Subscription": "engine.core.events",
        "DEFAULT_BINDINGS": "engine.core.input",
        "Input": "engine.core.input",
        "AssetFolder": "engine.objects.assets",
        "Coroutine": "engine.objects.coroutine",
        "CoroutineRunner": "engine.objects.coroutine",
        "Component": "engine.objects.objects",
        "ComponentError": "engine.objects.objects",
        "GameObject": "engine.objects.objects",
        "Transform": "engine.objects.objects",
        "Box": "engine.objects.physics",
        "BoxCollider": "engine.objects.physics",
        "Camera": "engine.objects.scene",
        "Slide": "engine.objects.physics",
        "move_and_slide": "engine.objects.physics",
        "ComponentRegistry": "engine.objects.registry",
        "Scene": "engine.objects.scene",
        "WrongThreadError": "engine.objects.scene",
        "MAX_TOTAL_BYTES": "engine.prefs.format",
        "PlayerPrefs": "engine.prefs.prefs",
        "PrefsError": "engine.prefs.prefs",
        "PrefsLockedError": "engine.prefs.prefs",
        "SceneFile": "engine.scenes.file",
        "Opener": "engine.scenes.manager",
        "SceneLoad": "engine.scenes.manager",
        "SceneManager": "engine.scenes.manager",
        "SceneSteps": "engine.scenes.manager",
        "Fix": "engine.toml.reader",
        "Problem": "engine.toml.reader",
        "TomlFileError": "engine.toml.reader",
        "TomlSource": "engine.toml.reader",
        "parse_toml": "engine.toml.reader",
        "read_source": "engine.toml.reader",
        "read_toml": "engine.toml.reader",
        "feed_event": "engine.ui.events",
    }
)
"""Each public name and the module that has it; `__init__.pyi` says the same to type checkers."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)

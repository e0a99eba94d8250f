"""A small Unity-like engine on pygame; importing it opens no window and imports no pygame.

From then on the terminal is the game's: pygame prints no greeting and ALSA no errors.

    from engine import Application, SceneManager

    application = Application("My game", open_scene=open_scene)   # a level's name to its Scene
    scenes: SceneManager = application.scenes
    scenes.load("hall")
    application.run()

A level is a Scene of GameObjects, each with its Components; a SceneFile builds one from a TOML
file. What needs a heavy library (pydantic for scene files, pygame for the window) is loaded when
its name is first used. Modules have more names than these: `engine.app`, `engine.objects`, ...
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.core.alsa import silence_alsa

_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "Application": "engine.app.application",
        "SceneManager": "engine.scenes.manager",
        "SceneLoad": "engine.scenes.manager",
        "SceneSteps": "engine.scenes.manager",
        "HotReload": "engine.app.hot_reload",
        "feed_event": "engine.ui.events",
        # a level
        "Scene": "engine.objects.scene",
        "Camera": "engine.objects.scene",
        "GameObject": "engine.objects.objects",
        "Component": "engine.objects.objects",
        "ComponentError": "engine.objects.objects",
        "Transform": "engine.objects.objects",
        "Coroutine": "engine.objects.coroutine",
        "Box": "engine.objects.physics",
        "BoxCollider": "engine.objects.physics",
        "move_and_slide": "engine.objects.physics",
        # its file
        "SceneFile": "engine.scenes.file",
        "ComponentRegistry": "engine.objects.registry",
        "Asset": "engine.objects.registry",
        "Handler": "engine.objects.registry",
        "Problem": "engine.toml.reader",
        "read_toml": "engine.toml.reader",
        # what a game is driven by
        "Input": "engine.core.input",
        "Clock": "engine.core.clock",
        "ManualClock": "engine.core.clock",
        "SystemClock": "engine.core.clock",
        "Time": "engine.core.clock",
        "Dispatcher": "engine.core.events",
        "Signal": "engine.core.events",
        "Subscription": "engine.core.events",
        "PlayerPrefs": "engine.prefs.prefs",
        # errors
        "EngineError": "engine.core.errors",
        "PrefsError": "engine.prefs.prefs",
        "PrefsLockedError": "engine.prefs.prefs",
        "TomlFileError": "engine.toml.reader",
        "WrongThreadError": "engine.objects.scene",
    }
)
"""Each public name and its module; `__init__.pyi` has the same for type checkers."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def _warn_of_namesake(name: str) -> None:
    """Warn where a module of the game hides the package that is installed beside this one.

    It is no error: a game may want this package alone. The rule and its words are those of
    `characters.installation`, which guards the other way and cannot be imported where it is hidden.
    """
    ours = Path(__file__).parent.parent / name / "__init__.py"
    module = sys.modules.get(name)
    spec = module.__spec__ if module is not None else importlib.util.find_spec(name)
    file = None if spec is None else spec.origin
    if file is not None and ours.is_file() and Path(file).resolve() != ours.resolve():
        text = f"{file} has the name of {ours}, and one hides the other: rename yours."
        warnings.warn(text, stacklevel=3)


_warn_of_namesake("characters")
# Here and not where we open a device: a game may do that itself, by pygame.init().
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
silence_alsa()

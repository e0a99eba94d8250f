from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import engine
from engine.core import errors
from engine.core.errors import EngineError, install_command


def error_classes() -> set[type[Exception]]:
    """Return every exception class that a module of the engine defines."""
    names = [info.name for info in pkgutil.walk_packages(engine.__path__, "engine.")]
    modules = map(importlib.import_module, names)
    classes = {kind for m in modules for _, kind in inspect.getmembers(m, inspect.isclass)}
    return {k for k in classes if issubclass(k, Exception) and k.__module__.startswith("engine.")}


def test_every_error_of_the_engine_is_an_engine_error() -> None:
    assert all(issubclass(kind, EngineError) for kind in error_classes())


def test_the_tree_in_the_docstring_names_every_error() -> None:
    drawn = errors.__doc__ or ""
    assert not [kind.__name__ for kind in error_classes() if kind.__name__ not in drawn]


def test_what_is_installed_is_the_wheel_or_the_checkout_that_is_played_from(tmp_path: Path) -> None:
    assert install_command("echo", tmp_path) == 'pip install "pygame-troupe[echo]"'
    assert install_command(root=tmp_path) == 'pip install "pygame-troupe"'
    (tmp_path / "pyproject.toml").touch()
    assert install_command("echo", tmp_path) == f'pip install -e "{tmp_path}[echo]"'

"""The components of a game's own: which modules have them, and the classes themselves."""

from __future__ import annotations

import ast
import importlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from characters.installation import PACKAGES, namesakes_in, sentence
from engine.objects.assets import AssetFolder
from engine.objects.objects import Component

__all__ = ["components_of", "components_of_game", "main_script_of", "modules_of"]


def main_script_of(file: Path) -> Path | None:
    """Return the `main.py` of the game that a file belongs to.

    It lies beside the file or its assets folder, or one folder above.
    """
    root = AssetFolder.of(file).root.absolute()
    scripts = (folder / "main.py" for folder in (root, root.parent))
    return next((script for script in scripts if script.is_file()), None)


def modules_of(script: Path) -> list[str]:
    """Return the modules with classes that lie beside a script and that it imports.

    Those that they import count too. Nothing is run to find them.
    """
    found: dict[str, ast.Module | None] = {}
    waiting = [_parsed(script)]
    while waiting:
        for name in _imported_by(waiting.pop()):
            file = _module_file(script.parent, name)
            if file is not None and name not in found:
                found[name] = _parsed(file)
                waiting.append(found[name])
    return [name for name, tree in found.items() if _may_have_classes(tree)]


def components_of_game(script: Path) -> list[type[Component]]:
    """Return the components of a game by its main script. Raises ImportError."""
    found: list[type[Component]] = []
    for name in modules_of(script):
        found += components_of(name, script.parent)
        meant, taken = _module_file(script.parent, name), sys.modules[name].__file__
        if meant is not None and taken is not None and not meant.samefile(taken):
            raise ImportError(f"{meant} and {taken} have one name: look at one game at a time.")
    return found


def components_of(module_name: str, folder: Path) -> list[type[Component]]:
    """Return the components that a module defines; it is looked for in the folder first.

    Raises ImportError, with the line at fault, whatever it is that keeps it from being imported.
    """
    if str(folder) not in sys.path:  # a console script has only its own folder there
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        namesake = namesakes_in(folder).get(error.name or "")
        if namesake is not None:
            raise ImportError(sentence(str(error.name), namesake)) from error
        if f"{module_name}.".startswith(f"{error.name}."):  # it is not there itself
            raise
        raise ImportError(f"{module_name} cannot be imported: {_place(error)}") from error
    except (Exception, SystemExit) as error:  # who would run a game as he is imported ends this
        raise ImportError(f"{module_name} cannot be imported: {_place(error)}") from error
    own = (kind for kind in vars(module).values() if isinstance(kind, type))
    return [k for k in own if issubclass(k, Component) and k.__module__ == module_name]


def _parsed(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: deep
        return None


def _imported_by(tree: ast.Module | None) -> Iterator[str]:
    """Yield what may be the names of modules; a file that is no Python has none."""
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_file(folder: Path, name: str) -> Path | None:
    first, *_ = parts = name.split(".")
    if first in PACKAGES or first in sys.stdlib_module_names:
        return None
    path = folder.joinpath(*parts)
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def _may_have_classes(tree: ast.Module | None) -> bool:
    """Tell whether a module has classes; importing one that is no Python tells what is wrong."""
    return tree is None or any(isinstance(node, ast.ClassDef) for node in ast.walk(tree))


def _place(error: BaseException) -> str:
    """Return what is wrong, with the line where that is known."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if "importlib" not in f.filename and f.filename != __file__]
    what = f"{type(error).__name__}: {error}"
    return f"{theirs[-1].filename}:{theirs[-1].lineno}: {what}" if theirs else what

"""Read the imports of our own modules, without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "Import", "Module", "modules"]

ROOT = Path(__file__).parent.parent
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)  # an import stands in no expression


@dataclass(frozen=True)
class Import:
    """One imported module; `eager` unless it stands in a function or under TYPE_CHECKING."""

    name: str
    line: int
    eager: bool


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its length and what it imports."""

    name: str
    path: Path
    is_package: bool
    lines: int
    imports: tuple[Import, ...]
    tree: ast.Module


@cache
def modules() -> dict[str, Module]:
    """Return every module of the product by its dotted name."""
    files = [
        ROOT / "main.py",
        *(ROOT / "engine").rglob("*.py"),
        *(ROOT / "characters").rglob("*.py"),
    ]
    # What `new` copies is no part of the product, but a game's own.
    names = {dotted(path): path for path in files if "templates" not in path.parts}
    return {name: read(name, path, set(names)) for name, path in sorted(names.items())}


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read(name: str, path: Path, ours: set[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    found = tuple(imports(tree, ours, eager=True))
    return Module(name, path, path.name == "__init__.py", text.count("\n"), found, tree)


def imports(node: ast.AST, ours: set[str], eager: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, eager) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from imported_names(child, ours, eager)
        elif isinstance(child, STATEMENTS):
            lazy = isinstance(child, FUNCTIONS) or is_type_checking(child)
            yield from imports(child, ours, eager and not lazy)


def imported_names(node: ast.ImportFrom, ours: set[str], eager: bool) -> Iterator[Import]:
    """`from a import b` means a.b where that is a module of ours, else a."""
    assert node.module is not None, "relative imports are not used here"
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        yield Import(inner if inner in ours else node.module, node.lineno, eager)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)

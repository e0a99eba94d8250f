"""Prefabs and profiles on their own: files of which levels are made, each read as what it is.

A level may give what a part leaves out, and holds the objects that a part refers to; whatever
else can be wrong with a part is found without any level.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.assets import AssetFolder
from engine.registry import ComponentRegistry
from engine.scene_document import SceneCheck, SceneDocument, read_part_document
from engine.scene_rules import scene_problems
from engine.toml_file import TomlFileError, TomlSource
from engine.toml_words import did_you_mean

__all__ = ["PREFAB", "is_part", "profile_of", "read_part"]

PREFAB = "prefabs"
"""The folder whose files are prefabs. A folder `characters` has profiles of `Character`."""

_LEVELS = "scenes"
_LEVEL_KEYS = ("scene", "object")


def read_part(
    source: TomlSource, registry: ComponentRegistry, checks: Iterable[SceneCheck] = ()
) -> SceneDocument:
    """Read a prefab or a profile. Raises TomlFileError with every problem."""
    assets = AssetFolder.of(Path(source.file))
    component = profile_of(source, registry)
    document, problems = read_part_document(source, registry, assets, component)
    problems += scene_problems(document)
    for check in checks:
        problems += check(document)
    if problems:
        raise TomlFileError(problems)
    return document


def is_part(source: TomlSource, registry: ComponentRegistry) -> bool:
    """Tell, by its folder or else by its keys, whether a file is a prefab or a profile."""
    folder = Path(source.file).absolute().parent.name
    if folder == _LEVELS or any(_means(key, _LEVEL_KEYS) for key in source.data):
        return False
    if folder == PREFAB or _named_after(folder, registry) is not None:
        return True
    return _is_prefab(source, registry) or _best(source, registry) is not None


def profile_of(source: TomlSource, registry: ComponentRegistry) -> str | None:
    """Return the component of which a file is a profile, None for a prefab."""
    folder = Path(source.file).absolute().parent.name
    if folder == PREFAB or _is_prefab(source, registry):
        return None
    return _named_after(folder, registry) or _best(source, registry)


def _is_prefab(source: TomlSource, registry: ComponentRegistry) -> bool:
    tables = [key for key, value in source.data.items() if isinstance(value, dict)]
    return "prefab" in source.data or any(_means(key, registry) for key in tables)


def _named_after(folder: str, registry: ComponentRegistry) -> str | None:
    name = folder.removesuffix("s").replace("_", "").casefold()
    return next((known for known in registry if known.casefold() == name), None)


def _best(source: TomlSource, registry: ComponentRegistry) -> str | None:
    """Return the component that has most of the file's keys, if it has at least half of them."""
    fits = {name: sum(key in registry.fields(name) for key in source.data) for name in registry}
    best = max(fits, key=lambda name: (fits[name], -len(registry.fields(name))), default=None)
    is_half = best is not None and 0 < len(source.data) <= fits[best] * 2
    return best if is_half else None


def _means(key: str, known: Iterable[str]) -> bool:
    names = tuple(known)
    hint, _ = did_you_mean(key, names, likeness=0.7)
    return key in names or (bool(hint) and not hint.startswith("one of"))

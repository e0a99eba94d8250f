"""Who may import whom: layers, purity, owners of devices, no circles."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

import pytest

from tests.imports import ROOT, Module, modules

MODULES = modules()

CLIENT_SIDE = (
    "characters.client",
    "characters.protocol",
    "characters.session",
    "characters.audio",
    "characters.storage",
    "characters.speech.settings",
    "engine",
)

# What each package may import of ours, besides itself. The longest prefix that fits a module is
# its rule. Every import counts: those inside functions and those under TYPE_CHECKING too.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "engine.core": (),
    "engine.toml": ("engine.core",),
    "engine.prefs": ("engine.core",),
    "engine.ui": ("engine.core",),
    "engine.objects": ("engine.core", "engine.toml"),
    "engine.scenes": ("engine.core", "engine.objects", "engine.toml"),
    "engine.app": ("engine",),
    "engine": (),
    "characters.protocol": (),
    "characters.session": ("characters.protocol",),
    "characters.audio": ("characters.protocol",),
    "characters.transport": ("characters.protocol",),
    "characters.agents": ("characters.protocol", "engine.toml"),
    "characters.speech": ("characters.protocol", "characters.audio"),
    "characters.storage": ("characters.session", "engine.prefs"),
    "characters.client": (
        "characters.audio",
        "characters.protocol",
        "characters.session",
        "characters.storage",
        "characters.transport",
        "engine.core",
    ),
    "characters.service": (
        "characters.agents",
        "characters.protocol",
        "characters.speech",
        "engine.toml",
    ),
    "characters.components": CLIENT_SIDE,
    "characters.ui": ("characters.components", *CLIENT_SIDE),
    "characters.headless": ("characters.components", *CLIENT_SIDE),
    "characters.commands": ("characters", "engine"),
    "characters.cli": ("characters", "engine"),
    "characters.__main__": ("characters.cli",),
    "characters": (),
    "main": ("characters", "engine"),
}

# Arrows that no rule allows, each with its reason.
ALLOWED: dict[tuple[str, str], str] = {}

# The one or few files that may touch a device or a heavy library.
OWNERS = {
    "pygame": ("engine.app.window", "engine.ui"),
    "pyaudio": ("characters.audio.microphone", "characters.audio.speaker"),
    "pocketsphinx": ("characters.speech.sphinx",),
    "livekit": ("characters.transport", "characters.audio.echo"),
    "aiohttp": (
        "characters.transport",
        "characters.service",
        "characters.agents",
        "characters.speech",
    ),
    "sqlite3": ("characters.storage.extras", "characters.service.store"),
}

# Standard modules that mean I/O, a clock, chance or a thread: no business of a core.
IMPURE = {
    "asyncio", "threading", "multiprocessing", "concurrent", "queue", "socket", "ssl", "select",
    "os", "pathlib", "shutil", "tempfile", "io", "subprocess", "signal", "sys",
    "time", "datetime", "random", "secrets", "uuid", "logging", "sqlite3", "urllib", "http",
}  # fmt: skip

PURE = (
    "characters.protocol",
    "characters.session",
    "characters.service.registry",
    "characters.service.conversation",
)


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def rule_for(name: str) -> str:
    return max((prefix for prefix in MAY_IMPORT if within(name, (prefix,))), key=len)


def named(names: Sequence[Module]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("module", names, ids=lambda module: module.name)


@named(list(MODULES.values()))
def test_a_module_imports_only_what_its_package_may(module: Module) -> None:
    package = rule_for(module.name)
    allowed = (*MAY_IMPORT[package], package)
    ours = [i for i in module.imports if within(i.name, ("engine", "characters", "main"))]
    strangers = [
        f"{i.name} (line {i.line})"
        for i in ours
        if not within(i.name, allowed) and (module.name, i.name) not in ALLOWED
    ]
    assert not strangers, f"{module.name} may import {allowed}, not {strangers}"


def test_each_exception_is_still_needed() -> None:
    arrows = {(m.name, i.name) for m in MODULES.values() for i in m.imports}
    assert not ALLOWED.keys() - arrows


@named([m for m in MODULES.values() if within(m.name, PURE)])
def test_a_core_imports_no_io_no_clock_and_no_chance(module: Module) -> None:
    impure = [i.name for i in module.imports if i.name.split(".")[0] in IMPURE]
    foreign = [
        i.name
        for i in module.imports
        if i.name.split(".")[0] not in {*sys.stdlib_module_names, "numpy", "characters", "engine"}
    ]
    assert not impure + foreign


@pytest.mark.parametrize("library", OWNERS)
def test_a_device_or_a_heavy_library_has_its_owners(library: str) -> None:
    users = {m.name for m in MODULES.values() for i in m.imports if i.name.split(".")[0] == library}
    assert users, f"nobody imports {library}: take its row out"
    assert not {user for user in users if not within(user, OWNERS[library])}


def test_nothing_imports_in_a_circle() -> None:
    edges = {
        m.name: {
            i.name
            for i in m.imports
            if i.name in MODULES and i.name != m.name and (m.name, i.name) not in ALLOWED
        }
        for m in MODULES.values()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(edges[name] - {name}):
                visit(other, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@named(list(MODULES.values()))
def test_a_module_holds_no_mutable_state(module: Module) -> None:
    literals = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    assigned = [n for n in module.tree.body if isinstance(n, (ast.Assign, ast.AnnAssign))]
    loose = [n.lineno for n in assigned if isinstance(n.value, literals) and not is_constant(n)]
    assert not loose, (
        f"{module.path.relative_to(ROOT)}: name a constant in capitals, or give it an owner"
    )


def is_constant(node: ast.Assign | ast.AnnAssign) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name = getattr(target, "id", "")
    return name == "__all__" or name.strip("_").isupper()


@named([m for m in MODULES.values() if m.name != "main" and not m.name.endswith("__main__")])
def test_a_module_says_what_it_is_for_and_what_it_exports(module: Module) -> None:
    assert ast.get_docstring(module.tree), "its first line says what it is for"
    if module.is_package and len(module.tree.body) == 1:
        return  # a table of contents: nothing is exported here
    targets = [t for n in module.tree.body if isinstance(n, ast.Assign) for t in n.targets]
    assert any(getattr(target, "id", "") == "__all__" for target in targets)


def test_importing_the_product_opens_no_window_and_touches_no_device() -> None:
    for name in (
        "engine",
        "characters",
        "characters.session.machine",
        "characters.components.manager",
    ):
        eager = reachable(name)
        assert not {
            other
            for other in eager
            if other in {"engine.app.window", "characters.audio.microphone"}
        }


def reachable(name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here not in found and here in MODULES:
            found.add(here)
            waiting += [i.name for i in MODULES[here].imports if i.eager]
    return found

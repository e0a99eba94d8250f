"""The rules that every module keeps: what it may import, what it may be called, how long it is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator

from characters.protocol.failures import CharactersError
from tests.imports import FUNCTIONS, ROOT, Module, modules

CLIENT_SIDE = (
    "characters.client",
    "characters.protocol",
    "characters.session",
    "characters.audio",
    "characters.storage",
    "characters.speech.settings",
    "characters.installation",
    "characters.english",
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
    "characters.audio": ("characters.english", "characters.protocol", "engine.core"),
    "characters.transport": ("characters.protocol",),
    "characters.agents": ("characters.protocol", "engine.core.processes", "engine.toml"),
    "characters.speech": (
        "characters.audio",
        "characters.english",
        "characters.protocol",
        "engine.core",
    ),
    "characters.storage": (
        "characters.protocol",
        "characters.session",
        "engine.core.file_system",
        "engine.prefs",
    ),
    "characters.installation": (),
    "characters.english": ("engine.core.words",),
    "characters.client": (
        "characters.audio",
        "characters.english",
        "characters.protocol",
        "characters.installation",
        "characters.session",
        "characters.storage",
        "characters.transport",
        "engine.core",
    ),
    "characters.service": (
        "engine.core.errors",
        "engine.core.file_system",
        "characters.agents",
        "characters.english",
        "characters.protocol",
        "characters.installation",
        "characters.speech",
        "engine.core.words",
        "engine.toml",
    ),
    "characters.components": CLIENT_SIDE,
    "characters.ui": ("characters.components", *CLIENT_SIDE),
    "characters.headless": ("characters.components", *CLIENT_SIDE),
    "characters.commands": ("characters", "engine"),
    "characters.examples": ("characters", "engine"),
    "characters.pyinstaller": ("characters.installation", "engine.core"),
    "characters.cli": ("characters", "engine"),
    "characters.__main__": ("characters.cli", "characters.installation"),
    "characters": ("characters.installation",),
    "main": ("characters", "engine"),
}

# Arrows that no rule allows, each with its reason.
ALLOWED: dict[tuple[str, str], str] = {
    ("engine.objects.objects", "engine.objects.scene"): "the type of `component.scene`, no more",
}

# The one or few files that may touch a device or a heavy library.
OWNERS = {
    "pygame": (
        "engine.app.music",
        "engine.app.window",
        "engine.ui.canvas",
        "engine.ui.events",
        "engine.ui.fonts",
        "engine.ui.painter",
        "engine.ui.surface",
        "characters.audio.pygame_output",  # the voices where PyAudio is not installed
        "characters.examples",
    ),
    "pyaudio": (
        "characters.audio.device_probe",
        "characters.audio.microphone",
        "characters.audio.portaudio_output",
    ),
    "PIL": ("characters.commands.demo",),
    "pocketsphinx": ("characters.speech.sphinx",),
    "livekit": ("characters.transport", "characters.audio.echo"),
    "openai": ("characters.agents.completions",),
    "xllamacpp": ("characters.agents.local_model",),
    "prometheus_client": ("characters.service.metrics",),
    "opentelemetry": ("characters.service.logs",),
    "aiohttp": (
        "characters.transport",
        "characters.service",
        "characters.agents",
        "characters.speech",
    ),
    "sqlite3": (
        "characters.commands.sessions",  # its errors alone
        "characters.storage.extras",
        "characters.service.database",
        "characters.service.store",
    ),
    "psycopg": ("characters.service.postgres",),
}

# The sizes beyond which a file or a function is no longer read in one go.
LONGEST_FILE = 850
LONGEST_FUNCTION = 60

# File names that more than one package has: each its own part of the same thing.
SHARED_NAMES = {
    "conversation",  # of the session, of the client, of the service
    "editor",  # of a TOML text, of a level
    "events",  # of the engine, of its interface, of a session
    "manager",  # of scenes, of characters
    "microphone",  # the device, the decision when it is open
    "memory",  # as a service keeps it, as a page shows it
    "registry",  # of components, of rooms
    "script",  # what a character says, what a player does without a window
    "sessions",  # as they are stored, as a command lists them
    "slots",  # as they are kept, as a game saves them, as a page shows them
}

# Everything that differs from one platform to another.
PLATFORM = ("engine.core.file_system", "engine.core.processes")

# Standard modules that mean I/O, a clock, chance or a thread: no business of a core.
IMPURE = {
    "asyncio", "threading", "multiprocessing", "concurrent", "queue", "socket", "ssl", "select",
    "os", "pathlib", "shutil", "tempfile", "io", "subprocess", "signal", "sys",
    "time", "datetime", "random", "secrets", "uuid", "logging", "sqlite3", "urllib", "http",
}  # fmt: skip

PURE = (
    "characters.protocol",
    "characters.session",
    "characters.transport.wire",
    "characters.service.registry",
    "characters.service.conversation",
    "characters.service.effects",
    "characters.service.message_handler",
    "characters.service.branches",
    "characters.service.directory",
)


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def rule_for(name: str) -> str:
    return max((prefix for prefix in MAY_IMPORT if within(name, (prefix,))), key=len)


def product() -> list[Module]:
    return list(modules().values())


def library(name: str) -> str:
    return name.partition(".")[0]


def is_ours(name: str) -> bool:
    return library(name) in ("engine", "characters", "main")


def arrows() -> Iterator[tuple[Module, str, int]]:
    """Yield each import of a module of ours by another: who, what, and the line."""
    return ((m, i.name, i.line) for m in product() for i in m.imports if is_ours(i.name))


def test_a_module_imports_only_what_its_package_may() -> None:
    strangers = [
        f"{module.name}:{line} imports {name}"
        for module, name, line in arrows()
        if not within(name, (*MAY_IMPORT[rule_for(module.name)], rule_for(module.name)))
        and (module.name, name) not in ALLOWED
    ]
    assert not strangers


def test_each_package_has_a_rule_and_each_rule_a_package() -> None:
    names = {module.name for module in product()}
    packages = {module.name for module in product() if module.is_package}
    tops = {name for name in packages if name.count(".") <= 1}
    assert not tops - MAY_IMPORT.keys(), "its row is missing"
    assert not MAY_IMPORT.keys() - names, "there is no such module"


def test_each_exception_is_still_needed() -> None:
    assert not ALLOWED.keys() - {(module.name, name) for module, name, _ in arrows()}


def test_a_core_imports_no_io_no_clock_and_no_chance() -> None:
    known = {*sys.stdlib_module_names, "numpy", "msgpack", "characters", "engine"} - IMPURE
    assert not [
        f"{module.name}:{i.line} imports {i.name}"
        for module in product()
        if within(module.name, PURE)
        for i in module.imports
        if library(i.name) not in known
    ]


def test_a_device_or_a_heavy_library_has_its_owners() -> None:
    users = defaultdict(set)
    for module in product():
        for i in module.imports:
            users[library(i.name)].add(module.name)
    assert not OWNERS.keys() - users.keys(), "nothing imports it: take its row out"
    strangers = {
        name: {user for user in users[name] if not within(user, owners)}
        for name, owners in OWNERS.items()
    }
    assert not {name: found for name, found in strangers.items() if found}


def test_what_differs_by_platform_stands_in_one_place() -> None:
    asked = {"sys.platform", "os.name", "platform.system", "fcntl.flock", "msvcrt.locking"}
    assert not [
        f"{module.name}:{node.lineno} asks for {ast.unparse(node)}"
        for module in product()
        if module.name not in PLATFORM
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in asked
    ]


def test_the_encoding_of_a_text_is_written_down() -> None:
    assert not [
        f"{module.name}:{node.lineno} takes that of the machine"
        for module in product()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and takes_the_machines_encoding(node)
    ]


def takes_the_machines_encoding(call: ast.Call) -> bool:
    name = ast.unparse(call.func).rpartition(".")[2]
    words = {word.arg: ast.unparse(word.value) for word in call.keywords}
    if name in ("read_text", "write_text"):
        return "encoding" not in words and len(call.args) < (1 if name == "read_text" else 2)
    is_file = name in ("fdopen", "NamedTemporaryFile") or ast.unparse(call.func) == "open"
    is_text = is_file and not any("b" in ast.unparse(mode) for mode in call.args[1:])
    return (is_text or words.get("text") == "True") and "encoding" not in words


def test_nothing_imports_in_a_circle() -> None:
    edges: dict[str, set[str]] = {name: set() for name in modules()}
    for module, name, _ in arrows():
        if name != module.name and (module.name, name) not in ALLOWED:
            edges[module.name].add(name)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(edges[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_a_module_holds_no_mutable_state() -> None:
    literals = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    loose = [
        f"{module.name}:{node.lineno}"
        for module in product()
        for node in module.tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        if isinstance(node.value, literals) and not is_constant(node)
    ]
    assert not loose, "name a constant in capitals, or give it an owner"


def is_constant(node: ast.Assign | ast.AnnAssign) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name = getattr(target, "id", "")
    return name == "__all__" or name.strip("_").isupper()


def test_a_program_logs_under_the_name_of_its_package() -> None:
    assert not [
        f"{module.name}:{node.lineno} would log as __main__"
        for module in product()
        if module.name.endswith("__main__")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node).endswith("getLogger(__name__)")
    ]


def test_a_module_says_what_it_is_for_and_what_it_exports() -> None:
    programs = {"main"} | {name for name in modules() if name.endswith("__main__")}
    silent = [m.name for m in product() if m.name not in programs and not says_what_it_is_for(m)]
    assert not silent, "its first line says what it is for, its __all__ what it exports"


def test_the_first_page_of_a_package_names_each_of_its_files() -> None:
    wrong = {}
    for package in (module for module in product() if module.is_package):
        page = ast.get_docstring(package.tree) or ""
        named = {name for row in re.findall(r"^\* (.+?):", page, re.M) for name in row.split(", ")}
        inside = package.path.parent.iterdir()
        there = {it.stem for it in inside if it.suffix == ".py" or any(it.glob("*.py"))}
        there -= {"__init__", "__main__"}
        if named and named != there:
            wrong[package.name] = sorted(named ^ there)
    assert not wrong, "a name is missing, or there is no such file"


def says_what_it_is_for(module: Module) -> bool:
    is_table_of_contents = module.is_package and len(module.tree.body) == 1
    targets = [t for n in module.tree.body if isinstance(n, ast.Assign) for t in n.targets]
    exports = any(getattr(target, "id", "") == "__all__" for target in targets)
    return bool(ast.get_docstring(module.tree)) and (exports or is_table_of_contents)


def test_importing_the_product_opens_no_window_and_touches_no_device() -> None:
    roots = ("engine", "characters", "characters.session.machine", "characters.components.manager")
    assert not reachable(*roots) & {
        "engine.app.music",
        "engine.app.window",
        "characters.audio.microphone",
        "characters.audio.portaudio_output",
        "characters.audio.pygame_output",
    }


def test_what_runs_without_a_window_never_imports_pygame() -> None:
    program = (
        "import sys; import characters.cli, characters.commands.demo, characters.ui.hud; "
        "import characters.headless.driver; from characters.cli import main; "
        "main(['lint', 'assets/scenes']); sys.exit('pygame' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], timeout=60, check=False, cwd=ROOT)
    assert ran.returncode == 0


def test_a_game_starts_without_what_only_an_extra_brings() -> None:
    extras = {
        "pyaudio", "pocketsphinx", "soxr", "soundfile", "cryptography", "livekit",
        "onnxruntime",
        "faster_whisper", "PIL", "PyInstaller", "openai", "xllamacpp", "psycopg",
        "prometheus_client", "opentelemetry",
    }  # fmt: skip
    programs = [name for name in modules() if name.startswith("characters.commands")]
    started = reachable("characters.cli", "characters.service.__main__", *programs)
    started |= reachable(*(name for name in modules() if name.startswith("characters.ui")))
    assert not {
        f"{name} imports {i.name}"
        for name in started
        for i in modules()[name].imports
        if i.eager and library(i.name) in extras
    }


def reachable(*names: str) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        here = waiting.pop()
        if here not in found and here in modules():
            found.add(here)
            waiting += [i.name for i in modules()[here].imports if i.eager]
    return found


def test_a_class_name_stands_for_one_thing() -> None:
    places = defaultdict(list)
    for module in product():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module.name)
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_a_name_of_a_module_is_bound_once() -> None:
    twice = [
        f"{module.name}: {name}"
        for module in product()
        for name, times in Counter(bound_names(module.tree)).items()
        if times > 1
    ]
    assert not twice, "what stands above the second one gets the second one, too"


def bound_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets: list[ast.expr] = (
                node.targets if isinstance(node, ast.Assign) else [node.target]
            )
            names = (it for target in targets for it in ast.walk(target))
            yield from (
                it.id for it in names if isinstance(it, ast.Name) and isinstance(it.ctx, ast.Store)
            )


def test_a_file_name_stands_for_one_thing() -> None:
    places = defaultdict(list)
    for module in product():
        if not module.is_package and module.path.stem != "__main__":
            places[library(module.name), module.path.stem].append(module.name)
    twice = {stem: found for (_, stem), found in places.items() if len(found) > 1}
    assert not twice.keys() - SHARED_NAMES, twice
    for name, found in twice.items():
        packages = [module.rsplit(".", 1)[0] for module in found]
        nested = [p for p in packages for other in packages if p.startswith(other + ".")]
        assert not nested, f"{name} stands twice within one package"


def test_a_file_and_a_function_are_read_in_one_go() -> None:
    assert not {m.name: m.lines for m in product() if m.lines > LONGEST_FILE}
    assert not [
        f"{module.name}.{node.name}"
        for module in product()
        for node in ast.walk(module.tree)
        if isinstance(node, FUNCTIONS) and code_lines(node) > LONGEST_FUNCTION
    ]


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function, its docstring excepted."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node):
        docstring = node.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def errors_of_characters() -> set[str]:
    """Return the names of all classes below CharactersError, and of those that should be."""
    classes = [
        node
        for module in product()
        if within(module.name, ("characters",))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]
    bases = {"Exception", "CharactersError"}
    for _ in range(3):  # no branch of the tree is deeper
        bases |= {it.name for it in classes if bases & {ast.unparse(base) for base in it.bases}}
    return bases - {"Exception", "CharactersError"}


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"── (\w+)", CharactersError.__doc__ or "")
    assert set(drawn) == errors_of_characters()
    assert len(drawn) == len(set(drawn))

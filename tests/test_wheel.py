"""The wheel is the whole product: all is inside, and it works from any folder once installed.

It is built without the network. Installed it is beside the packages of the running environment,
but without PyAudio, as a plain `pip install` leaves it on Linux and macOS.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from characters.audio.portaudio import PROBE
from engine.core.processes import module_command
from tests.imports import ROOT
from tests.programs import run_program

SOURCES = ("engine", "characters", "assets", "main.py")
ABOUT = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
NOT_INSTALLED = 'raise ModuleNotFoundError("No module named \'pyaudio\'", name="pyaudio")\n'

PLAY = """
[[step]]
wait = { character = "patient-7f3a", state = "CONNECTED" }
within = 60
[[step]]
do = "say"
character = "patient-7f3a"
text = "My name is Bob."
[[step]]
wait = { character = "patient-7f3a", says = "Bob" }
within = 60
"""

TYPED = """
from characters import Character, CharacterManager, ReconnectPolicy, TurnSettings
smith = Character("x", connect="manual", persist="until_disconnect", reconnect_policy="patient")
reveal_type(smith)
reveal_type(smith.connect)
smith.level_policy = "drop"
CharacterManager(targeting="distance", turns=TurnSettings(mode="hands_free"))
ReconnectPolicy(resume_policy="always_resume")
smith.respond_mode = "nonsense"
"""


pytestmark = pytest.mark.posix("the wheel is the same file on every system")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("main.py", *ABOUT):
        shutil.copy(ROOT / name, source)
    done = run_program(source, sys.executable, "-c", BUILD, folder)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("pygame_troupe-*.whl")
    return file


def test_everything_of_the_product_is_inside_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(next(n for n in names if n.endswith("entry_points.txt")))
    assert {name.partition("/")[0] for name in names} == {
        "engine",
        "characters",
        f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info",
    }
    expected = {f"characters/{path}" for path in files(ROOT, "assets") if path != "assets/ART.md"}
    expected |= files(ROOT, "engine") | files(ROOT, "characters")
    assert not {path for path in expected if "screenshots" not in path} - names
    assert b"troupe = characters.cli:main" in entry_points


def test_what_players_and_developers_are_told_to_install_is_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = re.compile(
        r"pip install \W*pygame-troupe\[([\w-]+)\]|install_command\(['\"]([\w-]+)['\"]\)"
    )
    texts = [path for path in ROOT.glob("[ce]*/**/*") if path.suffix in (".py", ".md")]
    texts.append(ROOT / "README.md")
    named = {a or b for path in texts for a, b in told.findall(path.read_text("utf-8"))}
    assert named and not named - extras["optional-dependencies"].keys()


def files(root: Path, folder: str) -> set[str]:
    found = (path for path in (root / folder).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in found if path.suffix != ".pyc"}


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and an empty folder to stand in."""

    scripts: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self.scripts / f"python{sysconfig.get_config_var('EXE') or ''}"

    def run(self, *arguments: object, folder: Path | None = None) -> str:
        """Run Python with the arguments; return what it printed."""
        done = run_program(folder or self.folder, self.python, *arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def types(self, *files: Path) -> str:
        """Return what mypy says about files, as their author runs it."""
        options = ("--strict", "--python-executable", self.python)
        return run_program(self.folder, sys.executable, "-m", "mypy", *options, *files).stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    from venv import EnvBuilder  # a Windows Python to be embedded has none

    home = tmp_path_factory.mktemp("environment")
    builder = EnvBuilder(symlinks=os.name != "nt")
    builder.create(home)
    here = builder.ensure_directories(home)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(home)}))
    (packages / "pyaudio.py").write_text(NOT_INSTALLED)
    (packages / "visible.pth").write_text(sysconfig.get_path("purelib"))
    pip = ("-m", "pip", "--python", here.env_exe, "install", "--quiet", "--no-deps", "--no-index")
    done = run_program(home, sys.executable, *pip, wheel)
    assert done.returncode == 0, done.stderr
    return Installed(Path(here.bin_path), tmp_path_factory.mktemp("elsewhere"))


@pytest.mark.slow
def test_the_demo_answers_who_says_a_name(installed: Installed) -> None:
    script = installed.folder / "play.toml"
    script.write_text(PLAY, encoding="utf-8")
    demo = ("demo", "--headless", "--script", script, "--data", "data")
    installed.run("-m", "characters", *demo)


@pytest.mark.slow
def test_the_commands_work_where_nothing_of_ours_lies(installed: Installed) -> None:
    found = installed.run("-m", "characters", "doctor")
    assert str(installed.scripts.parent) in found.split("assets: ")[1].splitlines()[0]
    assert "\nfail" not in found
    names = "import characters, engine; print(characters.__file__, engine.__file__)"
    for path in installed.run("-c", names).split(".py "):
        assert path.startswith(str(installed.scripts.parent))
    assert "Personas" in installed.run("-m", "characters", "docs", "personas")


@pytest.mark.slow
def test_the_short_command_names_a_file_that_stands_in_our_place(installed: Installed) -> None:
    game = installed.folder / "with a namesake"
    game.mkdir()
    (game / "characters.py").touch()
    done = run_program(game, installed.scripts / "troupe", "doctor")
    assert done.returncode == 1
    assert f"{game / 'characters.py'} has the name of {installed.scripts.parent}" in done.stdout


@pytest.mark.slow
def test_an_example_answers_who_says_a_name(installed: Installed) -> None:
    visitor = shutil.copy(ROOT / "tests" / "visitor.py", installed.folder)
    assert "Bob" in installed.run(visitor, "characters.examples.hello")


FROZEN = """
from characters.examples.hello import main
from visitor import come

come()
main()
"""


@pytest.mark.slow
def test_a_frozen_example_starts_its_service_and_looks_for_devices(installed: Installed) -> None:
    shutil.copy(ROOT / "tests" / "visitor.py", installed.folder)
    (installed.folder / "game.py").write_text(FROZEN, encoding="utf-8")
    installed.run("-m", "PyInstaller", "--log-level", "ERROR", "game.py")
    game = installed.folder / "dist" / "game" / "game"
    elsewhere = installed.folder / "mine"
    elsewhere.mkdir()
    assert "Bob" in run_program(elsewhere, game).stdout
    looked = run_program(elsewhere, game, *module_of(PROBE))
    assert "No module named 'pyaudio'" in looked.stderr  # it got so far: here it is not installed


def module_of(name: str) -> list[str]:
    """Return the arguments with which a frozen game becomes a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "frozen", True, raising=False)
        return module_command(name)[1:]


@pytest.mark.slow
def test_a_new_game_is_right_as_it_was_written(installed: Installed) -> None:
    installed.run("-m", "characters", "new", "mygame")
    game = installed.folder / "mygame"
    lint = ("-m", "characters", "lint", ".")
    assert "no mistakes" in installed.run(*lint, folder=game)
    installed.run("-m", "pytest", "-q", folder=game)
    assert "Success" in installed.types(game)


@pytest.mark.slow
def test_a_type_checker_sees_the_types_and_takes_the_words(installed: Installed) -> None:
    file = installed.folder / "typed.py"
    file.write_text(TYPED, encoding="utf-8")
    said = installed.types(file).splitlines()
    assert '"characters.components.character.Character"' in said[0]
    assert '"characters.components.character.ConnectMode"' in said[1]
    assert "typed.py:9: error" in said[2]
    assert said[3].startswith("Found 1 error")

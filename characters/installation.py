"""The installed package: what came with it, and what keeps a game from starting.

That is a package that was not installed, or a module in place of ours: a game's own one that has
the name of a package of ours is imported in its place.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

__all__ = [
    "DEMO", "namesakes_in", "not_installed", "package_assets", "PACKAGES", "refuse_namesake",
    "sentence",
]  # fmt: skip

PACKAGES = ("engine", "characters")
DEMO = "Troupe"  # the name of the demo's data folder: players have their sessions there


def package_assets() -> Path:
    """Return the folder of the fonts, personas, scenes and schemas that came with the package.

    In a checkout they lie beside it.
    """
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def not_installed(error: ModuleNotFoundError) -> str:
    """Return which package is missing and how to install it. Raises the error if it is ours."""
    missing = (error.name or "").partition(".")[0]
    if missing in ("", *PACKAGES):
        raise error
    here, command = Path(__file__).resolve().parent.parent, f'"{sys.executable}" -m pip install'
    if not (here / "pyproject.toml").is_file():  # in an environment, not in a checkout
        return f"{missing} is not installed for this Python. Try: {command} {missing}"
    by_make = "`make play` installs it and starts the demo; or t" if shutil.which("make") else "T"
    return (
        f"{missing} is not installed for this Python, and perhaps more that this needs. "
        f'{by_make}ry: {command} -e "{here}"'
    )


def refuse_namesake(name: str) -> None:
    """Raise ImportError, with both files, where `name` is another module than our package."""
    module = sys.modules.get(name)
    found = module.__spec__ if module is not None else importlib.util.find_spec(name)
    file = None if found is None else found.origin
    if file is not None and not _is_ours(name, Path(file)):
        raise ImportError(sentence(name, Path(file)))


def namesakes_in(folder: Path) -> dict[str, Path]:
    """Return the files in a folder that are imported there in place of our packages, by name."""
    # As Python looks: a package comes before a module.
    files = {name: (folder / name / "__init__.py", folder / f"{name}.py") for name in PACKAGES}
    found = {name: [file for file in both if file.is_file()] for name, both in files.items()}
    return {name: both[0] for name, both in found.items() if both and not _is_ours(name, both[0])}


def sentence(name: str, file: Path) -> str:
    """Return what is wrong with a file that has the name of a package of ours, and what to do."""
    ours = _ours(name) / "__init__.py"
    return f"{file} has the name of {ours}, and one hides the other: rename yours."


def _ours(name: str) -> Path:
    return Path(__file__).parent.parent / name


def _is_ours(name: str, file: Path) -> bool:
    return os.path.realpath(file.parent) == os.path.realpath(_ours(name))

"""What pyproject.toml cannot say: the folder `assets` is installed inside `characters`."""

from __future__ import annotations

from setuptools import find_namespace_packages, setup

__all__ = []

ASSETS = [
    "assets",
    "assets.fonts",
    "assets.personas",
    "assets.scenes",
    "assets.schemas",
    "assets.words",
]

setup(
    packages=[
        *find_namespace_packages(include=["engine*", "characters*"], exclude=["*__pycache__*"]),
        *(f"characters.{folder}" for folder in ASSETS),
    ],
    package_dir={"characters.assets": "assets"},
)

"""The maps of `tests/engine/maps`, as Tiled saves them, and others beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.objects.assets import AssetFolder
from engine.scenes.tiled_map import TiledMap, read_map

__all__ = ["BOTH", "copy_maps", "drawn", "HEAD", "write"]

MAPS = Path(__file__).parent / "maps"
BOTH = pytest.mark.parametrize("suffix", [".tmx", ".tmj"])
HEAD = '<map version="1.10" orientation="orthogonal" width="4" height="4" tilewidth="64" '


def copy_maps(folder: Path) -> AssetFolder:
    """Return a folder of assets with the maps in it."""
    shutil.copytree(MAPS, folder / "assets/maps", copy_function=shutil.copyfile)
    return AssetFolder(folder / "assets")


def drawn(assets: AssetFolder, name: str) -> TiledMap:
    """Return one of the maps."""
    return read_map(assets.root / "maps" / name, assets)


def write(assets: AssetFolder, text: str, name: str = "new.tmx") -> TiledMap:
    """Write a map and return it."""
    (assets.root / "maps" / name).write_text(text, encoding="utf-8")
    return drawn(assets, name)

"""What came with the package: its fonts, personas, scenes and schemas, and its demo."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEMO", "package_assets"]

DEMO = "Troupe"  # the name of the demo's data folder: players have their sessions there


def package_assets() -> Path:
    """Return the assets inside the installed package, or those beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"

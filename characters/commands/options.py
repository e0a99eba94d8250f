"""Options that several commands have; without the engine, so that the others start at once."""

from __future__ import annotations

import argparse

__all__ = ["add_components"]


def add_components(command: argparse.ArgumentParser) -> None:
    """Add the option that names modules with components of the game's own."""
    command.add_argument(
        "--components",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module of yours with components, beside those that your main.py imports",
    )

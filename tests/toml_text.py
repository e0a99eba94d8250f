"""A text read as a TOML file."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pydantic import BaseModel

from engine.toml.reader import read_toml

M = TypeVar("M", bound=BaseModel)


def parse_toml(text: str, model: type[M], file: str = "text.toml") -> M:
    """Read a text into the model, as a file of that name."""
    with TemporaryDirectory() as folder, chdir(folder):
        Path(file).write_bytes(text.encode())
        return read_toml(Path(file), model)

"""Reads a corpus of broken scenes: each states its mistakes beside the lines that have them.

A corpus file holds scenes that begin with `### a sentence`. A line's comment `#! words` says that
one problem stands on that line and that its text contains the words; `#! 3: words` below the
title says the same of line 3, for texts in which a comment cannot stand where the mistake is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.toml.reader import Problem

__all__ = ["BrokenScene", "cases", "write_assets"]

BROKEN = Path(__file__).parent / "broken"


@dataclass(frozen=True)
class BrokenScene:
    """One scene and the mistakes it is meant to have: line and words of each."""

    sentence: str
    text: str
    mistakes: tuple[tuple[int, str], ...]

    def differences(self, problems: tuple[Problem, ...]) -> list[str]:
        """Return what was meant and not found, and what was found and not meant."""
        left = [(p.line, str(p)) for p in problems]
        missed = []
        for line, words in self.mistakes:
            hit = next((found for found in left if found[0] == line and words in found[1]), None)
            if hit is None:
                missed.append(f"missed on line {line}: {words}")
            else:
                left.remove(hit)
        return [*missed, *(f"not meant: {text}" for _, text in left)]


def cases(name: str, folder: Path = BROKEN) -> pytest.MarkDecorator:
    """Parametrise a test by every scene of a corpus file."""
    found = list(read(folder / name))
    return pytest.mark.parametrize("broken", found, ids=[scene.sentence for scene in found])


def read(path: Path) -> Iterator[BrokenScene]:
    """Yield the scenes of a corpus file."""
    for part in re.split(r"^### ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        sentence, _, body = part.partition("\n")
        head = re.match(r"(?:#! \d+: [^\n]*\n)*", body)
        assert head is not None
        text = body[head.end() :].strip("\n") + "\n"
        stated = re.findall(r"#! (\d+): ([^\n]*)", head[0])
        mistakes = [(int(line), words) for line, words in stated]
        for number, line in enumerate(text.split("\n"), 1):
            mistakes += [(number, words.strip()) for words in line.split("#!")[1:]]
        yield BrokenScene(sentence, text, tuple(mistakes))


def write_assets(folder: Path) -> Path:
    """Write the assets that the scenes name; return the path for a scene among them."""
    files = {
        "assets/sprites/ann.png": "",
        "assets/sprites/bob.png": "",
        "assets/sounds/hum.ogg": "OggS",
        "assets/sounds/noise.ogg": "no sound at all",
        "assets/prefabs/lamp.toml": "tag = 'lamp'\n[Lamp]\nis_on = true\n",
        "assets/prefabs/broken.toml": "[Lamp]\nis_on = 1\n",
        "assets/prefabs/no.toml": "[Lamp\n",
        "assets/prefabs/round.toml": 'prefab = "prefabs/round.toml"\n',
        "assets/characters/ann.toml": 'actor_id = "ann"\nmood = "tired"\n',
        "assets/scenes/.keep": "",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder / "assets/scenes/level.toml"

"""AssetFolder: the files of a game by their names, with hints for a name that is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from engine.core.file_system import open_file
from engine.toml.diagnostics import Mistake, as_toml, did_you_mean, similar_names
from engine.toml.positions import KeyPath

__all__ = ["AssetFolder"]


_MOST_FILES = 5_000  # of which names are suggested: not a whole home folder
_MOST_HINTS = 50  # each is a look through all those names

# How files begin that pygame's mixer plays; an MP3 may begin with a tag or with its first frame.
_SOUNDS = (rb"OggS", rb"RIFF....WAVE", rb"fLaC", rb"ID3", rb"\xff[\xe2-\xff]")


@dataclass
class AssetFolder:
    """The files below one folder; names use "/" and capitals count, on every system."""

    root: Path
    awaited: set[Path] = field(default_factory=set)
    """Files that are missing or wrong, for a watch that notices when one is corrected."""
    _others: dict[Path, AssetFolder] = field(default_factory=dict)
    _listings: dict[Path, frozenset[str]] = field(default_factory=dict)
    _hints: dict[tuple[str, tuple[str, ...]], tuple[str, str | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, scene_path: Path) -> AssetFolder:
        """Return the folder called `assets` that a file lies in, or else the file's own folder."""
        # The given parents first: a relative path stays short in messages.
        parents = (*scene_path.parents, *scene_path.absolute().parents)
        return cls(next((p for p in parents if p.name == "assets"), parents[0]))

    def path(self, name: str) -> Path:
        """Return where the file of that name is."""
        return self.root / name

    def mistake(
        self,
        name: str,
        path: KeyPath,
        suffixes: tuple[str, ...] = (),
        also: Path | None = None,
    ) -> Mistake | None:
        """Return what is wrong with the name of a file, or None; `also` may have it, too."""
        if name.startswith("/") or ":" in name or "\\" in name or ".." in name.split("/"):
            hint = 'a path with "/" below the assets folder'
            return Mistake(path, "must stay inside the assets folder", name, hint)
        others = self._other(also)
        if not (self._exists(name) or others._exists(name)):
            self.awaited.add(self.path(name))
            hint, sure = self._hint(name, suffixes, others)
            quoted = None if sure is None else as_toml(sure)
            return Mistake(path, "there is no such file", name, hint, replacement=quoted)
        if suffixes and not name.endswith(suffixes):
            hint, _ = self._hint(name, suffixes, others)
            return Mistake(path, f"must be a {' or '.join(suffixes)} file", name, hint)
        return None

    def sound_mistake(self, name: str, path: KeyPath) -> Mistake | None:
        """Return what is wrong with a sound file that is there, by its first bytes, or None."""
        try:
            with os.fdopen(open_file(self.path(name)), "rb") as file:
                head = file.read(12)
        except OSError as error:
            return Mistake(path, f"cannot be read: {error.strerror or error}", name)
        if any(re.match(kind, head, re.DOTALL) for kind in _SOUNDS):
            return None
        self.awaited.add(self.path(name))
        return Mistake(path, "cannot be decoded: it is no OGG, MP3, WAV or FLAC file", name)

    def _other(self, root: Path | None) -> AssetFolder:
        """Return the files of a second folder; those of this one if there is none."""
        if root is None:
            return self
        return self._others.setdefault(root, AssetFolder(root))

    def _hint(
        self, name: str, suffixes: tuple[str, ...], others: AssetFolder
    ) -> tuple[str, str | None]:
        """Return a suggestion, each once; none any more after very many."""
        key = name, suffixes
        if key not in self._hints and len(self._hints) < _MOST_HINTS:
            files = [*self._files(suffixes), *others._files(suffixes)]
            self._hints[key] = self._suggestion(name, list(dict.fromkeys(files)))
        return self._hints.get(key, ("", None))

    def _suggestion(self, name: str, files: list[str]) -> tuple[str, str | None]:
        """Return a hint and the sure replacement, if any, for the name of a missing file.

        In this order: a similar name in the folder, the same name elsewhere, a similar path, the
        files of its folder. What lies in a folder that was not named is hardly meant.
        """
        missing = PurePosixPath(name)
        # Only the stems count: paths of one folder and one kind are all alike.
        beside = {
            PurePosixPath(f).stem: f for f in files if PurePosixPath(f).parent == missing.parent
        }
        close, sure = similar_names(missing.stem, beside)
        if close:
            found = " or ".join(beside[stem] for stem in close)
            return found, None if sure is None else beside[sure]
        same = [known for known in files if PurePosixPath(known).name == missing.name]
        if same:
            return " or ".join(same[:3]), None
        elsewhere, sure = similar_names(name, files, 0.8)
        if elsewhere:
            return " or ".join(elsewhere), sure
        has_folder = len(missing.parts) > 1
        return did_you_mean("", beside.values() if beside or has_folder else files)

    def _exists(self, name: str) -> bool:
        folder = self.root
        *folders, file = name.split("/")
        for part in folders:
            if part not in self._listing(folder):
                return False
            folder /= part
        return file in self._listing(folder) and not (folder / file).is_dir()

    def _listing(self, folder: Path) -> frozenset[str]:
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(entry.name for entry in folder.iterdir())
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def _files(self, suffixes: tuple[str, ...]) -> list[str]:
        fitting = (p for p in self._walk() if not suffixes or p.suffix in suffixes)
        return [p.relative_to(self.root).as_posix() for p in fitting]

    def _walk(self) -> Iterator[Path]:
        return (p for p in islice(self.root.rglob("*.*"), _MOST_FILES) if p.is_file())

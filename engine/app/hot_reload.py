"""HotReload: an edit of a level's file changes the running level where it differs.

    scene.add(HotReload(file))        # the SceneFile that the scene was built from

A thread reads, checks and compares the file; the frame only applies the difference. An edit with
mistakes changes nothing: they are logged, and `problems` has them until they are corrected.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from engine.core.events import Signal
from engine.objects.objects import Component
from engine.scenes.build import BuiltScene, SceneDifference, ScenePatch, difference
from engine.scenes.document import SceneDocument
from engine.scenes.file import SceneFile
from engine.toml.reader import FileWatch, Problem, TomlFileError

__all__ = ["HotReload"]


_log = logging.getLogger(__name__)

_MOST_ON_SCREEN = 3


class HotReload(Component):
    """Watches the file of its scene, with the prefabs and profiles below it."""

    execution_order: ClassVar[int] = -1000

    def __init__(self, file: SceneFile) -> None:
        self.applied: Signal[SceneDifference] = Signal("hot_reload.applied")
        self.refused: Signal[tuple[Problem, ...]] = Signal("hot_reload.refused")
        self.noted: Signal[str] = Signal("hot_reload.noted")
        """Emits a sentence for the screen about an edit without effect while the level runs."""
        self.problems: tuple[Problem, ...] = ()
        """The mistakes in the file as it is now."""
        self._file = file  # used by the watching thread alone once it runs
        self._files = file.files
        self._watch = FileWatch(lambda: self._files, self.look, name=file.path.name)

    @property
    def summary(self) -> str | None:
        """The mistakes, short enough for the screen, or None."""
        if not self.problems:
            return None
        more = len(self.problems) - _MOST_ON_SCREEN
        shown = [_short(problem) for problem in self.problems[:_MOST_ON_SCREEN]]
        return "\n".join([*shown, f"and {more} more"] if more > 0 else shown)

    def start(self) -> None:
        """Start the watching thread."""
        self._watch.start()

    def on_destroy(self) -> None:
        """Stop watching."""
        self._watch.stop()

    def look(self) -> None:
        """Read the file and post the difference to the scene; for one thread at a time."""
        post = self.scene.dispatcher.post
        assets = self._file.fresh_assets()
        try:
            new = self._file if self._file.is_current() else self._file.reread(assets)
        except TomlFileError as error:
            named = (Path(problem.file) for problem in error.problems)
            awaited = sorted(assets.awaited)
            self._files = tuple(dict.fromkeys([*self._file.files, *named, *awaited]))
            post(partial(self._refuse, error.problems))
            return
        old, self._file, self._files = self._file.document, new, new.files
        post(partial(self._apply, old, new.document, difference(old, new.document)))

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        if self.is_destroyed or problems == self.problems:
            return
        self.problems = problems
        for problem in problems:
            _log.error("An edit was not applied: %s", problem)
        self.refused.emit(problems)

    def _apply(self, old: SceneDocument, new: SceneDocument, found: SceneDifference) -> None:
        if self.is_destroyed:
            return
        self.problems = ()
        built = self.scene.get_service(BuiltScene)
        if built.document is not old:  # the edit before this one failed
            found = difference(built.document, new)
        if not found:
            return
        try:
            patch = ScenePatch(new, self.scene, built)
            patch.apply(found)
        except Exception as error:  # raised by a component's own constructor
            message = f"could not be applied: {error}"
            self._refuse((Problem(new.source.file, 1, 1, None, None, message),))
            return
        _log.info("Level %r was edited: %s", self.scene.name, _sizes(found))
        for note in patch.notes:
            _log.warning("An edit has no effect yet: %s", note)
        if patch.notes:
            self.noted.emit("\n".join(map(_short, patch.notes)))
        self.applied.emit(found)


def _short(problem: Problem) -> str:
    return str(replace(problem, file=Path(problem.file).name))


def _sizes(found: SceneDifference) -> str:
    return f"{len(found.added)} new, {len(found.removed)} gone, {len(found.changed)} changed"

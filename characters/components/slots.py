"""SaveSlots: save and load a game, with everything that its characters remember."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, runtime_checkable

from characters.client.minds import PutBack
from characters.client.runtime import Runtime
from characters.client.threads import AwaitableFuture
from characters.components.character import Character
from characters.storage.sessions import ForgetStore, OwedForget
from characters.storage.slots import (
    Picture,
    SavedMind,
    SlotError,
    SlotInfo,
    SlotStore,
    SlotValues,
    check_slot_name,
    pack_values,
)
from engine.app.application import Application
from engine.core.events import Signal, Subscription
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs

__all__ = ["AUTOSAVE", "LoadedSlot", "SaveSlots"]

_log = logging.getLogger(__name__)

AUTOSAVE = "autosave"
"""The name of the slot that is saved whenever a level is left, if the player wants that."""


@dataclass(frozen=True, slots=True)
class LoadedSlot:
    """A slot that was loaded, and what became of its characters."""

    slot: SlotInfo
    fresh: tuple[str, ...] = ()
    """The names of those who begin afresh, because their service has nothing of them any more."""
    gone: tuple[str, ...] = ()
    """The names of those who were in the level and are not there any more."""

    @property
    def values(self) -> SlotValues:
        """What the game has kept in the slot."""
        return self.slot.values


class SaveSlots:
    """The save slots of a game, for the main thread; nothing here waits.

        slots = manager.slots
        slots.save("harbour", {"gold": 7})
        slots.load("harbour")               # then `loaded` is emitted, with the values

    A slot holds a picture, the time played, the level, the game's values, and for each character
    the conversation and the point in it. Loading puts every character back to where it was, and
    loads the level if the game has an Application. A character whose policy always begins afresh,
    as a kiosk's, is left alone. The futures are done when all is on the disk, that of a load when
    the level is there, so while frames go on; they can be awaited. They raise SlotError,
    TransportError where a service does not answer (then nothing was changed), or PrefsError.
    """

    def __init__(
        self,
        runtime: Runtime,
        prefs: PlayerPrefs,
        *,
        game: Application | Scene | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._runtime = runtime
        self._store = SlotStore(prefs)
        self._game = game
        self._wall_clock = wall_clock
        self._clock = runtime.context.clock
        self._played, self._since = self._store.played_seconds, self._clock()
        self._seen: Picture | None = None
        self._busy = 0
        self.saving: Signal[dict[str, Any]] = Signal("slots.saving")
        """Emitted with the values before they are saved: a game may add its own."""
        self.saved: Signal[SlotInfo] = Signal("slots.saved")
        self.loaded: Signal[LoadedSlot] = Signal("slots.loaded")
        """Emitted when everybody is back, and the level is there."""
        self.failed: Signal[Exception] = Signal("slots.failed")
        """Emitted with the reason for which something was not saved, loaded or deleted."""
        # Before any session opens: the store's thread does one thing after the other.
        runtime.store.post(self._finish)
        self._watch: Subscription | None = None
        if isinstance(game, Application):
            self._watch = game.scenes.scene_unloading.subscribe(self._level_is_left)

    def close(self) -> None:
        """Save no level any more when it is left; the runtime finishes what was begun."""
        if self._watch is not None:
            self._watch.cancel()

    # --- what there is ---

    def list(self) -> tuple[SlotInfo, ...]:
        """Return all slots, the newest first; `fresh` names who will not be as he was."""
        return self._store.all()

    def info(self, name: str) -> SlotInfo:
        """Return one slot. Raises SlotError when there is none of that name."""
        name = check_slot_name(name)
        if not self._store.has(name):
            raise SlotError(f"there is no slot {name!r}")
        return self._store.info(name)

    def picture(self, name: str) -> Picture | None:
        """Return the picture of a slot, height x width x 3, or None."""
        return self._store.picture(name)

    def seconds_since(self, slot: SlotInfo) -> float:
        """Return how long ago a slot was saved."""
        return max(0.0, self._wall_clock() - slot.saved_at)

    @property
    def played_seconds(self) -> float:
        """How long this game has been played: it goes back with a load."""
        return self._played + self._clock() - self._since

    @property
    def autosave(self) -> bool:
        """Whether the slot "autosave" is saved when this level is left; kept over restarts.

        Until the player has chosen, it is what the level's CharacterManager says.
        """
        return self._is_autosaved(self._scene())

    @autosave.setter
    def autosave(self, is_wanted: bool) -> None:
        self._store.autosave = is_wanted

    @property
    def is_busy(self) -> bool:
        """Whether something is being saved, loaded or deleted."""
        return self._busy > 0

    # --- what can be done ---

    def look(self) -> None:
        """Keep the present picture for the next save: a menu is about to cover it."""
        self._seen = self._thumbnail()

    def look_away(self) -> None:
        """Forget the picture that `look` has kept."""
        self._seen = None

    def save(
        self, name: str, values: SlotValues | None = None, *, picture: Picture | None = None
    ) -> Future[SlotInfo]:
        """Save the game into a slot, which may be there already.

        `values` is what the game itself wants to keep; `picture` is for a game without an
        Application. Raises SlotError for a name or for values that cannot be kept.
        """
        return self._save(check_slot_name(name), self._scene(), values, picture)

    def load(self, name: str) -> Future[LoadedSlot]:
        """Put every character back to where the slot was saved, then load its level.

        Raises SlotError when there is no such slot, or it is damaged.
        """
        slot = self.info(name)
        if slot.is_damaged:
            why = "was saved by a newer version" if slot.is_newer else "is damaged"
            raise SlotError(f"the slot {slot.name!r} {why}; the others can be loaded")
        minds, played = self._runtime.minds, slot.played_seconds
        work = self._runtime.network.begin(minds.load(slot.minds, self._store, played))
        done: AwaitableFuture[LoadedSlot] = AwaitableFuture()
        failed = partial(self._tell_failed, done)
        self._follow(work, partial(self._put_back, slot, done), failed)
        return done

    def delete(self, name: str) -> Future[None]:
        """Delete a slot, and what was saved for it at the services. Raises SlotError."""
        slot = self.info(name)
        work = self._runtime.network.begin(self._delete(slot))
        self._follow(work, lambda _: None, self.failed.emit)
        return work

    def forget(self, keys: Collection[str]) -> Future[None]:
        """Let go of what some characters remember in every slot: a visitor is forgotten.

        `keys` are session keys. Of a slot its picture and the game's values stay.
        """
        work = self._runtime.network.begin(self._forget(frozenset(keys)))
        self._follow(work, lambda _: None, self.failed.emit)
        return work

    # --- inside ---

    def _scene(self) -> Scene | None:
        game = self._game
        return game.scenes.active if isinstance(game, Application) else game

    def _thumbnail(self) -> Picture | None:
        window = self._game.window if isinstance(self._game, Application) else None
        return None if window is None else window.thumbnail()

    def _finish(self) -> None:
        """Do what an earlier game had begun: to load, or to forget."""
        persistence = self._runtime.context.persistence
        try:
            self._store.finish_load(persistence)
            if isinstance(persistence, ForgetStore):
                self._store.finish_forget({it.session_id for it in persistence.owed_forgets()})
        except Exception as error:  # a store of the game's own may raise anything
            _log.error("What was cut short is not finished: %s", type(error).__name__)

    def _save(
        self,
        name: str,
        scene: Scene | None,
        values: SlotValues | None,
        picture: Picture | None = None,
    ) -> Future[SlotInfo]:
        own = dict(values or {})
        self.saving.emit(own)
        packed = pack_values(own)
        seen = picture if picture is not None else self._seen
        seen = self._thumbnail() if seen is None else seen
        level = "" if scene is None else scene.level or scene.name
        info = SlotInfo(name, self._wall_clock(), self.played_seconds, level, own)
        labels = _labels(scene)
        work = self._runtime.network.begin(self._write(info, packed, seen, labels))
        self._follow(work, self.saved.emit, self.failed.emit)
        return work

    async def _write(
        self, info: SlotInfo, values: bytes, picture: Picture | None, labels: Mapping[str, str]
    ) -> SlotInfo:
        """Save every mind and the slot itself; what the slot had before is let go (network)."""
        minds, worker = self._runtime.minds, self._runtime.context.worker
        before = self._store.info(info.name) if self._store.has(info.name) else None
        saved = tuple(_named(mind, labels) for mind in await minds.save())
        info = replace(info, minds=saved)
        await worker.run(partial(self._store.write, info, values, picture))
        if before is not None:
            await minds.delete(before.minds)
        return info

    async def _delete(self, slot: SlotInfo) -> None:
        await self._runtime.context.worker.run(partial(self._store.delete, slot.name))
        await self._runtime.minds.delete(slot.minds)

    async def _forget(self, keys: frozenset[str]) -> None:
        gone = [mind for mind in self._store.minds() if mind.key in keys]
        if gone:
            owed = [OwedForget(it.key, it.session_id or "", it.endpoint_id) for it in gone]
            await self._runtime.forgetting.owe(owed)
            await self._runtime.context.worker.run(partial(self._store.forget, gone))

    def _put_back(self, slot: SlotInfo, done: AwaitableFuture[LoadedSlot], found: PutBack) -> None:
        """Go to the level of a slot whose characters are back."""
        self._played, self._since = slot.played_seconds, self._clock()
        lost = [mind.name for mind in found.fresh if mind.session_id or mind.name in slot.fresh]
        loaded, game = LoadedSlot(slot, tuple(lost)), self._game
        if isinstance(game, Application) and slot.level:
            _Arrival(self, game, loaded, done)
        else:
            self._tell_loaded(done, loaded, self._scene())

    def _tell_loaded(
        self, done: AwaitableFuture[LoadedSlot], loaded: LoadedSlot, scene: Scene | None
    ) -> None:
        here = _labels(scene)
        gone = () if scene is None else tuple(
            mind.name for mind in loaded.slot.minds if mind.is_here and mind.key not in here
        )  # fmt: skip
        loaded = replace(loaded, gone=gone)
        done.set_result(loaded)
        self.loaded.emit(loaded)

    def _tell_failed(self, done: AwaitableFuture[LoadedSlot], error: Exception) -> None:
        done.set_exception(error)
        self.failed.emit(error)

    def _follow(
        self,
        work: AwaitableFuture[Any],
        go_on: Callable[[Any], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Go on with the result of some work on the main thread, or with its error."""
        self._busy += 1

        def finish() -> None:
            self._busy -= 1
            error = work.exception()
            if isinstance(error, Exception):
                failed(error)
            elif error is None:
                go_on(work.result())

        work.add_done_callback(lambda _: self._runtime.context.post(finish))

    def _is_autosaved(self, scene: Scene | None) -> bool:
        chosen = self._store.autosave
        if chosen is not None or scene is None:
            return bool(chosen)
        level = scene.find_component(_AutosavedLevel)  # type: ignore[type-abstract]  # by its shape
        return level is not None and level.is_autosaved()

    def _level_is_left(self, scene: Scene) -> None:
        game = self._game
        is_quitting = isinstance(game, Application) and game.is_quitting
        if not (is_quitting or self.is_busy or scene.level == "") and self._is_autosaved(scene):
            self._save(AUTOSAVE, scene, None)


@runtime_checkable
class _AutosavedLevel(Protocol):
    """A level's CharacterManager; found by its shape, so methods only."""

    def is_autosaved(self) -> bool:
        """Return whether the level is saved when it is left, unless the player chose otherwise."""


class _Arrival:
    """Waits until a slot's level is there."""

    def __init__(
        self,
        slots: SaveSlots,
        game: Application,
        loaded: LoadedSlot,
        done: AwaitableFuture[LoadedSlot],
    ) -> None:
        self._slots, self._game, self._loaded, self._done = slots, game, loaded, done
        slots._busy += 1
        self._load = game.scenes.load(loaded.slot.level)
        self._subscription = game.frame.subscribe(lambda _: self._look())

    def _look(self) -> None:
        load = self._load
        if load.error is None and (load.scene is None or load.scene.time.frame == 0):
            return
        self._subscription.cancel()
        self._slots._busy -= 1
        if load.error is not None:
            level, why = self._loaded.slot.level, load.error
            error = SlotError(f"everybody is back, but level {level!r} cannot be opened: {why}")
            self._slots._tell_failed(self._done, error)
        else:
            self._slots._tell_loaded(self._done, self._loaded, load.scene)


def _labels(scene: Scene | None) -> Mapping[str, str]:
    """Return what the characters of a level are called, by their keys."""
    if scene is None or scene.is_closed:
        return {}
    found = scene.find_components(Character, include_inactive=True)
    return {character.key: character.label for character in found}


def _named(mind: SavedMind, labels: Mapping[str, str]) -> SavedMind:
    is_here = mind.key in labels
    return replace(mind, label=labels.get(mind.key, ""), is_here=is_here)

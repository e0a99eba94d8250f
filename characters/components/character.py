"""Character: somebody in a level who can be talked to, with a session of its own."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from characters.core.policy import Persist, ReconnectPolicy
from characters.core.respond import RespondMode
from characters.core.state import SessionState, SessionView
from characters.runtime import SessionHandle
from engine.component import Component
from engine.fields import Asset
from engine.signal import Signal, Subscription

if TYPE_CHECKING:
    from characters.components.manager import CharacterManager

# With the types that its fields are said with.
__all__ = ["Character", "ConnectMode", "LevelPolicy", "RespondMode"]


class ConnectMode(StrEnum):
    """When a character connects: by itself, when told, or by itself only to go on with a talk.

    `on_approach` is by itself when the player comes near: for levels with a crowd.
    """

    ON_START = "on_start"
    MANUAL = "manual"
    WHEN_RESUMABLE = "when_resumable"
    ON_APPROACH = "on_approach"


class LevelPolicy(StrEnum):
    """What becomes of the session when the level is left.

    `carry` keeps it open, `suspend` closes it until a level with this character is entered,
    whatever `persist` says, `drop` ends it and forgets its id. Who is removed from a level that
    goes on leaves it: a `carry` is a `suspend` then.
    """

    CARRY = "carry"
    SUSPEND = "suspend"
    DROP = "drop"


class Character(Component):
    """Gives its object a conversation; the CharacterManager of the level does the work.

        npc.add(Character("blacksmith-7f3a", display_name="Bea"))

    `session` is the handle to command it with, `view` what is to be seen of it, `events` what
    happens to it. All three are there from `start` on, `events` before.
    """

    character_id: str
    persona: Annotated[str, Asset((".toml",))] = ""
    display_name: str = ""
    session_key: str = ""  # for a deliberate clone: two with one id need two keys
    reconnect_policy: ReconnectPolicy = ReconnectPolicy.DEFAULT
    connect: ConnectMode = ConnectMode.ON_START
    persist: Persist = Persist.ACROSS_RESTARTS
    level_policy: LevelPolicy = LevelPolicy.CARRY
    respond_mode: RespondMode = RespondMode.AUTO
    actions: tuple[str, ...] = ()  # what it may be asked to do, by name
    profile: Annotated[str, Asset((".toml",))] = ""  # fields that several levels share

    _manager: CharacterManager | None = None
    _mode: ConnectMode | None = None
    _session: SessionHandle | None = None
    _subscription: Subscription | None = None
    _events: Signal[Any] = field(default_factory=lambda: Signal("character.events"))

    @property
    def key(self) -> str:
        """The name of the session: the character's id, unless `session_key` gives another."""
        return self.session_key or self.character_id

    @property
    def label(self) -> str:
        """The name to show to the player."""
        return self.display_name or self.game_object.name

    @property
    def session(self) -> SessionHandle:
        """The session. Raises RuntimeError before the component has started."""
        if self._session is None:
            raise RuntimeError(
                f"{self.character_id} has no session yet: it opens one when it starts, in the "
                "first scene.update after it was added."
            )
        return self._session

    @property
    def has_session(self) -> bool:
        """Whether `session` and `view` may be asked for."""
        return self._session is not None

    @property
    def view(self) -> SessionView:
        """What is to be seen of the session now. Raises RuntimeError before the start."""
        return self.session.view

    @property
    def state(self) -> SessionState | None:
        """The state of the session, None before the start."""
        return None if self._session is None else self._session.view.state

    @property
    def events(self) -> Signal[Any]:
        """State changes, messages of the service and transcript changes, on the main thread."""
        return self._events

    @property
    def manager(self) -> CharacterManager | None:
        """The manager that opened the session, None before the component has started."""
        return self._manager

    @property
    def is_connected(self) -> bool:
        """Whether the character is ready to talk."""
        return self.state is SessionState.CONNECTED

    def respond(self, about: str = "") -> None:
        """Let it answer what was said, where `respond_mode` is manual; see `SessionHandle`."""
        self.session.respond(about)

    def start(self) -> None:
        """Open the session, or take over the one that was carried through the level load."""
        from characters.components.manager import CharacterManager  # it imports this module

        manager = self.scene.find_component(CharacterManager)
        if manager is None:
            raise LookupError(
                f"{self.character_id} (object {self.game_object.name!r}) found no "
                f"CharacterManager in scene {self.scene.name!r}: add one with "
                "scene.add(CharacterManager()) or an object with [object.CharacterManager]."
            )
        self._manager = manager
        self._enter(manager)

    def on_validate(self) -> None:
        """Follow an edit: the open session takes what it can, another id is another session."""
        session, manager = self._session, self._manager
        if session is None or manager is None:
            return
        if (session.key, session.character_id) == (self.key, self.character_id):
            self.follow_settings()
            return
        self._leave()
        if session.key == self.key:  # what is stored under it is a talk with somebody else
            session.clear_session_id()
            manager.runtime.close_session(session.key)
        manager.forget(self)
        self._enter(manager)

    def follow_settings(self) -> None:
        """Let the open session take what the level says now of it, its manager and its player."""
        manager, before = self._manager, self._session
        if manager is None or before is None:
            return
        was_wanted = before.view.state is not SessionState.DISCONNECTED
        session = manager.reopen_session(self)
        if session is not before:
            self._listen(session)
            if was_wanted:
                session.connect()
        if self._mode is not self.connect:
            self._mode = self.connect
            manager.connect_if_told(self.connect, session)

    def move_to(self, manager: CharacterManager) -> None:
        """Go on under the manager that took the place of the one before."""
        self._manager = manager
        self._enter(manager)

    def on_destroy(self) -> None:
        """Leave the session as `level_policy` says."""
        if self._manager is None:
            return
        is_carried = self.scene.is_closing and self.level_policy is LevelPolicy.CARRY
        # An object that was given another name in the level's file is a new one with our session.
        self._leave(keep=is_carried or not self._manager.is_kept_for(self))

    def _enter(self, manager: CharacterManager) -> None:
        self._mode = self.connect
        self._listen(manager.open_session(self))

    def _listen(self, session: SessionHandle) -> None:
        if self._subscription is not None:
            self._subscription.cancel()
        self._session = session
        self._subscription = session.events.subscribe(self._events.emit)

    def _leave(self, *, keep: bool = False) -> None:
        if self._subscription is not None:
            self._subscription.cancel()
        if self._session is None or keep:
            return
        # Whoever leaves a level has not said goodbye: `persist` is about that.
        self._session.disconnect(keeps_id=self.level_policy is not LevelPolicy.DROP)
        if self.level_policy is LevelPolicy.DROP:
            self._session.clear_session_id()

"""Character: the component that makes an object of a level one that can be talked to.

Each has a session of its own, which the level's CharacterManager opens.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from characters.client.handle import SessionHandle
from characters.protocol.choice import Choice, by_default
from characters.protocol.messages import RespondMode
from characters.protocol.model_settings import ModelSettings
from characters.session.conversation import SessionState, SessionView
from characters.session.policy import Persist, ReconnectPolicy
from engine.core.events import Signal, Subscription
from engine.objects.objects import Component
from engine.objects.registry import Asset

__all__ = ["Character", "CharacterSessions", "ConnectMode", "LevelPolicy"]


class ConnectMode(StrEnum):
    """When a character connects.

    `on_start` connects when the level starts, `manual` when `session.connect()` is called,
    `when_resumable` at the start if a session is stored, `on_approach` when the player comes
    near: for levels with a crowd.
    """

    ON_START = "on_start"
    MANUAL = "manual"
    WHEN_RESUMABLE = "when_resumable"
    ON_APPROACH = "on_approach"


class LevelPolicy(StrEnum):
    """What happens to the session when the level is left.

    `carry` keeps it open, `suspend` closes it until a level with this character is entered,
    whatever `persist` says, `drop` ends it and forgets its id. For a character that is removed
    from a level that goes on, `carry` means `suspend`.
    """

    CARRY = "carry"
    SUSPEND = "suspend"
    DROP = "drop"


@runtime_checkable
class CharacterSessions(Protocol):
    """What a character needs of its level's manager; found by its shape, so methods only."""

    def open_session(self, character: Character) -> SessionHandle:
        """Open the session of a character, or take over the one that is open."""

    def reopen_session(self, character: Character) -> SessionHandle:
        """Return the session with the settings of now: the same, or another."""

    def connect_if_due(self, mode: ConnectMode, session: SessionHandle) -> None:
        """Connect a session at rest if its mode says that this happens by itself."""

    def owns_session(self, character: Character) -> bool:
        """Whether the session of that key is this character's, not a successor's."""

    def release(self, character: Character) -> None:
        """Forget a character, whatever key it has now; its session stays open."""

    def close_session(self, key: str) -> None:
        """Close a session for good."""


class Character(Component):
    """Gives its object a conversation; the level needs a CharacterManager.

        npc.add(Character("blacksmith-7f3a", display_name="Bea"))

    `session` is the handle that commands the session, `view` its present state, `events` what
    happens to it. `session` and `view` exist from `start` on, `events` from the beginning.
    """

    character_id: str
    persona: Annotated[str, Asset((".toml",))] = ""
    display_name: str = ""
    session_key: str = ""  # two characters with one id need two keys
    reconnect_policy: Choice[
        ReconnectPolicy, Literal["default", "always_create_new", "patient"]
    ] = by_default(ReconnectPolicy.DEFAULT)
    connect: Choice[ConnectMode, Literal["on_start", "manual", "when_resumable", "on_approach"]] = (
        by_default(ConnectMode.ON_START)
    )
    persist: Choice[Persist, Literal["across_restarts", "until_disconnect"]] = by_default(
        Persist.ACROSS_RESTARTS
    )
    level_policy: Choice[LevelPolicy, Literal["carry", "suspend", "drop"]] = by_default(
        LevelPolicy.CARRY
    )
    respond_mode: Choice[RespondMode, Literal["auto", "manual"]] = by_default(RespondMode.AUTO)
    # Over the level's; "script" is the persona's own lines.
    model: Choice[ModelSettings, Literal["script"]] = by_default(ModelSettings())
    actions: tuple[str, ...] = ()  # names of what it may do in the game
    profile: Annotated[str, Asset((".toml",))] = ""  # fields that several levels share

    _manager: CharacterSessions | None = None
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
        """Whether `session` and `view` exist yet."""
        return self._session is not None

    @property
    def view(self) -> SessionView:
        """The present state of the session. Raises RuntimeError before the start."""
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
    def manager(self) -> CharacterSessions | None:
        """The manager that opened the session, None before the component has started."""
        return self._manager

    @property
    def is_connected(self) -> bool:
        """Whether the character is ready to talk."""
        return self.state is SessionState.CONNECTED

    def respond(self, about: str = "") -> None:
        """Ask for an answer where `respond_mode` is manual; see `SessionHandle.respond`."""
        self.session.respond(about)

    def start(self) -> None:
        """Open the session, or adopt the one that was carried through the level load."""
        manager = self.scene.find_component(CharacterSessions)  # type: ignore[type-abstract]  # found by its shape
        if manager is None:
            raise LookupError(
                f"{self.character_id} (object {self.game_object.name!r}) found no "
                f"CharacterManager in scene {self.scene.name!r}: add one with "
                "scene.add(CharacterManager()) or an object with [object.CharacterManager]."
            )
        self._manager = manager
        self._enter(manager)

    def on_validate(self) -> None:
        """Apply an edit: to the open session where possible; another id is another session."""
        session, manager = self._session, self._manager
        if session is None or manager is None:
            return
        if (session.key, session.character_id) == (self.key, self.character_id):
            self.apply_settings()
            return
        self._leave()
        if session.key == self.key:  # the stored id belongs to another character
            session.clear_session_id()
            manager.close_session(session.key)
        manager.release(self)
        self._enter(manager)

    def apply_settings(self) -> None:
        """Apply the present settings of the level, its manager and its player to the session."""
        manager, before = self._manager, self._session
        if manager is None or before is None:
            return
        was_open = before.view.state is not SessionState.DISCONNECTED
        session = manager.reopen_session(self)
        if session is not before:
            self._listen(session)
            if was_open:
                session.connect()
        if self._mode is not self.connect:
            self._mode = self.connect
            manager.connect_if_due(self.connect, session)

    def move_to(self, manager: CharacterSessions) -> None:
        """Go on under another manager, which replaced the one before."""
        self._manager = manager
        self._enter(manager)

    def on_destroy(self) -> None:
        """Keep, close or forget the session as `level_policy` says."""
        if self._manager is None:
            return
        is_carried = self.scene.is_closing and self.level_policy is LevelPolicy.CARRY
        # An edit that renames the object makes a new one, which has adopted this session.
        self._leave(keep=is_carried or not self._manager.owns_session(self))

    def _enter(self, manager: CharacterSessions) -> None:
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
        # Leaving a level is not the end of the game, which is what `persist` is about.
        self._session.disconnect(keeps_id=self.level_policy is not LevelPolicy.DROP)
        if self.level_policy is LevelPolicy.DROP:
            self._session.clear_session_id()

"""Character: the component that makes an object of a level one that can be talked to.

Each has a session of its own, which the level's CharacterManager opens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol, TypeVar, runtime_checkable

from characters.client.handle import SessionHandle
from characters.components.functions import ActionFunction, ActionTable, Outcomes
from characters.installation import package_assets
from characters.protocol.fields import Choice, by_default
from characters.protocol.messages import (
    ActionRefused,
    ActionResponse,
    BotReady,
    BotTurnCompleted,
    RespondMode,
)
from characters.protocol.model_settings import ModelSettings
from characters.session.conversation import SessionState, SessionView
from characters.session.policy import Persist, ReconnectPolicy
from engine.core.events import Signal, Subscription
from engine.objects.objects import Component
from engine.objects.registry import Asset

__all__ = ["Character", "CharacterSessions", "ConnectMode", "LevelPolicy"]

F = TypeVar("F", bound=Callable[..., object])

_log = logging.getLogger(__name__)


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
    persona: Annotated[str, Asset((".toml",), also=package_assets)] = ""
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

    _table: ActionTable = field(default_factory=ActionTable)
    _outcomes: Outcomes = field(default_factory=Outcomes)
    _nameless: tuple[str, ...] = ()
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
    def view_if_any(self) -> SessionView | None:
        """The present state of the session, None before the start."""
        return None if self._session is None else self._session.view

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

    @property
    def all_actions(self) -> tuple[str, ...]:
        """The names of all that it may do: those of `actions`, then its functions."""
        return self._table.names(self.actions)

    @property
    def action_schemas(self) -> tuple[Mapping[str, object], ...]:
        """Name, description and parameters of each function that it may call."""
        return self._table.schemas()

    def can(self, function: F, name: str = "") -> F:
        """Let the character call a function or a component's method; also a decorator.

            @bea.can
            def open_gate(which: Literal["north", "south"]) -> str:
                \"\"\"Open a gate of the yard.\"\"\"

        Its name (or `name`), docstring and hints are what a mind is told, and arguments are checked
        by them. It is called on the main thread, and refuses by raising a ValueError with the
        reason. What it returns is told to the mind, and to the game as `ActionDone`; what is
        refused is an `ActionRefused`. Raises TypeError for a function that cannot be described,
        ValueError for a second one of a name.
        """
        self._table.add(ActionFunction.of(function, name))
        self.apply_settings()
        return function

    def cannot(self, name: str) -> None:
        """Take back an action that `can` gave."""
        self._table.remove(name)
        self.apply_settings()

    def respond(self, about: str = "") -> None:
        """Ask for an answer where `respond_mode` is manual; see `SessionHandle.respond`."""
        self.session.respond(about)

    def take_back(self) -> None:
        """Undo the last exchange; see `SessionHandle.take_back`."""
        self.session.take_back()

    def answer_again(self) -> None:
        """Let it answer the last line anew; see `SessionHandle.answer_again`."""
        self.session.answer_again()

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
        self._subscription = session.events.subscribe(self._hear)

    def _hear(self, event: object) -> None:
        self._events.emit(event)
        if isinstance(event, ActionResponse):
            for outcome in self._table.perform(event, self.actions, self.key):
                self._events.emit(outcome)
                self._outcomes.add(outcome)
        elif isinstance(event, ActionRefused):
            self._outcomes.add(event, by_service=True)
        elif isinstance(event, BotReady):
            self._outcomes.has_model = bool(event.about.get("model"))
            self._look_for_functions()
        elif isinstance(event, BotTurnCompleted):
            message = self._outcomes.message_after(event)
            if message is not None:
                self.session.send(message)

    def _look_for_functions(self) -> None:
        """Log each listed name without a function: by now everything has registered its own."""
        nameless = self._table.without_function(self.actions)
        for name in nameless if nameless != self._nameless else ():
            _log.warning(
                "%s: no function is registered for action %r: the game must handle its "
                "ActionResponse, or the name is mistyped (registered: %s)",
                self.label, name, ", ".join(self._table.names(())),
            )  # fmt: skip
        self._nameless = nameless

    def _leave(self, *, keep: bool = False) -> None:
        if self._subscription is not None:
            self._subscription.cancel()
        if self._session is None or keep:
            return
        # Leaving a level is not the end of the game, which is what `persist` is about.
        self._session.disconnect(keeps_id=self.level_policy is not LevelPolicy.DROP)
        if self.level_policy is LevelPolicy.DROP:
            self._session.clear_session_id()

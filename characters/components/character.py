"""Character: somebody in a level who can be talked to, with a session of its own.

PlayerChoices: what the player set for ears and voices; kept, and above what the level says.

By what the service knows a player again, without knowing who it is.
"""

from __future__ import annotations

import secrets
from dataclasses import field, replace
from enum import StrEnum
from typing import Annotated, Any, Protocol, TypeVar, cast, runtime_checkable

from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime
from characters.protocol.messages import RespondMode
from characters.protocol.turn_settings import ListeningMode, TurnSettings
from characters.session.conversation import SessionState, SessionView
from characters.session.policy import Persist, ReconnectPolicy
from engine.core.events import Signal, Subscription
from engine.objects.objects import Component
from engine.objects.registry import Asset
from engine.prefs.prefs import PlayerPrefs

__all__ = ["Character", "ConnectMode", "LevelPolicy", "player_id", "PlayerChoices"]


# With the types that its fields are said with.


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


@runtime_checkable
class CharacterSessions(Protocol):
    """What a character needs of its level's manager; found by its shape, so methods only."""

    def open_session(self, character: Character) -> SessionHandle:
        """Open the session of a character, or take over the one that is open."""
        ...

    def reopen_session(self, character: Character) -> SessionHandle:
        """Return the session with the settings of now: the same, or another."""
        ...

    def connect_if_due(self, mode: ConnectMode, session: SessionHandle) -> None:
        """Connect a session at rest if its mode says that this happens by itself."""
        ...

    def owns_session(self, character: Character) -> bool:
        """Whether the session of that key is this character's, not a successor's."""
        ...

    def release(self, character: Character) -> None:
        """Forget a character, whatever key it has now; its session stays open."""
        ...

    def close_session(self, key: str) -> None:
        """Close a session for good."""
        ...


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
    def manager(self) -> CharacterSessions | None:
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
        manager = self.scene.find_component(CharacterSessions)  # type: ignore[type-abstract]  # a runtime protocol finds by shape
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
            manager.close_session(session.key)
        manager.release(self)
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
            manager.connect_if_due(self.connect, session)

    def move_to(self, manager: CharacterSessions) -> None:
        """Go on under the manager that took the place of the one before."""
        self._manager = manager
        self._enter(manager)

    def on_destroy(self) -> None:
        """Leave the session as `level_policy` says."""
        if self._manager is None:
            return
        is_carried = self.scene.is_closing and self.level_policy is LevelPolicy.CARRY
        # An object that was given another name in the level's file is a new one with our session.
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
        # Whoever leaves a level has not said goodbye: `persist` is about that.
        self._session.disconnect(keeps_id=self.level_policy is not LevelPolicy.DROP)
        if self.level_policy is LevelPolicy.DROP:
            self._session.clear_session_id()


T = TypeVar("T", str, bool, float)

MODE = "player.mode"
TOGGLE = "player.toggle"
HEADPHONES = "player.headphones"
MICROPHONE = "player.microphone"
SPEAKER = "player.speaker"
MUTED = "player.muted"
VOLUME = "player.volume."
SILENCED = "player.silenced."


class PlayerChoices:
    """Takes effect at once, without a reconnect; `character` below is a session's key.

    Without preferences a choice lasts as long as the level.
    """

    def __init__(self, runtime: Runtime, prefs: PlayerPrefs | None, level: TurnSettings) -> None:
        self._runtime = runtime
        self._prefs = prefs
        self._level = level
        self._made: dict[str, str | bool | float] = {}

    @property
    def turns(self) -> TurnSettings:
        """How turns are taken: as the level says, where the player has not said otherwise."""
        level = self._level
        talk = replace(level.push_to_talk, toggle=self._get(TOGGLE, level.push_to_talk.toggle))
        mode = self._get(MODE, level.mode.value)
        return replace(
            level,
            mode=ListeningMode(mode) if mode in tuple(ListeningMode) else level.mode,
            headphones=self._get(HEADPHONES, level.headphones),
            push_to_talk=talk,
        )

    @property
    def microphone(self) -> str | None:
        """The chosen microphone by its stable name, None for the system's default."""
        return self._get(MICROPHONE, "") or None

    @property
    def speaker(self) -> str | None:
        """The chosen loudspeaker by its stable name, None for the system's default."""
        return self._get(SPEAKER, "") or None

    def apply(self, level: TurnSettings | None = None) -> None:
        """Bring all of it into force, with the level's defaults of now."""
        if level is not None:
            self._level = level
        ears = self._runtime.ears
        ears.set_muted(self._get(MUTED, False))
        ears.choose_device(self.microphone)
        self._runtime.voice.choose(self.speaker)
        ears.set_turns(self.turns)

    def set_mode(self, mode: ListeningMode | str) -> None:
        """Choose hands-free or push-to-talk."""
        self._change(MODE, ListeningMode(mode).value)

    def set_toggle(self, toggle: bool) -> None:
        """Choose whether the talk key is held, or pressed to begin and again to end."""
        self._change(TOGGLE, toggle)

    def set_headphones(self, headphones: bool) -> None:
        """Say whether the player wears headphones: then the microphone hears no loudspeaker."""
        self._change(HEADPHONES, headphones)

    def set_microphone(self, device: str | None) -> None:
        """Choose a microphone by its stable name, None for the system's default."""
        self._put(MICROPHONE, device or "")
        self._runtime.ears.choose_device(device)

    def set_speaker(self, device: str | None) -> None:
        """Choose a loudspeaker by its stable name, None for the system's default."""
        self._put(SPEAKER, device or "")
        self._runtime.voice.choose(device)

    def set_muted(self, muted: bool) -> None:
        """Mute the microphone, or not."""
        self._put(MUTED, muted)
        self._runtime.ears.set_muted(muted)

    def volume(self, character: str) -> float:
        """Return how loud the player wants a character, 0 to 1; its mute is another matter."""
        return self._get(VOLUME + character, 1.0)

    def set_volume(self, character: str, volume: float) -> None:
        """Set how loud a character is, 0 to 1; 1 is as loud as its place lets it be."""
        self._put(VOLUME + character, min(1.0, max(0.0, float(volume))))
        self.apply_voice(character)

    def is_silenced(self, character: str) -> bool:
        """Tell whether the player muted a character's voice; its captions go on."""
        return self._get(SILENCED + character, False)

    def set_silenced(self, character: str, silenced: bool) -> None:
        """Mute a character's voice or not; the volume is kept meanwhile."""
        self._put(SILENCED + character, silenced)
        self.apply_voice(character)

    def apply_voice(self, character: str) -> None:
        """Bring volume and mute of a character into force."""
        volume = 0.0 if self.is_silenced(character) else self.volume(character)
        self._runtime.voice.set_volume(character, volume)

    def _change(self, name: str, value: str | bool) -> None:
        self._put(name, value)
        self._runtime.ears.set_turns(self.turns)

    def _get(self, name: str, default: T) -> T:
        prefs = self._prefs
        if prefs is None:
            return cast(T, self._made.get(name, default))
        # One of another type, from another version or a hand, counts as not set.
        if isinstance(default, bool):
            return prefs.get_bool(name, default)
        if isinstance(default, str):
            return prefs.get_string(name, default)
        return prefs.get_float(name, default)

    def _put(self, name: str, value: str | bool | float) -> None:
        prefs = self._prefs
        if prefs is None:
            self._made[name] = value
        elif isinstance(value, bool):
            prefs.set_bool(name, value)
        elif isinstance(value, str):
            prefs.set_string(name, value)
        else:
            prefs.set_float(name, value)


PLAYER_ID = "player.id"


def player_id(prefs: PlayerPrefs) -> str:
    """Return by what the service knows this player: a number made up once, kept in `prefs`."""
    known = prefs.get_string(PLAYER_ID, "")
    if not known:
        known = secrets.token_hex(8)
        prefs.set_string(PLAYER_ID, known)
    return known

"""A runtime without a network: sessions that record their commands."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

from characters.client.config import SessionConfig, TextRefused
from characters.client.runtime import Runtime
from characters.client.session_runner import is_another_session
from characters.client.voice_input import VoiceInputStatus
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.english import ENGLISH
from characters.protocol.messages import ClientMessage
from characters.protocol.network_conditions import NetworkConditions
from characters.protocol.turn_settings import TurnSettings
from characters.session.conversation import (
    DialogueState,
    SessionState,
    SessionStateChanged,
    SessionView,
    Turn,
)
from characters.session.policy import ReconnectPolicy
from characters.ui.words import network_words
from engine.core.events import Signal
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs

S = SessionState


@dataclass
class FakeHandle:
    """A session on the main thread's side; `commands` is what it was commanded."""

    config: SessionConfig
    view: SessionView = field(init=False)
    events: Signal[Any] = field(default_factory=Signal)
    commands: list[str] = field(default_factory=list)
    sent: list[ClientMessage] = field(default_factory=list)
    has_stored_session: bool = False
    distance: float = 0.0
    network_conditions: NetworkConditions = NetworkConditions.CALM

    def __post_init__(self) -> None:
        self.view = SessionView(self.character_id, self.key, DialogueState.IDLE)

    @property
    def key(self) -> str:
        return self.config.session_key or self.config.character_id

    @property
    def character_id(self) -> str:
        return self.config.character_id

    @property
    def policy(self) -> ReconnectPolicy:
        return self.config.policy

    @property
    def is_at_rest(self) -> bool:
        ends = [
            command for command in self.commands if command in ("connect", "disconnect", "suspend")
        ]
        is_closed = bool(ends) and ends[-1] != "connect"
        return is_closed or self.view.state in (
            S.DISCONNECTED,
            S.DISCONNECTING,
        )

    def connect(self, *, take_over: bool = False) -> None:
        self.commands.append("take over" if take_over else "connect")

    def connect_if_stored(self) -> None:
        if self.has_stored_session:
            self.connect()

    def wake(self) -> None:
        self.commands.append("wake")

    def player_acted(self) -> None:
        self.commands.append("attended")

    def set_distance(self, distance: float) -> None:
        self.distance = distance

    def retry(self) -> None:
        self.connect()

    def note(self, change: SessionStateChanged) -> None:
        self.view = replace(self.view, timeline=(*self.view.timeline, change))

    def send(self, message: ClientMessage) -> None:
        self.sent.append(message)

    def disconnect(self, *, keeps_id: bool = False) -> None:
        self.commands.append("suspend" if keeps_id else "disconnect")

    def clear_session_id(self) -> None:
        self.commands.append("clear")

    def cut(self) -> None:
        self.commands.append("cut")

    def set_network_conditions(self, conditions: NetworkConditions) -> None:
        self.network_conditions = conditions
        self.commands.append(f"weather {network_words(ENGLISH, conditions)}")

    def respond(self, about: str = "") -> None:
        self.commands.append(f"respond {about}".strip())

    def send_text(self, text: str) -> None:
        self.commands.append(f"text {text}")
        if self.view.state is S.DISCONNECTED:
            self.events.emit(TextRefused(self.key, text, "It is not connected."))
        else:
            said = Turn("player", text, t=float("inf"))
            self.view = replace(self.view, transcript=(*self.view.transcript, said))

    def apply_policy(self, policy: ReconnectPolicy) -> None:
        self.config = replace(self.config, policy=policy)

    def becomes(self, state: SessionState, **more: Any) -> SessionStateChanged:
        old, self.view = self.view.state, replace(self.view, state=state)
        change = SessionStateChanged(0.0, self.character_id, self.key, old, state, **more)
        self.events.emit(change)
        return change


class FakeVoiceInput:
    """Notes who is to hear the player, and the keys."""

    def __init__(self) -> None:
        self.status = VoiceInputStatus()
        self.target: str | None = None
        self.muted = False
        self.allowed = False
        self.focused = True
        self.device: str | None = None
        self.turns = TurnSettings()
        self.keys: list[bool] = []

    def set_target(self, key: str | None) -> None:
        self.target = key

    def open_for(self, key: str) -> None:
        self.status = VoiceInputStatus(target=key, is_open=True)

    def set_mode(self, mode: str) -> None:
        self.mode = mode

    def set_turns(self, turns: TurnSettings) -> None:
        self.turns = turns
        self.status = replace(self.status, mode=turns.mode)

    def set_focused(self, focused: bool) -> None:
        self.focused = focused

    def choose_device(self, device: str | None) -> None:
        self.device = device

    def set_muted(self, muted: bool) -> None:
        self.muted = muted

    def allow(self) -> None:
        self.allowed = True

    def push_to_talk(self, down: bool) -> None:
        self.allowed = self.allowed or down
        self.keys.append(down)


class FakeVoice:
    """Notes where everybody is heard from."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[float, float]] = {}
        self.volumes: dict[str, float] = {}
        self.master = 1.0
        self.device: str | None = None

    def choose(self, device: str | None) -> None:
        self.device = device

    def set_master(self, volume: float) -> None:
        self.master = volume

    def set_volume(self, key: str, volume: float) -> None:
        self.volumes[key] = volume

    def place(self, key: str, gain: float, pan: float) -> None:
        self.places[key] = (gain, pan)


class FakeService:
    """A service without a process."""

    def __init__(self) -> None:
        self.is_running = True
        self.settled = threading.Event()

    def start(self) -> str:
        self.is_running = True
        self.settled.set()
        return "http://127.0.0.1:1"

    def kill(self) -> None:
        self.is_running = False
        self.settled.set()


class ProblemService:
    """A service that has something to say to the player."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def dismiss_problem(self) -> None:
        self.problem = ""


class FakeRuntime:
    """Keeps sessions as the real one does, over level loads too."""

    def __init__(self) -> None:
        self.sessions: dict[str, FakeHandle] = {}
        self.voice_input = FakeVoiceInput()
        self.voice = FakeVoice()
        self.service: ProblemService | None = None
        self.frames = 0

    def update(self) -> None:
        self.frames += 1

    def open_session(self, config: SessionConfig) -> FakeHandle:
        known = self.sessions.get(config.key)
        if known is not None and not is_another_session(known.config, config):
            known.config = config
            return known
        made = self.sessions[config.key] = FakeHandle(config)
        return made

    def close_session(self, key: str) -> None:
        self.sessions.pop(key).disconnect()

    def forget_session(self, key: str) -> None:
        self.sessions[key].commands.append("forget")


class Level:
    """A scene with a manager, ready for characters."""

    def __init__(
        self, runtime: FakeRuntime | None = None, prefs: PlayerPrefs | None = None
    ) -> None:
        self.runtime = runtime or FakeRuntime()
        self.scene = Scene("Test")
        self.scene.provide(self.runtime, Runtime)
        if prefs is not None:
            self.scene.provide(prefs)
        self.manager = self.scene.add(CharacterManager())

    def character(
        self, key: str, position: tuple[float, float] = (0.0, 0.0), **fields: Any
    ) -> Character:
        return self.scene.create(key.title(), position).add(Character(key, **fields))

    def session(self, key: str) -> FakeHandle:
        return self.runtime.sessions[key]

    def frame(self, count: int = 1, seconds: float = 1 / 60) -> None:
        for _ in range(count):
            self.scene.update(seconds)

"""A level with characters, a player and a HUD, over a runtime without a network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from characters.client.config import SessionConfig
from characters.client.voice_input import VoiceInputStatus
from characters.components.character import Character
from characters.components.faults import Faults
from characters.components.player import Player
from characters.protocol.failures import failure
from characters.protocol.network_conditions import NetworkConditions
from characters.protocol.turn_settings import ListeningMode
from characters.session.conversation import SessionState
from characters.ui.hud import Hud
from characters.ui.visuals import CharacterSprite
from engine.prefs.prefs import PlayerPrefs
from tests.characters.components.fakes import (
    FakeHandle,
    FakeRuntime,
    FakeVoice,
    FakeVoiceInput,
    Level,
)

__all__ = [
    "FakeFaults",
    "HudEars",
    "HudRuntime",
    "Stage",
]


class HudHandle(FakeHandle):
    """Notes retries too."""

    def retry(self) -> None:
        self.commands.append("retry")

    def spawn_agent(self) -> None:
        self.commands.append("spawn agent")


class HudEars(FakeVoiceInput):
    """Ears with a status that a test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.status = VoiceInputStatus()
        self.covered = False

    def set_covered(self, covered: bool) -> None:
        self.covered = covered

    def set_mode(self, mode: str) -> None:
        self.set_turns(replace(self.turns, mode=ListeningMode(mode)))


class HudVoice(FakeVoice):
    """A voice of a level that a test sets."""

    loudness = 0.0
    problem: str | None = None

    def level(self, key: str) -> float:
        return self.loudness


class HudRuntime(FakeRuntime):
    """A runtime with what a HUD looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.voice_input: HudEars = HudEars()
        self.voice: HudVoice = HudVoice()

    def open_session(self, config: SessionConfig) -> FakeHandle:
        self.sessions.setdefault(config.key, HudHandle(config))
        return super().open_session(config)


@dataclass
class FakeFaults:
    """Notes what is broken."""

    has_service: bool = True
    is_service_running: bool = True
    has_microphone: bool = True
    is_microphone_unplugged: bool = False
    sky: NetworkConditions | None = NetworkConditions.CALM
    commands: list[str] = field(default_factory=list)

    def cut(self, key: str | None = None) -> None:
        self.commands.append(f"cut {key}")

    def black_hole(self, key: str | None = None) -> None:
        self.commands.append(f"black hole {key}")

    def heal(self, key: str | None = None) -> None:
        self.commands.append(f"heal {key}")

    def latency(self, key: str | None = None) -> None:
        self.commands.append(f"lag {key}")

    def slow_link(self, key: str | None = None) -> None:
        self.commands.append(f"slow {key}")

    def network_conditions(self, key: str | None = None) -> NetworkConditions | None:
        return self.sky

    def unplug_microphone(self) -> None:
        self.is_microphone_unplugged = True

    def plug_in_microphone(self) -> None:
        self.is_microphone_unplugged = False

    def kill_service(self) -> None:
        self.commands.append("kill")

    def start_service(self) -> None:
        self.commands.append("start")

    def expire_session(self, key: str) -> None:
        raise LookupError(f"{key} has no session that could expire.")


class Stage(Level):
    """Ada and Bob, the player (beside Ada unless said), and a HUD; somebody listens already."""

    def __init__(
        self, player: tuple[float, float] = (300, 360), prefs: PlayerPrefs | None = None
    ) -> None:
        self.hud_runtime = HudRuntime()
        super().__init__(self.hud_runtime, prefs)
        self.errors: list[str] = []
        self.scene.on_error.subscribe(self._note_error)
        self.faults = FakeFaults()
        self.scene.provide(self.faults, Faults)
        self.ada = self.person("ada", (300, 300))
        self.bob = self.person("bob", (700, 300))
        self.player = self.scene.create("Player", player).add(Player())
        self.hud = self.scene.add(Hud())
        self.frame(30)  # until somebody is the target

    def person(self, key: str, position: tuple[float, float]) -> Character:
        made = self.character(key, position)
        made.game_object.add(CharacterSprite("nurse"))
        return made

    def _note_error(self, error: object) -> None:
        self.errors.append(str(error))

    def press(self, *keys: str) -> None:
        """Press and let go of each key, a frame apart."""
        for key in keys:
            self.scene.input.press(key)
            self.frame()
            self.scene.input.end_frame()
            self.scene.input.release(key)
            self.scene.input.end_frame()

    def type(self, text: str) -> None:
        """Type a text within one frame."""
        self.scene.input.type_text(text)
        self.frame()
        self.scene.input.end_frame()

    def click(self, x: float, y: float) -> None:
        """Click with the left button."""
        self.scene.input.move_mouse(x, y)
        self.press("mouse 1")

    def fails(self, key: str, code: str = "connection.refused") -> None:
        """Let a session end in ERROR."""
        self.becomes(key, SessionState.ERROR, error=failure(code))

    def becomes(self, key: str, state: SessionState, **changes: Any) -> None:
        """Set the view of a session."""
        handle = self.session(key)
        handle.view = replace(handle.view, state=state, **changes)

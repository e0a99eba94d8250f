"""Gathers from the scene what the HUD shows, and carries out what the player asks of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlsplit

from characters.components.character import Character
from characters.components.faults import Faults
from characters.components.manager import CharacterManager
from characters.components.player import Player
from characters.core.turn_settings import ListeningMode
from characters.overlay.hud_state import HudState
from characters.overlay.journal import Journal
from characters.overlay.model import Actor, FaultState, HudModel, Microphone
from characters.overlay.visuals import CharacterSprite
from engine.scene import Scene

__all__ = ["HEAD", "Cast", "gather"]

Lines: TypeAlias = Callable[[str], tuple[str, ...]]

HEAD = 120.0
"""How high a badge's tip is over the feet of somebody who stands."""


class Cast:
    """The characters of a scene, looked up once in each frame."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.manager = scene.find_component(CharacterManager)
        self.player = scene.find_component(Player)
        self.faults = scene.find_service(Faults)
        manager = self.manager
        present = scene.find_components(Character) if manager is None else manager.nearby
        self.characters = tuple(c for c in present if c.has_session)

    @property
    def keys(self) -> tuple[str, ...]:
        """The session keys, the nearest ones only where the level has a crowd."""
        return tuple(character.key for character in self.characters)

    def find(self, key: str | None) -> Character | None:
        """Return the character of a session key."""
        return next((c for c in self.characters if c.key == key), None)


def gather(cast: Cast, journal: Journal, state: HudState) -> HudModel:
    """Return what this frame shows."""
    scene = cast.scene
    target = cast.manager.target if cast.manager is not None else None
    lines = journal.lines if state.is_inspector_open else _no_lines
    return HudModel(
        now=scene.time.now,
        size=scene.camera.size,
        actors=tuple(_actor(each, scene, lines, each is target) for each in cast.characters),
        microphone=_microphone(cast.manager),
        faults=_faults(cast, state),
        player_name=cast.player.name if cast.player is not None else "You",
        notice=state.notice,
        pointer=scene.input.mouse_position,
        endpoint=_endpoint(cast.manager),
    )


def _no_lines(key: str) -> tuple[str, ...]:
    return ()


def _actor(character: Character, scene: Scene, lines: Lines, is_target: bool) -> Actor:
    x, y = character.transform.position
    sprite = character.get_component(CharacterSprite)
    top = sprite.head_height if sprite is not None else HEAD
    return Actor(
        key=character.key,
        name=character.label,
        view=character.view,
        head=scene.camera.to_screen((x, y - top)),
        policy=character.reconnect_policy,
        is_target=is_target,
        messages=lines(character.key),
    )


def _microphone(manager: CharacterManager | None) -> Microphone:
    if manager is None:
        return Microphone()
    status = manager.ears.status
    return Microphone(
        level=status.level,
        is_open=status.is_open,
        is_muted=manager.ears.muted,
        is_allowed=status.is_allowed,
        is_hands_free=status.mode is ListeningMode.HANDS_FREE,
        is_toggled=manager.ears.turns.push_to_talk.toggle,
        kept_seconds=status.kept_seconds,
        problem=status.problem,
        device=status.device,
        hearer=status.target,
    )


def _faults(cast: Cast, state: HudState) -> FaultState:
    faults, who = cast.faults, state.fault_target
    if faults is None:
        return FaultState()
    weather = faults.weather(who) if cast.keys and (who is None or who in cast.keys) else None
    return FaultState(
        faults.has_service, faults.is_service_running, weather, faults.is_microphone_unplugged
    )


def _endpoint(manager: CharacterManager | None) -> str:
    if manager is None or manager.endpoint == "local":
        return "local"
    return urlsplit(manager.endpoint).hostname or manager.endpoint

"""CharacterManager: one per level; gives the characters their sessions and the player an ear.

Nearby: which characters matter in every frame; the many others are looked at in turns.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from itertools import islice
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from pydantic import NonNegativeFloat, PositiveFloat

from characters.client.config import SessionConfig
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime
from characters.client.service_process import ServiceProcess
from characters.client.voice_input import VoiceInput
from characters.components.character import Character, ConnectMode, PlayerChoices, player_id
from characters.components.parts import Parts, parts_for
from characters.protocol.messages import check_number
from characters.protocol.turn_settings import TurnSettings
from characters.session.conversation import DialogueState, SessionState
from characters.session.policy import IdlePolicy
from characters.session.targeting import Candidate, Target, TargetingMode, TargetingOptions, choose
from characters.speech.settings import SpeechSettings
from engine.objects.objects import Component
from engine.objects.physics import Camera
from engine.prefs.prefs import PlayerPrefs

__all__ = ["CharacterManager", "PlayerIdentity"]


Vector = tuple[float, float]

# A thousand are looked at within 1.4 seconds; up to this many, in each look.
PER_LOOK = 24
MARGIN = 120.0  # pixels: a figure whose feet are outside may reach into the picture
# More than so many who rest in the picture are a crowd: only those beside the player have names.
MOST_IN_SIGHT = 12


class Range(NamedTuple):
    """What counts as near: beside the player, or talking within earshot; and what is in sight."""

    here: Vector
    beside: float
    earshot: float
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, camera: Camera, here: Vector, beside: float, earshot: float) -> Range:
        """Return the range around a player whose picture is the camera's."""
        left, top = camera.to_world((-MARGIN, -MARGIN))
        right, bottom = camera.to_world((camera.size[0] + MARGIN, camera.size[1] + MARGIN))
        return cls(here, beside, earshot, left, top, right, bottom)

    def holds(self, distance: float, state: SessionState) -> bool:
        """Tell whether somebody so far away, in that state, matters; an error always does."""
        if distance <= self.beside or state is SessionState.ERROR:
            return True
        return state is not SessionState.DISCONNECTED and distance <= self.earshot

    def shows(self, place: Vector) -> bool:
        """Tell whether the place is in the picture."""
        return self.left <= place[0] <= self.right and self.top <= place[1] <= self.bottom


class Nearby:
    """Keeps the characters that are within range of the player, by key."""

    def __init__(self) -> None:
        self.distances: dict[str, float] = {}
        """How far each of them is, as of the last look."""
        self._in_sight: dict[str, None] = {}
        self._turns: Iterator[tuple[str, Character]] = iter(())

    @property
    def in_sight(self) -> tuple[str, ...]:
        """Who rests in the picture and is not near; nobody where that is a crowd."""
        return tuple(self._in_sight) if len(self._in_sight) <= MOST_IN_SIGHT else ()

    def look(self, characters: Mapping[str, Character], within: Range) -> set[str]:
        """Look at those who are near and at some of the others.

        Returns the keys of who is not near any more, and of who talks too far away to be.
        """
        some = list(islice(self._turns, PER_LOOK))
        if len(some) < PER_LOOK:
            self._turns = iter(tuple(characters.items()))
            some += islice(self._turns, PER_LOOK - len(some))
        before = self.distances
        near = [(key, characters[key]) for key in before if key in characters]
        distances: dict[str, float] = {}
        in_sight, far = self._in_sight, set[str]()
        for key, character in (*near, *some):
            in_sight.pop(key, None)
            state = character.state
            if state is None or character.is_destroyed:
                continue
            place = character.transform.position
            distance = math.dist(place, within.here)
            if within.holds(distance, state):
                distances[key] = distance
                continue
            if state is not SessionState.DISCONNECTED:
                far.add(key)
            if within.shows(place):
                in_sight[key] = None
        self.distances = distances
        if len(in_sight) > len(characters):  # some of them left the level
            self._in_sight = {key: None for key in in_sight if key in characters}
        return far | (before.keys() - distances.keys())


# With the types that its fields are said with.

_log = logging.getLogger(__name__)


# Each word to the network thread costs the frame a change of threads: so few that nobody sleeps.
ATTENDED_PER_HIBERNATION = 4
# Pixels. Who talks next is chosen by distances that are known so well.
WORTH_KNOWING = 4.0


class PlayerIdentity(Component):
    """Who plays; the characters of a level are told its name. `Player` is one."""

    name: str = "Visitor"


class CharacterManager(Component):
    """Opens sessions at the endpoint, decides who hears the player, and places the voices.

    It uses the Runtime that the scene was given (`scene.provide(runtime)`, so that sessions
    outlive the level), or else builds one of its own and closes it with the scene. The endpoint
    "local" is the embedded service, which is started when the first character connects; any
    other is a URL whose key is read from the environment variable `api_key_env`.

    `turns` says how the player and the characters take turns; what the player chose himself
    (`choices`) stands above it. A runtime of our own opens this machine's loudspeaker, and its
    microphone after the player's first act; with `sound = false` there are text and captions only.
    """

    execution_order: ClassVar[int] = -100  # the characters open their sessions through it
    fixed_fields: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "data_folder": "is in use already, and is changed when the level is loaded again",
            "asset_folder": "is in use already, and is changed when the level is loaded again",
            "speech": "is in use by the service, and is changed when the game is started again",
            "sound": "is open already, and is changed when the level is loaded again",
        }
    )

    endpoint: str = "local"
    api_key_env: str = "CONVAI_API_KEY"
    targeting: TargetingMode = TargetingMode.FACING
    reach: PositiveFloat = 150.0  # pixels within which the player is heard
    approach: PositiveFloat = 300.0  # pixels within which `connect = "on_approach"` connects
    data_folder: str = ""  # of our own runtime; "" is the folder that the platform means for it
    asset_folder: str = ""  # with personas/; "" is the level's, or else this package's
    sound: bool = True  # of our own runtime; false: text and captions only, no device is opened
    turns: TurnSettings = TurnSettings.DEFAULT
    speech: SpeechSettings = SpeechSettings()  # of the embedded service
    pixels_per_unit: PositiveFloat = 16.0
    full_volume_units: NonNegativeFloat = 1.0
    silent_units: PositiveFloat = 50.0  # more than full_volume_units

    _own_parts: Parts | None = None
    _choices: PlayerChoices | None = None
    _runtime: Runtime | None = None
    _characters: dict[str, Character] = field(default_factory=dict)
    _attended: dict[str, float] = field(default_factory=dict)
    _approached: set[str] = field(default_factory=set)
    _nearby: Nearby = field(default_factory=Nearby)
    _target: Target = field(default_factory=Target)
    _listener: Vector | None = None
    _facing: Vector = (0.0, 0.0)
    _is_looking: bool = False

    def __post_init__(self) -> None:
        for name in ("reach", "approach", "pixels_per_unit", "silent_units"):
            check_number(name, getattr(self, name), zero_is_fine=False)
        check_number("full_volume_units", self.full_volume_units, zero_is_fine=True)
        if self.silent_units <= self.full_volume_units:
            raise ValueError(
                "silent_units must be more than full_volume_units "
                f"(got {self.silent_units:g} and {self.full_volume_units:g})"
            )

    @property
    def runtime(self) -> Runtime:
        """The runtime that keeps the sessions: the one the scene was given, or our own."""
        if self._runtime is None:
            self._runtime = self._given() or self._build()
        return self._runtime

    @property
    def ears(self) -> VoiceInput:
        """The player's microphone."""
        return self.runtime.ears

    @property
    def choices(self) -> PlayerChoices:
        """What the player chose for ears and voices: above `turns`, and kept over restarts."""
        if self._choices is None:
            self._choices = PlayerChoices(self.runtime, self._prefs(), self.turns)
        return self._choices

    @property
    def characters(self) -> tuple[Character, ...]:
        """The characters of this level that have a session, the oldest first."""
        return tuple(c for c in self._characters.values() if not c.is_destroyed)

    @property
    def nearby(self) -> tuple[Character, ...]:
        """Those within sight and hearing of the player, and who is in error; without a player, all.

        What is done for each character in each frame should be done for these alone. Of a crowd
        in sight only those beside the player are among them, and who is connected.
        """
        if self._listener is None:
            return self.characters
        return tuple(self._present((*self._nearby.distances, *self._nearby.in_sight)))

    @property
    def target(self) -> Character | None:
        """The character that hears the player."""
        return self._characters.get(self._target.key or "")

    @property
    def is_target_by_hand(self) -> bool:
        """Whether the target was chosen with `talk_to` and so does not change by itself."""
        return self._target.chosen_by_hand

    # for the game

    def talk_to(self, character: Character) -> None:
        """Let this character hear the player until another is chosen or `release_target`."""
        self._target = self._target.talk_to(character.key)

    def release_target(self) -> None:
        """Let facing and distance decide again who hears the player."""
        self._target = self._target.release()

    def target_next(self) -> None:
        """Turn to the next character in reach, from left to right and around."""
        near = sorted(self._candidates(), key=lambda candidate: candidate.offset)
        keys = [c.key for c in near if math.hypot(*c.offset) <= self.reach]
        if not keys:
            return
        here = keys.index(self._target.key) if self._target.key in keys else -1
        self._target = self._target.talk_to(keys[(here + 1) % len(keys)])

    def listen_from(self, position: Vector, facing: Vector) -> None:
        """Take where the player stands and looks; the Player calls this each frame."""
        moved = position != self._listener
        self._listener = position
        self._facing = facing
        if moved and self._target.chosen_by_hand and not self._is_in_reach(self._target.key):
            self.release_target()

    def open_session(self, character: Character) -> SessionHandle:
        """Open the session of a character, or take over the one that the runtime carries.

        Raises ValueError when another character of the level has the same key.
        """
        other = self._characters.get(character.key)
        if other is not None and other is not character and not other.is_destroyed:
            raise ValueError(
                f"Objects {other.game_object.name!r} and {character.game_object.name!r} have the "
                f"same character id {character.key!r}: give one of them another id, or a "
                "session_key of its own if it is meant as a clone."
            )
        self._characters[character.key] = character
        self.choices.apply_voice(character.key)
        handle = self.runtime.open_session(self._config(character))
        self.connect_if_due(character.connect, handle)
        return handle

    def reopen_session(self, character: Character) -> SessionHandle:
        """Return the session of a character with the settings of now: the same, or another."""
        return self.runtime.open_session(self._config(character))

    def connect_if_due(self, mode: ConnectMode, handle: SessionHandle) -> None:
        """Connect a session at rest if that is to happen by itself."""
        if not handle.is_at_rest:
            return  # carried over a level load, or in error until the player presses Retry
        if mode is ConnectMode.ON_START:
            handle.connect()
        elif mode is ConnectMode.WHEN_RESUMABLE:
            handle.connect_if_stored()

    def follow_settings(self) -> None:
        """Let every session follow what was edited here or at the player."""
        for character in self.characters:
            character.follow_settings()

    def owns_session(self, character: Character) -> bool:
        """Tell whether the session of that key is this character's, and no successor's."""
        return self._characters.get(character.key) is character

    def release(self, character: Character) -> None:
        """Let go of a character, whatever key it has now."""
        self._characters = {k: c for k, c in self._characters.items() if c is not character}

    def close_session(self, key: str) -> None:
        """Close a session for good."""
        self.runtime.close_session(key)

    # hooks

    def start(self) -> None:
        """Apply the turn settings, and take over characters whose manager this one replaced."""
        self.choices.apply()
        for character in self.scene.find_components(Character, include_inactive=True):
            before = character.manager
            if isinstance(before, CharacterManager) and before.is_destroyed:
                character.move_to(self)

    def on_validate(self) -> None:
        """Follow an edit: another endpoint or key is another session for everybody."""
        if self._choices is not None:
            self._choices.apply(self.turns)
        self.follow_settings()

    def update(self, dt: float) -> None:
        """Look around: who hears the player, and how loud and from where everybody is heard."""
        self.runtime.frame_began()
        self.ears.set_focused(self.input.has_focus)
        if not self._characters or self._listener is None:
            return
        # In turns: thirty times a second is enough for both, and no frame pays for the two.
        self._is_looking = not self._is_looking
        is_alone = self._target.key is None
        if self._is_looking or is_alone:
            self._look_around(self._listener)
        if not self._is_looking or is_alone:
            self._serve_those_near(self._listener)

    def on_destroy(self) -> None:
        """Close the microphone's way to this level, and the runtime if it is our own."""
        if self._runtime is not None:
            self._runtime.ears.set_target(None)
        if self._own_parts is not None:
            self._own_parts.close()

    # inside

    def _look_around(self, here: Vector) -> None:
        for key in self._nearby.look(self._characters, self._range(here)):
            self._leave_behind(key)

    def _serve_those_near(self, here: Vector) -> None:
        self._choose_target()
        distances = self._nearby.distances.items()
        near = [(c, distance) for key, distance in distances if (c := self._living(key))]
        for character, distance in near:
            self._place(character, here, distance)
            character.session.set_distance(distance)
            self._approach(character, distance)
        self._attend([c for c, distance in near if distance <= self.reach])

    def _given(self) -> Runtime | None:
        service = self.scene.find_service(ServiceProcess)
        wanted = self.speech.arguments()
        if service is not None and wanted and not service.prefer(wanted):
            _log.warning("the service keeps its speech settings: this level's count for a new game")
        return self.scene.find_service(Runtime)

    def _build(self) -> Runtime:
        self._own_parts = self._inherited() or parts_for(
            self.scene, self.data_folder, self.asset_folder, sound=self.sound, speech=self.speech
        )
        return self._own_parts.runtime

    def _inherited(self) -> Parts | None:
        """Take the parts of a manager that an edit replaced by this one: its sessions live on."""
        for character in self.scene.find_components(Character, include_inactive=True):
            before = character.manager
            if isinstance(before, CharacterManager) and before.is_destroyed:
                parts, before._own_parts, before._runtime = before._own_parts, None, None
                return parts
        return None

    def _config(self, character: Character) -> SessionConfig:
        return SessionConfig(
            character_id=character.character_id,
            session_key=character.session_key,
            endpoint=self.endpoint,
            api_key=os.environ.get(self.api_key_env) if "://" in self.endpoint else None,
            persona=character.persona or None,
            policy=character.reconnect_policy,
            persist=character.persist,
            end_user_id=self._player_id(),
            actions=character.actions,
            respond_mode=character.respond_mode,
            player_name=self._player_name(),
            smart_turn=self.turns.smart_turn,
            voice_activity=self.turns.voice_activity,
        )

    def _prefs(self) -> PlayerPrefs | None:
        own = self._own_parts
        return own.prefs if own is not None else self.scene.find_service(PlayerPrefs)

    def _player_id(self) -> str | None:
        prefs = self._prefs()
        return None if prefs is None else player_id(prefs)

    def _player_name(self) -> str | None:
        player = self.scene.find_component(PlayerIdentity)
        return None if player is None else player.name

    def _candidates(self) -> list[Candidate]:
        if self._listener is None:
            return []
        x, y = self._listener
        near = self._nearby.distances  # of the last look: who is just out of reach may be in it now
        within = self.reach + WORTH_KNOWING
        people = self._present(key for key, distance in near.items() if distance <= within)
        places = [(c.key, c.transform.position) for c in people]
        return [Candidate(key, (px - x, py - y)) for key, (px, py) in places]

    def _present(self, keys: Iterable[str]) -> Iterator[Character]:
        return filter(None, map(self._living, keys))

    def _living(self, key: str) -> Character | None:
        character = self._characters.get(key)
        return None if character is None or character.is_destroyed else character

    def _is_in_reach(self, key: str | None) -> bool:
        character = self._living(key or "")
        if character is None or self._listener is None:
            return False
        return math.dist(character.transform.position, self._listener) <= self.reach * 1.5

    def _choose_target(self) -> None:
        target = self.target
        pinned = target is not None and target.view.dialogue is DialogueState.LISTENING
        options = TargetingOptions(mode=self.targeting, reach=self.reach)
        now = self.scene.time.elapsed
        candidates = self._candidates()
        self._target = choose(self._target, candidates, self._facing, now, options, pinned=pinned)
        self.ears.set_target(self._target.key)

    def _place(self, character: Character, listener: Vector, distance: float) -> None:
        """Make a voice quieter with the distance, and let it come from its side."""
        units = distance / self.pixels_per_unit
        fall = (units - self.full_volume_units) / (self.silent_units - self.full_volume_units)
        dx = character.transform.position[0] - listener[0]
        pan = max(-1.0, min(1.0, dx / (self.scene.size[0] / 2)))
        self.runtime.voice.place(character.key, 1.0 - max(0.0, min(1.0, fall)), pan)

    def _range(self, here: Vector) -> Range:
        beside = max(self.approach, self.reach * 1.5)
        return Range.of(self.scene.camera, here, beside, self.silent_units * self.pixels_per_unit)

    def _leave_behind(self, key: str) -> None:
        """Let somebody who is not near be as quiet, and as late to connect, as that is far."""
        character = self._living(key)
        self._approached.discard(key)
        if character is not None and self._listener is not None:
            distance = math.dist(character.transform.position, self._listener)
            self._place(character, self._listener, distance)
            character.session.set_distance(distance)

    def _approach(self, character: Character, distance: float) -> None:
        """Connect who waits for the player to come near: once for each time that he does."""
        if distance > self.approach:
            self._approached.discard(character.key)
        elif character.connect is ConnectMode.ON_APPROACH and character.key not in self._approached:
            self._approached.add(character.key)
            if character.session.is_at_rest:
                character.session.connect()

    def _attend(self, with_player: Iterable[Character]) -> None:
        """Wake who sleeps when the player comes near, and keep everybody awake meanwhile."""
        sleepy = [c for c in with_player if c.reconnect_policy.idle is not IdlePolicy.KEEP]
        for character in sleepy:
            if character.view.is_hibernating:
                character.session.wake()
        now = self.scene.time.elapsed
        if any(now >= self._attend_again_at(character) for character in sleepy):
            for character in sleepy:  # all in one frame: the others go without
                self._attended[character.key] = now
                character.session.player_acted()

    def _attend_again_at(self, character: Character) -> float:
        share = character.reconnect_policy.hibernate_after_seconds / ATTENDED_PER_HIBERNATION
        return self._attended.get(character.key, -math.inf) + share

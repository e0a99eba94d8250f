"""CharacterManager: one per level; opens the sessions and lets one character hear the player."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, TypeAlias

from pydantic import NonNegativeFloat, PositiveFloat

from characters.client.config import SessionConfig
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime
from characters.client.service_process import ServiceProcess
from characters.client.voice_input import VoiceInput
from characters.components.addressing import Addressing, Approach, Hibernation, Nearby, Range
from characters.components.character import Character, ConnectMode
from characters.components.choices import PlayerChoices, player_id
from characters.components.faults import Faults
from characters.components.language import language_path, read_words
from characters.components.parts import InsteadOfLocal, Parts, assets_of, parts_for
from characters.components.slots import SaveSlots
from characters.english import ENGLISH
from characters.protocol.fields import Choice, by_default, check_number, check_variable
from characters.protocol.model_settings import ModelSettings, model_request
from characters.protocol.turn_settings import TurnSettings
from characters.session.conversation import DialogueState
from characters.session.targeting import Candidate, TargetingMode, TargetingOptions
from characters.speech.settings import SpeechSettings
from characters.storage.sessions import SessionData
from engine.app.application import Application
from engine.core.words import Words
from engine.objects.objects import Component
from engine.prefs.prefs import PlayerPrefs
from engine.toml.reader import TomlFileError

__all__ = ["CharacterManager", "MANAGER_BINDINGS", "PlayerIdentity"]

Vector: TypeAlias = tuple[float, float]

_log = logging.getLogger(__name__)

MOST_NAMED = 12  # of the others in the level, whom a mind is told of; a crowd has no names

# Pixels by which a distance of the last look may be wrong: those just out of reach stay candidates.
DISTANCE_SLACK = 4.0

_IN_USE = "is in use already, and is changed when the level is loaded again"

MANAGER_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType({"mute": ("m", "pad 2")})
"""The key of the microphone; `scene.input.bindings` may name others before the level starts."""


class PlayerIdentity(Component):
    """The name by which a level's characters know the player; `Player` is one."""

    name: str = "Visitor"


class SessionOwners:
    """Which character of the level has the session of a key: the latest to open it."""

    def __init__(self) -> None:
        self.by_key: dict[str, Character] = {}

    def claim(self, character: Character) -> None:
        """Give a character the session of its key.

        Raises ValueError when another character of the level has the same key.
        """
        other = self.living(character.key)
        if other is not None and other is not character:
            raise ValueError(
                f"Objects {other.game_object.name!r} and {character.game_object.name!r} have the "
                f"same character id {character.key!r}: give one of them another id, or a "
                "session_key of its own if it is meant as a clone."
            )
        self.by_key[character.key] = character

    def owns(self, character: Character) -> bool:
        """Tell whether a character still has the session of its key."""
        return self.by_key.get(character.key) is character

    def release(self, character: Character) -> None:
        """Forget a character, whatever key it has now."""
        self.by_key = {k: c for k, c in self.by_key.items() if c is not character}

    def living(self, key: str | None) -> Character | None:
        """Return the character of a key, None if it was destroyed."""
        character = self.by_key.get(key or "")
        return None if character is None or character.is_destroyed else character

    def all_living(self, keys: Iterable[str]) -> Iterator[Character]:
        """Yield the characters of the keys that were not destroyed."""
        return filter(None, map(self.living, keys))


class CharacterManager(Component):
    """Opens sessions at the endpoint, decides who hears the player, and places the voices.

    It uses the Runtime that the scene was given (`scene.provide(runtime)`, so that sessions
    outlive the level), or else builds one of its own and closes it with the scene. The endpoint
    "local" is the embedded service, which is started when the first character connects; any
    other is a URL whose key is read from the environment variable `api_key_env`.

    `turns` says how the player and the characters take turns; what the player chose (`choices`)
    stands above it. A runtime of its own opens this machine's loudspeaker, and its microphone
    after the player's first act; with `sound = false` there are text and captions only.
    """

    execution_order: ClassVar[int] = -100  # the characters open their sessions through it
    fixed_fields: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            **dict.fromkeys(("data_folder", "game", "asset_folder"), _IN_USE),
            "speech": "is in use by the service, and is changed when the game is started again",
            "sound": "is open already, and is changed when the level is loaded again",
        }
    )

    endpoint: str = "local"
    api_key_env: str = "CONVAI_API_KEY"
    targeting: Choice[TargetingMode, Literal["facing", "distance", "manual"]] = by_default(
        TargetingMode.FACING
    )
    reach: PositiveFloat = 150.0  # pixels within which the player is heard
    approach: PositiveFloat = 300.0  # pixels within which `connect = "on_approach"` connects
    game: str = ""  # its data folder is called so; "" is the name of the main script's folder
    data_folder: str = ""  # of a runtime of its own, instead of the platform's one for `game`
    asset_folder: str = ""  # with personas/; "" is the level's, or else this package's
    sound: bool = True  # of a runtime of its own; false: text and captions only, no device is open
    turns: Choice[TurnSettings, Literal["default"]] = by_default(TurnSettings.DEFAULT)
    words: str = ""  # the texts on the screen: "de", or a file such as "words/fr.toml"; "" English
    speech: SpeechSettings = SpeechSettings()  # of the embedded service
    model: Choice[ModelSettings, Literal["script"]] = by_default(ModelSettings())  # that answers
    autosave: bool = False  # the slot "autosave", when the level is left; the player's choice wins
    pixels_per_unit: PositiveFloat = 16.0
    full_volume_units: NonNegativeFloat = 1.0
    silent_units: PositiveFloat = 50.0  # more than full_volume_units

    _own_parts: Parts | None = None
    _runtime: Runtime | None = None
    _choices: PlayerChoices | None = None
    _slots: SaveSlots | None = None
    _owners: SessionOwners = field(default_factory=SessionOwners)
    _nearby: Nearby = field(default_factory=Nearby)
    _addressing: Addressing = field(default_factory=Addressing)
    _approach: Approach = field(default_factory=Approach)
    _hibernation: Hibernation = field(default_factory=Hibernation)
    _named: tuple[str, ...] = ()
    _words_of: tuple[str, Words] = ("", ENGLISH)  # of which `words` the texts were read

    def __post_init__(self) -> None:
        for name in ("reach", "approach", "pixels_per_unit", "silent_units"):
            check_number(name, getattr(self, name), zero_is_fine=False)
        check_variable("api_key_env", self.api_key_env)
        check_number("full_volume_units", self.full_volume_units, zero_is_fine=True)
        if self.silent_units <= self.full_volume_units:
            raise ValueError(
                "silent_units must be more than full_volume_units "
                f"(got {self.silent_units:g} and {self.full_volume_units:g})"
            )

    @property
    def runtime(self) -> Runtime:
        """The runtime that keeps the sessions: the one the scene was given, or one of its own."""
        if self._runtime is None:
            self._runtime = self._provided_runtime() or self._own_runtime()
        return self._runtime

    @property
    def voice_input(self) -> VoiceInput:
        """The player's microphone."""
        return self.runtime.voice_input

    @property
    def session_data(self) -> SessionData:
        """The stored session ids, to read or to clear; each call may wait for a disk."""
        return self.runtime.session_data

    @property
    def slots(self) -> SaveSlots:
        """The save slots of the game."""
        if self._slots is None:
            runtime, found = self.runtime, self.scene.find_service(SaveSlots)
            prefs = self._prefs() or PlayerPrefs.in_memory(ENGLISH("settings.of_the_level"))
            game = self.scene.find_service(Application) or self.scene
            self._slots = found or SaveSlots(runtime, prefs, game=game)
            if found is None:  # the runtime is the game's, and so are its slots
                for owner in {self.scene, game}:
                    owner.provide(self._slots)
        return self._slots

    def is_autosaved(self) -> bool:
        """Return whether the level is saved when it is left, unless the player chose otherwise."""
        return self.autosave

    @property
    def faults(self) -> Faults:
        """What breaks connections, service and microphone on purpose."""
        if self._own_parts is not None:
            return self._own_parts.faults
        return self.scene.find_service(Faults) or Faults(self.runtime, self.runtime.service)

    @property
    def choices(self) -> PlayerChoices:
        """What the player chose for microphone and voices: above `turns`, kept over restarts."""
        if self._choices is None:
            self._choices = PlayerChoices(
                self.runtime, self._prefs(), self.turns, self.scene.find_service(Application)
            )
        return self._choices

    @property
    def screen_words(self) -> Words:
        """The texts on the screen: those of `words`, or that the scene was given, or English."""
        if not self.words:
            return self.scene.find_service(Words) or ENGLISH
        if self._words_of[0] != self.words:
            self._words_of = self.words, self._read_words()
        return self._words_of[1]

    @property
    def characters(self) -> tuple[Character, ...]:
        """The characters of this level that have a session, the oldest first."""
        return tuple(self.each_character())

    def each_character(self) -> Iterator[Character]:
        """Yield the same one by one: of a crowd, a frame need not look at everybody."""
        return self._owners.all_living(tuple(self._owners.by_key))

    @property
    def nearby(self) -> tuple[Character, ...]:
        """The characters within sight and hearing of the player, and those in error.

        Without a player all of them. Of a crowd in sight only those beside the player and those
        that are connected. What is done for each in each frame should be done for these alone.
        """
        if self._addressing.position is None:
            return self.characters
        keys = (*self._nearby.distances, *self._nearby.in_sight)
        return tuple(self._owners.all_living(keys))

    @property
    def target(self) -> Character | None:
        """The character that hears the player."""
        return self._owners.by_key.get(self._addressing.key or "")

    @property
    def is_target_by_hand(self) -> bool:
        """Whether the target was chosen with `talk_to` and so does not change by itself."""
        return self._addressing.target.chosen_by_hand

    # for the game

    def talk_to(self, character: Character) -> None:
        """Let this character hear the player until another is chosen or `release_target`."""
        self._addressing.target = self._addressing.target.talk_to(character.key)

    def release_target(self) -> None:
        """Let facing and distance decide again who hears the player."""
        self._addressing.target = self._addressing.target.release()

    def target_next(self) -> None:
        """Turn to the next character in reach, from left to right and around."""
        self._addressing.talk_to_next(self._candidates(), self.reach)

    def listen_from(self, position: Vector, facing: Vector) -> None:
        """Take where the player stands and looks; the Player calls this each frame."""
        has_walked = self._addressing.move(position, facing)
        if has_walked and self.is_target_by_hand:
            target = self._owners.living(self._addressing.key)
            if target is None or self._addressing.has_left(target.transform.position, self.reach):
                self.release_target()

    def apply_settings(self) -> None:
        """Apply what was edited here or at the player to every session."""
        for character in self.characters:
            character.apply_settings()

    # for the characters: CharacterSessions

    def open_session(self, character: Character) -> SessionHandle:
        """Open the session of a character, or adopt the one that the runtime carries.

        Raises ValueError when another character of the level has the same key.
        """
        self._owners.claim(character)
        self.choices.apply_voice(character.key)
        session = self.runtime.open_session(self._config(character))
        self.connect_if_due(character.connect, session)
        return session

    def reopen_session(self, character: Character) -> SessionHandle:
        """Return the session of a character with the present settings: the same, or another."""
        return self.runtime.open_session(self._config(character))

    def connect_if_due(self, mode: ConnectMode, session: SessionHandle) -> None:
        """Connect a session at rest if its mode says that this happens by itself."""
        if not session.is_at_rest:
            return  # carried over a level load, or in error until the player presses Retry
        if mode is ConnectMode.ON_START:
            session.connect()
        elif mode is ConnectMode.WHEN_RESUMABLE:
            session.connect_if_stored()

    def close_session(self, key: str) -> None:
        """Close a session for good."""
        self.runtime.close_session(key)

    def owns_session(self, character: Character) -> bool:
        """Whether the session of that key is this character's, not a successor's."""
        return self._owners.owns(character)

    def release(self, character: Character) -> None:
        """Forget a character, whatever key it has now; its session stays open."""
        self._owners.release(character)

    def hand_over(self) -> Parts | None:
        """Return the parts of its own, if any, to the manager that takes its place."""
        parts, self._own_parts, self._runtime = self._own_parts, None, None
        return parts

    # hooks

    def awake(self) -> None:
        """Bind the keys that the game has not bound yet."""
        for action, keys in MANAGER_BINDINGS.items():
            self.input.bindings.setdefault(action, keys)

    def start(self) -> None:
        """Apply the turn settings, and adopt the characters of a manager that this one replaced."""
        self.choices.apply()
        for character, _ in self._orphans():
            character.move_to(self)

    def on_validate(self) -> None:
        """Apply an edit: another endpoint or key is another session for every character."""
        if self._choices is not None:
            self._choices.apply(self.turns)
        self.apply_settings()

    def update(self, dt: float) -> None:
        """Look around: who hears the player, and from where and how loud the voices are."""
        self.runtime.update()
        self.voice_input.set_focused(self.input.has_focus)
        self._tell_who_is_here()
        position = self._addressing.position
        if not self._owners.by_key or position is None:
            return
        # In turns: fifteen times a second is enough for both, and no frame pays for the two.
        turn = self.scene.time.frame % 4
        if turn == 0 or not self._nearby.distances:
            self._look_around(position)
        if turn == 2:
            self._serve_near(position)

    def on_destroy(self) -> None:
        """Take the microphone from this level, and close a runtime of its own."""
        if self._runtime is not None:
            self._runtime.voice_input.set_target(None)
        if self._own_parts is not None:
            self._own_parts.close()

    # the runtime

    def _provided_runtime(self) -> Runtime | None:
        service = self.scene.find_service(ServiceProcess)
        arguments = self.speech.arguments()
        if service is not None and arguments and not service.prefer(arguments):
            _log.warning("The service keeps its speech settings; this level's need a restart.")
        return self.scene.find_service(Runtime)

    def _own_runtime(self) -> Runtime:
        predecessor = next((manager for _, manager in self._orphans()), None)
        inherited = None if predecessor is None else predecessor.hand_over()
        folders = self.data_folder, self.asset_folder
        self._own_parts = inherited or parts_for(
            self.scene, *folders, game=self.game, sound=self.sound, speech=self.speech
        )
        return self._own_parts.runtime

    def _orphans(self) -> Iterator[tuple[Character, CharacterManager]]:
        """Yield the characters whose manager an edit has replaced, with that manager."""
        for character in self.scene.find_components(Character, include_inactive=True):
            manager = character.manager
            if isinstance(manager, CharacterManager) and manager.is_destroyed:
                yield character, manager

    def _read_words(self) -> Words:
        """Return the texts of the language; English if its file cannot be used, which is logged."""
        assets = Path(self.asset_folder) if self.asset_folder else assets_of(self.scene)
        try:
            return read_words(language_path(self.words, assets))
        except TomlFileError as error:
            _log.error("The screen stays English: %s", error)
            return ENGLISH

    def _prefs(self) -> PlayerPrefs | None:
        own = self._own_parts
        return own.prefs if own is not None else self.scene.find_service(PlayerPrefs)

    def _config(self, character: Character) -> SessionConfig:
        prefs, player = self._prefs(), self.scene.find_component(PlayerIdentity)
        instead = self.scene.find_service(InsteadOfLocal)
        endpoint = instead.url if instead and self.endpoint == "local" else self.endpoint
        return SessionConfig(
            character_id=character.character_id,
            session_key=character.session_key,
            endpoint=endpoint,
            api_key=os.environ.get(self.api_key_env) if "://" in endpoint else None,
            persona=character.persona or None,
            policy=character.reconnect_policy,
            persist=character.persist,
            local_user_id=None if prefs is None else player_id(prefs),
            actions=character.all_actions,
            functions=character.action_schemas,
            respond_mode=character.respond_mode,
            player_name=None if player is None else player.name,
            others=tuple(name for name in self._named if name != character.label),
            smart_turn=self.turns.smart_turn,
            voice_activity=self.turns.voice_activity,
            model=self._model_for(character),
        )

    def _model_for(self, character: Character) -> Mapping[str, object] | None:
        """Return what a service of our own is told of the model; another's has its own."""
        if self.endpoint != "local" or self.runtime.service is None:
            return None
        return model_request(self.model, character.model, os.environ)

    def _tell_who_is_here(self) -> None:
        """Tell the characters of each other when one has come or gone."""
        keys = tuple(islice(self._owners.by_key, MOST_NAMED + 2))
        living = self._owners.all_living(keys) if len(keys) <= MOST_NAMED + 1 else ()
        named = tuple(character.label for character in living)
        if named != self._named:
            self._named = named
            self.apply_settings()

    # a look around

    def _look_around(self, position: Vector) -> None:
        beside = max(self.approach, self.reach * 1.5)
        earshot = self.silent_units * self.pixels_per_unit
        within = Range.of(self.scene.camera, position, beside, earshot)
        for key in self._nearby.look(self._owners.by_key, within):
            self._leave_behind(key, position)

    def _leave_behind(self, key: str, position: Vector) -> None:
        """Set voice and connecting order of a character that is not near once, by its distance."""
        self._approach.leave(key)
        character = self._owners.living(key)
        if character is not None:
            distance = math.dist(character.transform.position, position)
            self._place_voice(character, position, distance)
            character.session.set_distance(distance)

    def _serve_near(self, position: Vector) -> None:
        self._choose_target()
        distances = self._nearby.distances.items()
        near = [(c, distance) for key, distance in distances if (c := self._owners.living(key))]
        for character, distance in near:
            self._place_voice(character, position, distance)
            character.session.set_distance(distance)
            self._approach.look(character, distance, self.approach)
        in_reach = [c for c, distance in near if distance <= self.reach]
        self._hibernation.keep_awake(in_reach, self.scene.time.elapsed)

    def _choose_target(self) -> None:
        target, now = self.target, self.scene.time.elapsed
        pinned = target is not None and target.view.dialogue is DialogueState.LISTENING
        options = TargetingOptions(mode=self.targeting, reach=self.reach)
        self._addressing.choose(self._candidates(), now, options, pinned=pinned)
        self.voice_input.set_target(self._addressing.key)

    def _candidates(self) -> list[Candidate]:
        near, within = self._nearby.distances.items(), self.reach + DISTANCE_SLACK
        in_reach = self._owners.all_living(key for key, distance in near if distance <= within)
        return self._addressing.candidates((c.key, c.transform.position) for c in in_reach)

    def _place_voice(self, character: Character, listener: Vector, distance: float) -> None:
        """Make a voice quieter with the distance, and let it come from its side.

        It falls as ears take it: half of the way to silence is a quarter of the volume.
        """
        units = distance / self.pixels_per_unit
        fall = (units - self.full_volume_units) / (self.silent_units - self.full_volume_units)
        gain = (1.0 - max(0.0, min(1.0, fall))) ** 2
        dx = character.transform.position[0] - listener[0]
        pan = max(-1.0, min(1.0, dx / (self.scene.size[0] / 2)))
        self.runtime.voice.place(character.key, gain, pan)

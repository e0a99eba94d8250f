"""What the HUD shows of one frame: plain values, gathered from the scene once and then painted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from characters.client.voice_input import VoiceInputStatus
from characters.components.character import Character
from characters.components.faults import Faults
from characters.components.manager import MANAGER_BINDINGS, CharacterManager
from characters.components.player import (
    FAULT_BINDINGS,
    PLAYER_BINDINGS,
    FaultKeys,
    NextVisitor,
    Player,
)
from characters.english import ENGLISH
from characters.protocol.network_conditions import NetworkConditions
from characters.protocol.turn_settings import TurnSettings
from characters.session.conversation import SessionState, SessionView, Turn
from characters.session.policy import ReconnectPolicy
from characters.ui.state import HudState
from characters.ui.visuals import CharacterSprite
from engine.app.application import Application
from engine.core.words import Words
from engine.objects.objects import Component
from engine.objects.scene import Scene
from engine.ui.geometry import Rect

__all__ = [
    "Actor", "ALL_BINDINGS", "BADGE_HEIGHT", "by_cause", "Caption", "captions", "Destinations",
    "Failed", "FaultState", "gather", "HUD_BINDINGS", "HudModel", "reading_seconds", "SceneQuery",
]  # fmt: skip


Point = tuple[float, float]
Messages = Callable[[Words, str], tuple[str, ...]]

HUD_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "type": ("return", "pad 3"),
        "help": ("f1",),
        "captions": ("f2",),
        "inspector": ("f3",),
        "fields": ("e",),
        "memory": ("i",),
        "faults": ("f4",),
        "retry": ("r", "pad 1"),
        "take_over": ("v", "pad 4"),
        "take_back": ("z",),
        "answer_again": ("y",),
        "menu": ("escape", "pad 7"),
    }
)
"""What the HUD's keys are; `scene.input.bindings` may name others before the level starts."""

ALL_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **PLAYER_BINDINGS,
        **MANAGER_BINDINGS,
        **FAULT_BINDINGS,
        **HUD_BINDINGS,
        "visitor": (NextVisitor.key,),
    }
)
"""The default keys of every part."""

BADGE_HEIGHT = 120.0
"""How high over its feet the tip of a character's badge is, if it has no sprite."""


class SceneQuery:
    """The characters of a scene, looked up once in each frame."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.manager = scene.find_component(CharacterManager)
        self.player = scene.find_component(Player)
        self.faults = scene.find_service(Faults)
        manager = self.manager
        present = scene.find_components(Character) if manager is None else manager.nearby
        self.characters = tuple(c for c in present if c.has_session)
        words = scene.find_service(Words) if manager is None else manager.screen_words
        self.visitor = scene.find_component(NextVisitor)
        own = {} if self.visitor is None else {"visitor": (self.visitor.key,)}
        self.words = (words or ENGLISH).with_keys(scene.input, {**ALL_BINDINGS, **own})

    @property
    def keys(self) -> tuple[str, ...]:
        """The session keys; of a crowd only the nearest ones."""
        return tuple(character.key for character in self.characters)

    @property
    def target(self) -> Character | None:
        """The character that the player's words go to."""
        return None if self.manager is None else self.manager.target

    def find(self, key: str | None) -> Character | None:
        """Return the character of a session key."""
        return next((c for c in self.characters if c.key == key), None)

    def inspected(self, key: str | None) -> Character | None:
        """Return the character that the inspector is about; the key is of the chosen one."""
        return self.find(key) or self.target or next(iter(self.characters), None)

    def key_after(self, key: str) -> str:
        """Return the key of the character after that one; after the last comes the first."""
        keys = self.keys
        return keys[(keys.index(key) + 1 if key in keys else 0) % len(keys)]


class Failed(Protocol):
    """What `by_cause` has to know of a character."""

    @property
    def key(self) -> str:
        """The session's key."""

    @property
    def view(self) -> SessionView:
        """The session's present state."""


F = TypeVar("F", bound=Failed)


def by_cause(characters: Iterable[F]) -> tuple[tuple[F, ...], ...]:
    """Group the characters in ERROR, which wait for a retry, by the cause; keep their order.

    A talk that cannot be resumed is a cause of its own: whether it is given up is decided for each.
    """
    found: dict[object, list[F]] = {}
    for one in characters:
        error = one.view.error
        if one.view.state is SessionState.ERROR:
            is_own = error is not None and error.stage == "resume"
            found.setdefault((error and error.code, one.key if is_own else ""), []).append(one)
    return tuple(map(tuple, found.values()))


class Actor(NamedTuple):
    """A character of the level: its session, and where its head is on the screen."""

    key: str
    name: str
    view: SessionView
    head: Point = (0.0, 0.0)
    policy: ReconnectPolicy = ReconnectPolicy.DEFAULT
    is_target: bool = False
    messages: tuple[str, ...] = ()
    """The last wire messages for the inspector, as types and sizes, the newest last."""


@dataclass(frozen=True, slots=True)
class FaultState:
    """What the fault panel can break, and what of it is broken."""

    has_service: bool = False
    is_running: bool = False
    network: NetworkConditions | None = NetworkConditions.CALM
    """Of the chosen line; None for several that differ."""
    is_unplugged: bool = False


@dataclass(frozen=True, slots=True)
class HudModel:
    """Everything that the HUD shows of one frame."""

    now: float
    size: Point = (960, 600)
    actors: tuple[Actor, ...] = ()
    voice: VoiceInputStatus = field(default_factory=VoiceInputStatus)
    """The microphone. A sentence stays with the character that it began with: `voice.target`
    need not be the target."""
    is_toggled: bool = False
    """Whether the key of push-to-talk is pressed twice, and not held."""
    faults: FaultState = field(default_factory=FaultState)
    player_name: str = ""
    player_head: Point | None = None
    level: tuple[float, float] | None = None
    """Where the level begins and ends across the picture, if that was moved aside."""
    notice: str | None = None
    service_problem: str = ""
    """Why the embedded service does not start, or keeps nothing, until the player has read it."""
    pointer: Point = (-1.0, -1.0)
    words: Words = ENGLISH
    """The texts of the HUD, in the language of the game."""
    ways_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The hosts that words and sound go to, each with what goes there: "talk", "model", ..."""
    absent: frozenset[str] = frozenset()
    """The rows of the help that are about what the level has not, such as "walk"."""
    is_generated: bool | None = None
    """Whether a model answers anybody; None while it is not known."""

    @property
    def target(self) -> Actor | None:
        """The character that the player's words go to."""
        return next((actor for actor in self.actors if actor.is_target), None)

    @property
    def figures(self) -> tuple[Rect, ...]:
        """Where the characters and the player stand, each with its badge."""
        heads = [actor.head for actor in self.actors]
        if self.player_head is not None:
            heads.append(self.player_head)
        return tuple(Rect(x - 45, y - 48, 90, 190) for x, y in heads)

    @property
    def faces(self) -> tuple[Rect, ...]:
        """The faces of the characters and the player."""
        return tuple(Rect(figure.x + 12, figure.y + 52, 66, 70) for figure in self.figures)


def gather(
    query: SceneQuery,
    state: HudState,
    messages: Messages,
    destinations: Destinations | None = None,
    badge_height: float = BADGE_HEIGHT,
) -> HudModel:
    """Return what this frame shows; `messages` returns the last wire messages of a key.

    `badge_height` is how high over its feet the head of one without a sprite is.

    `destinations` are kept from frame to frame; new ones ask everybody at once.
    """
    scene, manager = query.scene, query.manager
    turns = TurnSettings.DEFAULT if manager is None else manager.voice_input.turns
    ways_out, is_generated = (destinations or Destinations()).look(query)
    lines = messages if state.is_inspector_open else lambda say, key: ()
    return HudModel(
        now=scene.time.now,
        size=scene.camera.size,
        actors=tuple(
            _actor(each, query, lines, _head(each, scene, badge_height))
            for each in query.characters
        ),
        voice=_voice(manager),
        is_toggled=turns.push_to_talk.toggle,
        faults=_faults(query, state),
        player_name=query.player.name if query.player is not None else "",
        player_head=None if query.player is None else _head(query.player, scene, badge_height),
        level=_level(scene),
        notice=state.notice,
        service_problem=_service_problem(query),
        pointer=scene.input.mouse_position,
        words=query.words,
        absent=_absent(query),
        ways_out=ways_out,
        is_generated=is_generated,
    )


def _absent(query: SceneQuery) -> frozenset[str]:
    scene, player = query.scene, query.player
    application = scene.find_service(Application)
    is_there = {
        "walk": player is not None and player.speed > 0,  # else the game moves it
        "talk": player is not None,
        "next": player is not None,
        "visitor": query.visitor is not None,
        "faults": query.faults is not None,
        "break": scene.find_component(FaultKeys) is not None,
        "fullscreen": application is not None and application.window is not None,
    }
    return frozenset(name for name in is_there if not is_there[name])


def _actor(character: Character, query: SceneQuery, messages: Messages, head: Point) -> Actor:
    return Actor(
        key=character.key,
        name=character.label,
        view=character.view,
        head=head,
        policy=character.reconnect_policy,
        is_target=character is query.target,
        messages=messages(query.words, character.key),
    )


def _head(figure: Component, scene: Scene, without_sprite: float) -> Point:
    """Return where the head of a character or of the player is on the screen."""
    owner = figure.game_object
    x, y = owner.transform.position
    sprite = owner.get_component(CharacterSprite)
    top = sprite.head_height if sprite is not None else without_sprite
    return scene.camera.to_screen((x, y - top))


def _level(scene: Scene) -> tuple[float, float] | None:
    camera = scene.camera
    if not camera.shift[0]:
        return None
    return camera.to_screen((0.0, 0.0))[0], camera.to_screen(scene.size)[0]


def _voice(manager: CharacterManager | None) -> VoiceInputStatus:
    if manager is None:
        return VoiceInputStatus()
    # The mute of this frame: the status is of the last piece of sound.
    return replace(manager.voice_input.status, muted=manager.voice_input.muted)


def _faults(query: SceneQuery, state: HudState) -> FaultState:
    faults, key = query.faults, state.fault_target
    if faults is None:
        return FaultState()
    is_known = query.keys and (key is None or key in query.keys)
    return FaultState(
        faults.has_service,
        faults.is_service_running,
        faults.network_conditions(key) if is_known else None,
        faults.is_microphone_unplugged,
    )


def _service_problem(query: SceneQuery) -> str:
    service = None if query.manager is None else query.manager.runtime.service
    return "" if service is None else query.words.translate(service.problem)


_ASKED_AT_ONCE, _FRAMES_BETWEEN = 24, 6


class Destinations:
    """Learns from all characters of a level where words and sound go, and if a model answers.

    Ten times a second it asks those that are near and, of a crowd, the next few of the others.
    """

    def __init__(self) -> None:
        self._turn: Iterator[Character] | None = None
        self._asked: dict[object, SessionView] = {}  # in this turn: one for each answer
        self._known: dict[object, SessionView] = {}  # in the turn before
        self._looks = 0
        self._found: tuple[Mapping[str, tuple[str, ...]], bool | None] = ({}, None)

    def look(self, query: SceneQuery) -> tuple[Mapping[str, tuple[str, ...]], bool | None]:
        """Return the hosts, each with what goes there, and whether a model answers anybody."""
        if self._looks % _FRAMES_BETWEEN == 0:
            if query.manager is not None:
                self._ask_some(query.manager)
            views = [*self._known.values(), *(character.view for character in query.characters)]
            self._found = _ways_out(views), _is_generated(views)
        self._looks += 1
        return self._found

    def _ask_some(self, manager: CharacterManager) -> None:
        most = None if self._turn is None else _ASKED_AT_ONCE
        some = list(islice(self._turn or manager.each_character(), most))
        views = [character.view for character in some if character.has_session]
        self._asked.update(((v.model, tuple(v.ways_out.items())), v) for v in views)
        if most is None or len(some) < most:
            self._known, self._asked = self._asked, {}
            self._turn = manager.each_character()


def _ways_out(views: Iterable[SessionView]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for view in views:
        for what, host in view.ways_out.items():
            found.setdefault(host, {})[what] = None
    return {host: tuple(whats) for host, whats in found.items()}


def _is_generated(views: Sequence[SessionView]) -> bool | None:
    if any(view.model or (view.model is None and "talk" in view.ways_out) for view in views):
        return True
    return None if all(view.model is None for view in views) else False


MOST_CAPTIONS = 2
_LETTERS_PER_SECOND = 13.0  # slow readers included; subtitles for adults run at 17
_AT_LEAST = 3.0


@dataclass(frozen=True, slots=True)
class Caption:
    """One line of talk with its speaker's name."""

    speaker: str
    text: str
    to: str = ""
    """The character that the player speaks to; empty for a character's own line."""
    is_open: bool = False  # still growing
    is_cut: bool = False  # interrupted

    @property
    def is_player(self) -> bool:
        """Whether the player said it."""
        return bool(self.to)


def reading_seconds(text: str) -> float:
    """Return how long a text stays, from when it began."""
    return _AT_LEAST + len(text) / _LETTERS_PER_SECOND


def captions(model: HudModel, most: int = MOST_CAPTIONS) -> tuple[Caption, ...]:
    """Return the captions of this moment in the order of the talk, the newest last.

    The player's own line goes first when both sides are shown; a line that is being spoken is
    never pushed out by one that is over.
    """
    found = [
        (turn, actor)
        for actor in model.actors
        for turn in actor.view.transcript[-3:]
        if turn.text.strip() and _is_shown(turn, actor, model.now)
    ]
    found.sort(key=lambda pair: (_is_said_now(*pair), pair[0].t))
    shown = sorted(found[-most:], key=lambda pair: pair[0].t)
    return tuple(_caption(turn, actor, model) for turn, actor in shown)


def _is_shown(turn: Turn, actor: Actor, now: float) -> bool:
    if turn.speaker == "character" and _is_said_now(turn, actor):
        return True
    return now - turn.t < reading_seconds(turn.text)


def _is_said_now(turn: Turn, actor: Actor) -> bool:
    return not turn.final or (turn is actor.view.transcript[-1] and actor.view.is_speaking)


def _caption(turn: Turn, actor: Actor, model: HudModel) -> Caption:
    is_player = turn.speaker == "player"
    speaker, to = (_own_name(actor, model), actor.name) if is_player else (actor.name, "")
    return Caption(speaker, turn.text.strip(), to, not turn.final, turn.interrupted)


def _own_name(actor: Actor, model: HudModel) -> str:
    """Return the player's name as this character knows it, or another one, or else the game's."""
    told = (actor.view.player_name, *(other.view.player_name for other in model.actors))
    return next(filter(None, told), model.player_name)

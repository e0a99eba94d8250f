"""The real game in a child process: runtime, service process, scene, microphone and loudspeaker.

    python -m tests.audio.game FOLDER [DELAY [PRE_ROLL]]

Two characters, `left` and `right` of the player, who can be asked the same. Every event is a line
of JSON. Commands, one a line: look WHO, say WHO TEXT, interrupt WHO, cut WHO, connect WHO,
disconnect WHO, mute, unmute, show.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.parts import make_parts
from characters.components.player import Player
from characters.protocol.messages import ServerMessage
from characters.protocol.turn_settings import ListeningMode, TurnSettings
from characters.session.conversation import SessionStateChanged
from characters.session.policy import ReconnectPolicy
from engine.app.application import Application
from engine.objects.scene import Scene
from tests.audio.corpus import BY_GRAMMAR
from tests.audio.listen import tell

__all__ = ["ANSWERS", "QUESTION", "VOICE_OFFSET"]

QUESTION = "where does it hurt"
ANSWERS = {
    "left": "My left knee hurts on the stairs.",
    "right": "My shoulder is worse at night.",
}
VOICE_OFFSET = 240.0  # pixels to the side of the player: half of the way to the level's edge
PERSONA = """
name = "{who}"
fallback = ["Pardon?"]
[greeting]
first = ["Yes?"]
[[topic]]
id = "pain"
ask = ["{question}"]
lines = ["{answer}"]
"""
PAUSE_SECONDS = 0.002


def write_personas(folder: Path) -> Path:
    """Write the personas and return the folder of assets."""
    personas = folder / "assets" / "personas"
    personas.mkdir(parents=True, exist_ok=True)
    for who, answer in ANSWERS.items():
        text = PERSONA.format(who=who, question=QUESTION, answer=answer)
        (personas / f"{who}.toml").write_text(text, encoding="utf-8")
    return personas.parent


class Stage:
    """The game's parts and what commands do with them."""

    def __init__(self, folder: Path, delay: float, pre_roll: float) -> None:
        self.app = app = Application(data_dir=folder / "data", headless=True)
        self.parts = make_parts(
            app.persistent_data_path,
            write_personas(folder),
            app.prefs,
            clock=app.clock,
            dispatcher=app.dispatcher,
            speech=BY_GRAMMAR,
        )
        app.provide(self.parts.runtime)
        app.scenes.open_scene = partial(self._open, delay, pre_roll)
        app.scenes.load("ward")
        app.tick()
        self.ears = self.parts.runtime.voice_input
        self.ears.allow()
        self._told: object = None
        self._resting: dict[str, bool] = {}

    def _open(self, delay: float, pre_roll: float, name: str) -> Scene:
        scene = self.app.new_scene(name)
        turns = TurnSettings(mode=ListeningMode.HANDS_FREE, pre_roll_seconds=pre_roll)
        scene.add(CharacterManager(reach=300.0, turns=turns))
        self.player = scene.create("You", position=(480, 300)).add(Player())
        self.characters: dict[str, Character] = {}
        policy = ReconnectPolicy(auto_mic_start_delay_seconds=delay, max_reconnect_attempts=None)
        for who, side in (("left", -VOICE_OFFSET), ("right", VOICE_OFFSET)):
            it = scene.create(who, position=(480 + side, 300)).add(
                Character(who, reconnect_policy=policy)
            )
            it.events.subscribe(partial(self._report, who))
            self.characters[who] = it
        return scene

    def _report(self, who: str, event: object) -> None:
        if isinstance(event, SessionStateChanged):
            tell(event="state", who=who, state=event.new_state.name, at=event.t)
        elif isinstance(event, ServerMessage):
            text = getattr(event, "text", None)
            tell(event=type(event).__name__, who=who, text=text)

    def frame(self) -> None:
        """Run a frame, and tell what has changed."""
        self.app.tick()
        status = self.ears.status
        keeps = status.kept_seconds > 0.0
        now = (status.target, status.is_open, status.problem, keeps)
        if now != self._told:
            self._told = now
            tell(
                event="ears",
                target=status.target,
                is_open=status.is_open,
                why=status.problem,
                keeps=keeps,
            )
        for who, character in self.characters.items():
            view = character.view
            resting = view.connected_at is not None and view.dialogue in ("idle", "attending")
            if resting != self._resting.get(who):
                self._resting[who] = resting
                tell(event="rests" if resting else "stirs", who=who)

    def obey(self, command: str) -> None:
        """Do what a line of the input says."""
        verb, _, rest = command.partition(" ")
        who, _, text = rest.partition(" ")
        character = self.characters.get(who)
        if character is None:
            plain: dict[str, Callable[[], object]] = {
                "mute": partial(self.ears.set_muted, True),
                "unmute": partial(self.ears.set_muted, False),
                "show": self._show,
            }
            plain[verb]()
        elif verb == "look":
            self.player.look_at(character.transform.position)
        elif verb == "say":
            character.session.send_text(text)
        else:
            if verb == "interrupt":
                tell(event="interrupting", who=who)
            getattr(character.session, verb)()

    def _show(self) -> None:
        views = {who: character.view.microphone for who, character in self.characters.items()}
        tell(
            event="view",
            frames={who: view.frames_sent for who, view in views.items()},
            early={who: view.frames_before_open for who, view in views.items()},
        )

    def close(self) -> None:
        """End as the game does."""
        self.app.scenes.close()
        self.parts.close()
        self.app.close()


def main(folder: str, delay: str = "0.2", pre_roll: str = "0") -> None:
    """Play until the input ends."""
    commands: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            commands.put(line.strip())
        commands.put("")

    threading.Thread(target=read, daemon=True).start()
    stage, pause = Stage(Path(folder), float(delay), float(pre_roll)), threading.Event()
    try:
        while True:
            stage.frame()
            pause.wait(PAUSE_SECONDS)
            if not commands.empty():
                command = commands.get()
                if not command:
                    return
                stage.obey(command)
    finally:
        stage.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

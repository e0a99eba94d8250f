"""The README's first example, as it stands there, on a real loudspeaker and a real microphone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.audio.corpus import say
from tests.audio.devices import PrivatePulse, private_pulseaudio
from tests.imports import ROOT

# Plays a game for somebody who lets nobody greet to the end, and holds T until he is answered.
# (A voice from the loudspeaker would make him harder to understand.)
PLAYER = """
import sys, threading, time, pygame
from characters import Character, CharacterManager
from characters.protocol.messages import BotStartedSpeaking, BotTurnCompleted
from characters.protocol.messages import FinalUserTranscription
start, update, heard, sources = Character.start, CharacterManager.update, [], []
people = []
def started(self):
    start(self)
    people.append(self)
    self.events.subscribe(heard.append)
def updated(self, dt):
    update(self, dt)
    status = self.voice_input.status
    sources.append((status.device, status.is_open))
Character.start, CharacterManager.update = started, updated
def until(kind, seconds=20.0):
    for _ in range(int(seconds / 0.05)):
        if any(isinstance(event, kind) for event in heard):
            return
        threading.Event().wait(0.05)
    print("no", kind.__name__, flush=True)
def play():
    until(BotStartedSpeaking)  # the greeting
    threading.Event().wait(1.0)
    print("opened early" if any(device for device, _ in sources) else "closed", flush=True)
    while sum(isinstance(event, BotTurnCompleted) for event in heard) < len(people):
        for character in people:
            character.session.interrupt()
        threading.Event().wait(0.2)
    heard.clear()
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_t))
    ends = time.monotonic() + 10
    while not sources[-1][1] and time.monotonic() < ends:
        threading.Event().wait(0.05)
    print("open" if sources[-1][1] else "not open", flush=True)
    until(FinalUserTranscription)
    words = [event.text for event in heard if isinstance(event, FinalUserTranscription)]
    print("understood", *words, flush=True)
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.K_t))
    until(BotStartedSpeaking)
    threading.Event().wait(1.0)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
threading.Thread(target=play, daemon=True).start()
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), {"__name__": "__main__"})
"""


def play(pulse: PrivatePulse, folder: Path) -> subprocess.Popen[str]:
    """Start the example with its data in a folder."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    (folder / "game.py").write_text(found[1], encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-c", PLAYER, str(folder / "game.py")],
        env={
            **pulse.environment,
            "SDL_VIDEODRIVER": "dummy",
            "PYGAME_HIDE_SUPPORT_PROMPT": "1",
            "XDG_DATA_HOME": str(folder),
            "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_game_of_ones_own_is_heard_and_hears(tmp_path: Path) -> None:
    question = say("espeak-ng en-us", "who are you", tmp_path)
    with private_pulseaudio() as pulse, pulse.recording() as sound:
        game = play(pulse, tmp_path)
        assert game.stdout is not None
        assert game.stdout.readline() == "closed\n"  # no microphone before the first press
        greeted_until = sound.now
        assert game.stdout.readline() == "open\n"
        speaker = pulse.speak(question)
        assert game.stdout.readline() == "understood who are you\n"
        understood_at = sound.now
        assert game.wait(30.0) == 0
        speaker.wait(5.0)
        assert sound.sounds(0.0, greeted_until, over=1_000) is not None
        assert sound.sounds(understood_at, sound.now, over=1_000) is not None

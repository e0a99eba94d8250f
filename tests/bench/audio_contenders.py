"""The capture path, its hand-over and its peers; what a bench of sound is made of."""

from __future__ import annotations

import asyncio
import math
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter

import numpy as np

from characters.audio.microphone import Blocks
from characters.audio.mixer import Mixer
from characters.audio.signal import Samples
from characters.audio.sources import FRAME_SAMPLES, FrameRing, FrameSink
from characters.client.conversation import Conversation
from characters.client.voice_input import VoiceInput

__all__: list[str] = []

FRAMES_OF_A_ROUND = 500
VOICE: Samples = (6_000 * np.sin(np.arange(FRAME_SAMPLES) * 0.3)).astype(np.int16)
PCM = VOICE.tobytes()


def timed(action: Callable[[], object], count: int = FRAMES_OF_A_ROUND) -> list[float]:
    """Return the mean seconds of one action, after some to warm up."""
    for _ in range(count // 10):
        action()
    began = perf_counter()
    for _ in range(count):
        action()
    return [(perf_counter() - began) / count]


def forever(action: Callable[[], object]) -> Iterator[list[float]]:
    while True:
        yield timed(action)


# Handing one frame to K consumers in one thread.


def pre_cut_ring(folder: Path, consumers: int) -> Iterator[list[float]]:
    """The floor: slots that exist already, one cursor for each consumer, nothing is copied out."""
    slots = np.zeros((64, FRAME_SAMPLES), np.int16)
    cursors = [0] * consumers
    written = 0

    def hand_over() -> None:
        nonlocal written
        slots[written % 64] = VOICE
        written += 1
        for number in range(consumers):
            _ = slots[cursors[number] % 64]
            cursors[number] += 1

    return forever(hand_over)


def through_ring(folder: Path, consumers: int) -> Iterator[list[float]]:
    """Ours, with a ring for each consumer (in the game only the target has one)."""
    rings = [FrameRing() for _ in range(consumers)]

    def hand_over() -> None:
        for ring in rings:
            ring.put(VOICE, 0.0)
            ring.get()

    return forever(hand_over)


def through_target(folder: Path, consumers: int) -> Iterator[list[float]]:
    """Ours as the game has it: one ring, one of K characters is the target."""
    ring = FrameRing()
    drivers: dict[str, list[object]] = {str(number): [] for number in range(consumers)}

    def hand_over() -> None:
        ring.put(VOICE, 0.0)
        target = drivers["0"]
        target.append(ring.get())
        target.clear()

    return forever(hand_over)


def through_queue(folder: Path, consumers: int) -> Iterator[list[float]]:
    queues: list[queue.Queue[bytes]] = [queue.Queue() for _ in range(consumers)]

    def hand_over() -> None:
        for one in queues:
            one.put(PCM)
            one.get()

    return forever(hand_over)


def through_deque(folder: Path, consumers: int) -> Iterator[list[float]]:
    queues: list[deque[Samples]] = [deque(maxlen=64) for _ in range(consumers)]

    def hand_over() -> None:
        for one in queues:
            one.append(VOICE.copy())
            one.popleft()

    return forever(hand_over)


# The whole capture path, from PortAudio's block to the driver.


class PushedSource:
    """A microphone whose blocks a bench pushes."""

    device, problem = "bench", None

    def __init__(self) -> None:
        self.sink: FrameSink | None = None

    def choose(self, device: str | None) -> None:
        """There is only one."""

    def start(self, sink: FrameSink) -> None:
        """Keep the sink."""
        self.sink = sink

    def stop(self) -> None:
        """Nothing runs."""


class Character(Conversation):
    """A character whose gate is open."""

    is_listening, is_getting_ready = True, False

    def __init__(self) -> None:
        self.delays: list[float] = []

    def offer_kept(self, pcm: bytes) -> bool:
        return True

    def offer_audio(self, pcm: bytes, captured_at: float) -> bool:
        self.delays.append(monotonic() - captured_at)
        return True

    def force_user_stopped_speaking(self, *, has_spoken: bool = False) -> None:
        """Nothing is behind it."""

    def interrupt(self) -> None:
        """Nothing is behind it."""

    def set_addressed(self, is_addressed: bool) -> None:
        """Nothing is behind it."""


def open_ears(
    character: Character, now: Callable[[], float] = monotonic
) -> tuple[VoiceInput, PushedSource]:
    source = PushedSource()
    ears = VoiceInput(lambda: source, now)
    ears.set_mode("hands_free")
    ears.allow()
    ears.set_target("ada")
    ears.step({"ada": character}.get)
    return ears, source


def capture_path(folder: Path, rate: int) -> Iterator[list[float]]:
    """From a block of the device through frames, level, gate and target to the driver."""
    character = Character()
    # A clock of its own: the health check must not take a bench for a runaway device.
    now = 0.0

    def tick() -> float:
        nonlocal now
        now += 0.02
        return now

    ears, source = open_ears(character, lambda: now)
    assert source.sink is not None
    blocks = Blocks(rate, source.sink, tick)
    size = rate // 50
    block = (6_000 * np.sin(np.arange(size) * 0.1)).astype(np.int16).tobytes()
    drivers = {"ada": character}.get

    def frame() -> None:
        blocks.take(np.frombuffer(block, np.int16))
        ears.step(drivers)

    while True:
        yield timed(frame)
        character.delays.clear()


def plain_frame(folder: Path, rate: int) -> Iterator[list[float]]:
    """The floor: a frame's arithmetic alone: thinned out, copied, how loud it is, its bytes."""
    block = (6_000 * np.sin(np.arange(rate // 50) * 0.1)).astype(np.int16)
    slot = np.zeros(FRAME_SAMPLES, np.int16)

    def frame() -> bytes:
        np.copyto(slot, block.reshape(FRAME_SAMPLES, -1).mean(axis=1), casting="unsafe")
        floats = slot.astype(np.float32)
        math.log10(float(np.dot(floats, floats)) + 1.0)
        return slot.tobytes()

    return forever(frame)


# From the microphone's thread to the driver while the main thread computes.


def frame_latency(folder: Path, busy: bool, interval: float) -> Iterator[list[float]]:
    """Yield how late each of 100 frames reached the driver, in seconds."""
    character = Character()
    ears, source = open_ears(character)
    network = threading.Thread(
        target=lambda: asyncio.run(ears.run({"ada": character}.get)), daemon=True
    )
    network.start()
    try:
        assert source.sink is not None
        yield from delays(source.sink, character.delays, busy, interval)
    finally:
        ears.close()
        network.join(2.0)


def bare_hops(folder: Path, busy: bool, interval: float) -> Iterator[list[float]]:
    """The floor: how late a loop on another thread calls what it was handed, in seconds."""
    late: list[float] = []
    loop = asyncio.new_event_loop()
    network = threading.Thread(target=loop.run_forever, daemon=True)
    network.start()

    def hop(samples: Samples, at: float) -> None:
        loop.call_soon_threadsafe(lambda: late.append(monotonic() - at))

    try:
        yield from delays(hop, late, busy, interval)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        network.join(2.0)


def delays(
    sink: FrameSink, late: list[float], busy: bool, interval: float
) -> Iterator[list[float]]:
    """Yield what is `late` after each 100 frames, beside a main thread that computes or waits."""
    sys.setswitchinterval(interval)
    while True:
        late.clear()
        pusher = threading.Thread(target=partial(push_frames, sink, 100))
        pusher.start()
        while pusher.is_alive():
            if busy:
                sum(range(2_000))
            else:
                pusher.join(0.01)
        yield list(late)


def push_frames(sink: FrameSink, count: int) -> None:
    """Push frames at the pace of a microphone."""
    pause = threading.Event()
    due = monotonic()
    for _ in range(count):
        due += 0.02
        pause.wait(max(0.0, due - monotonic()))
        sink(VOICE, monotonic())


# Playback.


def plain_mix(folder: Path, voices: int) -> Iterator[list[float]]:
    """The floor: as many blocks added up with a gain for each side, held to 16 bits."""
    sounds = [np.resize(VOICE, 480).astype(np.float32) for _ in range(voices)]
    sides = np.array((0.5, 0.7), np.float32)

    def block() -> Samples:
        mix = np.zeros((480, 2), np.float32)
        for sound in sounds:
            mix += sound[:, None] * sides
        return np.clip(mix, -32_768, 32_767).astype(np.int16)

    return forever(block)


def mix_block(folder: Path, voices: int) -> Iterator[list[float]]:
    """Mix 10 ms of several voices at 48 kHz."""
    mixer = Mixer(48_000)
    sound = np.tile(VOICE, 150).tobytes()

    def block() -> None:
        mixer.render(480)

    while True:
        for number in range(voices):
            mixer.interrupt(str(number))
            for _ in range(6):
                mixer.play(str(number), sound * 2, 48_000)
        yield timed(block)


def interruption(folder: Path) -> Iterator[list[float]]:
    """Yield how much sound still leaves the mixer after an interruption, in seconds."""
    mixer = Mixer(48_000)
    while True:
        mixer.play("ada", np.full(48_000, 8_000, np.int16).tobytes(), 48_000)
        for _ in range(20):
            mixer.render(480)
        mixer.interrupt("ada")
        tail = np.concatenate([mixer.render(480) for _ in range(40)])
        yield [float(np.flatnonzero(tail.any(axis=1))[-1]) / 48_000]


# Speech in the service.


SENTENCE = "It hurts when I bend my knee, doctor."


def first_sound(folder: Path, voice: str) -> Iterator[list[float]]:
    """Yield how long it takes from a sentence to the first chunk of its sound."""
    from characters.speech.factory import make_speech
    from characters.speech.settings import SpeechSettings, SpeechVoice

    speech = make_speech(SpeechSettings(voice=SpeechVoice(voice)), recognise=False)

    async def first() -> float:
        began = perf_counter()
        chunks = speech.synthesise(SENTENCE)
        await anext(chunks)
        took = perf_counter() - began
        await chunks.aclose()
        return took

    asyncio.run(first())  # what is loaded is there after it
    while True:
        yield [asyncio.run(first())]


def bare_espeak(folder: Path) -> Iterator[list[float]]:
    """The floor: the two programs of a sentence, its sound and its phonemes, to their end."""
    from characters.speech.espeak import find_espeak

    program = find_espeak()
    assert program is not None
    while True:
        began = perf_counter()
        both = [
            subprocess.Popen([program, *how, SENTENCE], stdout=subprocess.DEVNULL)
            for how in (("--stdout",), ("-q", "-x"))
        ]
        for one in both:
            one.wait()
        yield [perf_counter() - began]


def bare_hibari(folder: Path) -> Iterator[list[float]]:
    """The floor: the library's own way from a sentence to its sound."""
    from hibari import Hibari

    model = Hibari()
    model(SENTENCE, seed=1)
    while True:
        began = perf_counter()
        model(SENTENCE, seed=1)
        yield [perf_counter() - began]


def bare_whisper(folder: Path) -> Iterator[list[float]]:
    """The floor: the library's own way from an utterance to its words, as we ask it."""
    from characters.speech.whisper import WhisperTranscriber, packaged_model

    path = packaged_model()
    assert path is not None
    model, noise = WhisperTranscriber(path, "en"), babble_of_speech()
    while True:
        began = perf_counter()
        model.transcribe(noise)
        yield [perf_counter() - began]


def bare_sphinx(folder: Path) -> Iterator[list[float]]:
    """The floor: two decoders of the library, one of two sentences, one of phones, hear it all."""
    import pocketsphinx

    said = "how are you feeling today | where does it hurt"
    words, phones = (pocketsphinx.Decoder(loglevel="FATAL") for _ in range(2))
    words.add_jsgf_string("said", f"#JSGF V1.0; grammar said; public <said> = {said};")
    words.activate_search("said")
    model = Path(str(pocketsphinx.get_model_path())) / "en-us" / "en-us-phone.lm.bin"
    phones.add_allphone_file("phones", str(model))
    phones.activate_search("phones")
    noise = babble_of_speech()
    while True:
        began = perf_counter()
        for decoder in (words, phones):
            decoder.start_utt()
            decoder.process_raw(noise, False, False)
            decoder.end_utt()
            decoder.hyp()
        yield [perf_counter() - began]


def last_words(folder: Path, language: str) -> Iterator[list[float]]:
    """Yield how long it takes from the end of an utterance to its words.

    In "en" by Whisper, where its package is installed; a grammar is not asked about the language.
    """
    from characters.speech.factory import make_speech
    from characters.speech.settings import SpeechSettings

    phrases = ("how are you feeling today", "where does it hurt")

    async def hear() -> float:
        listener = speech.listen(phrases)
        for number in range(60):
            frame = noise[number * 640 :][:640] if number < 60 else bytes(640)
            await listener.feed(frame, number * 0.02)
        began = perf_counter()
        await listener.force_stop()
        took = perf_counter() - began
        await listener.close()
        return took

    speech = make_speech(SpeechSettings(recognition_language=language), speak=False)
    noise = babble_of_speech()
    asyncio.run(hear())  # what is loaded is there after it
    while True:
        yield [asyncio.run(hear())]


def babble_of_speech() -> bytes:
    """Return 1.2 s of espeak-ng at 16 kHz, or of noise where it is not installed."""
    from characters.audio.signal import resample
    from characters.speech.espeak import Espeak, find_espeak
    from characters.speech.interfaces import VoiceStyle

    program = find_espeak()
    if program is None:
        return np.random.default_rng(0).normal(0.0, 2e3, 60 * 320).astype(np.int16).tobytes()

    async def speak() -> bytes:
        chunks = Espeak(program).synthesise("How are you feeling today?", VoiceStyle())
        return b"".join([chunk.pcm async for chunk in chunks])

    sound = np.frombuffer(asyncio.run(speak()), np.int16)
    return np.resize(resample(sound, 22_050, 16_000), 60 * 320).tobytes()

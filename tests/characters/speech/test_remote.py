from __future__ import annotations

import asyncio
import gzip
import io
import logging
import math
import re
import struct
import wave
from contextlib import aclosing, nullcontext
from time import monotonic

import numpy as np
import pytest

from characters.protocol.messages import VISEMES
from characters.speech.interfaces import (
    SAY_AGAIN,
    Heard,
    Rejected,
    SynthesisError,
    VoiceChunk,
    VoiceStyle,
)
from characters.speech.remote import (
    BARE_RATE,
    REST_SECONDS,
    EndpointRecogniser,
    EndpointSynthesiser,
    SoundStream,
    SoundStreamError,
    SpeechEndpoint,
)
from engine.core.clock import ManualClock
from tests.characters.speech.openai_server import OpenAIServer, serving, tone, wav

SOUND = tone(0.5, 16_000)


def patience(server: OpenAIServer) -> float:
    """Return the seconds that an answer may take: few where none will come."""
    if server.stays_open:
        return 2.0
    return 0.3 if server.is_stuck or server.trickles else 60.0


def recognise(
    *changes: tuple[str, object], times: int = 1
) -> tuple[Heard | Rejected, OpenAIServer]:
    async def talk() -> tuple[Heard | Rejected, OpenAIServer]:
        async with serving() as server:
            for name, value in changes:
                setattr(server, name, value)
            endpoint = SpeechEndpoint(server.url, "whisper-1", "k3y")
            ears = EndpointRecogniser(endpoint, "en", patience(server))
            for _ in range(times):
                utterance = await ears.open(("where does it hurt",))
                await utterance.feed(SOUND[:640])
                await utterance.feed(SOUND[640:])
                heard = await utterance.finish()
            await ears.close()
            return heard, server

    return asyncio.run(talk())


def test_an_utterance_is_sent_as_one_file_and_its_words_come_back() -> None:
    heard, server = recognise()
    assert heard == Heard("Where does it hurt?")
    (asked,) = server.asked
    with wave.open(io.BytesIO(asked["file"])) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        assert file.readframes(file.getnframes()) == SOUND


def test_model_language_and_key_go_along() -> None:
    _, server = recognise()
    asked = server.asked[0]
    assert (asked["model"], asked["language"], asked["response_format"]) == (
        "whisper-1",
        "en",
        "verbose_json",
    )
    assert server.keys == ["Bearer k3y"]


def test_a_service_that_refuses_to_say_how_sure_it_is_is_asked_for_the_words_alone() -> None:
    heard, server = recognise(("knows_verbose", False), times=2)
    assert heard == Heard("Where does it hurt?")
    formats = [asked["response_format"] for asked in server.asked]
    assert formats == ["verbose_json", "json", "json"]


def segment(text: str, **fields: object) -> dict[str, object]:
    sure = {"avg_logprob": -0.1, "no_speech_prob": 0.01, "compression_ratio": 1.2}
    return {"text": text} | sure | fields


def test_pieces_that_the_model_is_sure_of_become_one_sentence() -> None:
    heard, _ = recognise(("segments", [segment(" Where does"), segment(" it hurt?")]))
    assert isinstance(heard, Heard) and heard.text == "Where does it hurt?"
    assert 0.9 < heard.confidence < 0.91


@pytest.mark.parametrize(
    "invented",
    [
        segment("Where are you?", no_speech_prob=0.9),
        segment("Uh the of", avg_logprob=-1.4),
        segment("Oh no oh no oh no oh no oh no", compression_ratio=3.0),
        segment("Thank you for watching!"),
    ],
)
def test_what_a_service_has_invented_for_noise_is_rejected(invented: dict[str, object]) -> None:
    assert recognise(("segments", [invented]))[0] == Rejected(SAY_AGAIN)


@pytest.mark.parametrize(
    "segments",
    [
        [], "none", [{"text": "Where does it hurt?", "id": None}],
        ["Where does it hurt?"], [{"start": 0.0, "no_speech_prob": 0.1}], [{"text": " "}],
        [segment("Where does it hurt?", avg_logprob=math.nan, no_speech_prob=math.nan)],
        [segment("Where does it hurt?", avg_logprob=math.inf)],
        [segment("Where does it hurt?", compression_ratio=10**400)],
        [segment("Where does it hurt?", avg_logprob="-1")],
    ],
)  # fmt: skip
def test_a_service_that_does_not_say_how_sure_it_is_is_believed(segments: object) -> None:
    heard = recognise(("segments", segments))[0]
    assert isinstance(heard, Heard) and heard.text == "Where does it hurt?"
    assert 0.9 < heard.confidence <= 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", 500),
        ("status", 401),
        ("is_stuck", True),
        ("text", None),
        ("text", " "),
        ("raw", b"[" * 100_000),
        ("raw", b"Where does it hurt?"),
        ("raw", b'{"text": "a"}' + b" " * (2 << 20)),
    ],
)
def test_whatever_fails_the_player_is_asked_to_say_it_again_and_soon(
    name: str, value: object
) -> None:
    began = monotonic()
    assert recognise((name, value))[0] == Rejected(SAY_AGAIN)
    assert monotonic() - began < 5.0


@pytest.mark.parametrize("status", [302, 307])
def test_neither_key_nor_words_follow_a_redirect(status: int) -> None:
    async def talk() -> None:
        async with serving() as stranger, serving() as server:
            server.status, server.elsewhere = status, stranger.url
            ears = EndpointRecogniser(SpeechEndpoint(server.url, "m", "k3y"), "en", 5.0)
            utterance = await ears.open(())
            await utterance.feed(SOUND)
            assert await utterance.finish() == Rejected(SAY_AGAIN)
            await ears.close()
            voice = voice_of(server)
            with pytest.raises(SynthesisError, match=f"HTTP {status}"):
                async for _ in voice.synthesise("My secret.", VoiceStyle()):
                    pass
            await voice.close()
            assert len(server.asked) >= 2 and not stranger.asked

    asyncio.run(talk())


def test_a_service_that_is_not_there_is_a_rejection() -> None:
    async def talk() -> Heard | Rejected:
        ears = EndpointRecogniser(SpeechEndpoint("http://127.0.0.1:9/v1", "m"), "")
        heard = await (await ears.open(())).finish()
        await ears.close()
        return heard

    assert asyncio.run(talk()) == Rejected(SAY_AGAIN)


def test_a_failure_is_logged_once_without_words_or_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        recognise(("status", 500), times=3)
    (record,) = caplog.records
    assert "HTTP 500" in record.getMessage() and "k3y" not in record.getMessage()


def test_what_is_dropped_is_never_sent() -> None:
    async def talk() -> OpenAIServer:
        async with serving() as server:
            ears = EndpointRecogniser(SpeechEndpoint(server.url, "m"), "")
            utterance = await ears.open(())
            await utterance.feed(SOUND)
            await utterance.cancel()
            await ears.close()
            return server

    assert asyncio.run(talk()).asked == []


def voice_of(
    server: OpenAIServer, clock: ManualClock | None = None, asked: str = "wav"
) -> EndpointSynthesiser:
    endpoint = SpeechEndpoint(server.url, "tts-1", "k3y", answer_within=patience(server))
    return EndpointSynthesiser(endpoint, "alloy", (clock or ManualClock()).now, asked)


def speak(
    *changes: tuple[str, object], style: VoiceStyle | None = None, asked: str = "wav"
) -> tuple[list[VoiceChunk], OpenAIServer]:
    async def talk() -> tuple[list[VoiceChunk], OpenAIServer]:
        async with serving() as server:
            for name, value in changes:
                setattr(server, name, value)
            voice = voice_of(server, asked=asked)
            try:
                chunks = [c async for c in voice.synthesise("Hello.", style or VoiceStyle())]
            finally:
                await voice.close()
            return chunks, server

    return asyncio.run(talk())


def test_a_sentence_comes_back_in_short_chunks_at_the_rate_of_the_service() -> None:
    chunks, _ = speak()
    assert b"".join(chunk.pcm for chunk in chunks) == tone(0.5, 22_050)
    assert {chunk.sample_rate for chunk in chunks} == {22_050}
    assert all(len(chunk.pcm) <= 0.1 * 2 * 22_050 for chunk in chunks)


def test_a_character_has_its_own_voice_or_the_one_of_the_settings() -> None:
    _, plain = speak()
    _, own = speak(style=VoiceStyle(name="onyx", words_per_minute=330))
    assert (plain.asked[0]["voice"], own.asked[0]["voice"]) == ("alloy", "onyx")
    assert "speed" not in plain.asked[0] and own.asked[0]["speed"] == 2.0


def test_the_key_goes_along() -> None:
    assert speak()[1].keys == ["Bearer k3y"]


def test_bare_samples_are_24_kilohertz() -> None:
    chunks, _ = speak(("pieces", [tone(0.2, 24_000)]), asked="pcm")
    assert chunks[0].sample_rate == 24_000
    assert len(b"".join(chunk.pcm for chunk in chunks)) == 2 * 4_800


def test_bare_samples_that_end_within_one_are_none() -> None:
    changes = ("pieces", [tone(0.2, 24_000)[:-1]]), ("tells_length", True)
    with pytest.raises(SynthesisError, match="within a sample"):
        speak(*changes, asked="pcm")


def test_a_file_of_an_odd_length_is_spoken() -> None:
    answer = wav(tone(0.2, 24_000), 24_000) + b"LIST\x03\0\0\0tag"
    chunks, _ = speak(("pieces", [answer]), ("tells_length", True))
    assert b"".join(chunk.pcm for chunk in chunks) == tone(0.2, 24_000)


def test_every_file_of_an_answer_is_spoken_at_its_own_rate() -> None:
    files = [wav(tone(0.11, 22_050), 22_050), wav(tone(0.07, 16_000), 16_000)]
    chunks, _ = speak(("pieces", files))
    for rate, seconds in ((22_050, 0.11), (16_000, 0.07)):
        sound = b"".join(chunk.pcm for chunk in chunks if chunk.sample_rate == rate)
        assert sound == tone(seconds, rate)


def test_the_first_sound_does_not_wait_for_the_last() -> None:
    async def first() -> VoiceChunk:
        async with serving() as server:
            server.never_ends = True
            voice = voice_of(server)
            async with asyncio.timeout(60), aclosing(voice.synthesise("Hi.", VoiceStyle())) as it:
                chunk = await anext(it)
            # Leaving it in the middle is noticed at the other end.
            async with asyncio.timeout(60):
                await server.let_go.wait()
            await voice.close()
            return chunk

    assert asyncio.run(first()).pcm


def test_the_mouth_follows_the_sound() -> None:
    silence = bytes(2 * 4_800)
    chunks, _ = speak(("pieces", [wav(tone(0.2, 24_000, 800.0) + silence, 24_000)]))
    shapes = [VISEMES[int(np.argmax(chunk.visemes))] for chunk in chunks]
    assert shapes[0] == "aa" and shapes[-1] == "sil"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("status", 503, "HTTP 503"),
        ("is_stuck", True, "too long"),
        ("pieces", [b"ID3\4" + bytes(100)], "MP3"),
        ("pieces", [], "no sound"),
        ("breaks_off", True, "cannot be used"),
        ("kind", "application/json", "no sound"),
        ("pieces", [tone(0.2, 24_000)], "synthesis_format"),
        ("pieces", [b"<html><body>Bad gateway, try again later.</body></html>"], "a text"),
        ("pieces", [wav(tone(0.5, 22_050), 22_050)[:9_000]], "broke off"),
    ],
)
def test_a_failure_says_what_the_service_did(name: str, value: object, why: str) -> None:
    with pytest.raises(SynthesisError, match=why):
        speak((name, value))


def test_bytes_that_trickle_in_are_no_voice() -> None:
    with pytest.raises(SynthesisError, match="too long"):
        speak(("pieces", [b"RIF"]), ("trickles", True))


@pytest.mark.parametrize("files", [1, 2])
def test_a_sentence_that_came_whole_is_not_said_again_where_the_answer_stays_open(
    files: int,
) -> None:
    sound = tone(0.07, 24_000)
    chunks, _ = speak(("pieces", [wav(sound, 24_000)] * files), ("stays_open", True))
    assert b"".join(chunk.pcm for chunk in chunks) == sound * files
    with pytest.raises(SynthesisError, match="too long"):
        speak(("pieces", [wav(sound, 24_000)[:-200]]), ("stays_open", True))


def test_a_voice_that_never_ends_is_cut() -> None:
    endless = wav(tone(0.1, 24_000), 24_000)[:40] + b"\xff\xff\xff\xff"
    with pytest.raises(SynthesisError, match="does not end"):
        speak(("pieces", [endless]), ("never_ends", True))


def test_after_a_failure_it_is_left_alone_for_a_while() -> None:
    async def talk() -> list[int]:
        clock, asked = ManualClock(), []
        async with serving() as server:
            voice = voice_of(server, clock)
            server.status = 500
            for wait in (0.0, 1.0, REST_SECONDS):
                clock.advance(wait)
                with pytest.raises(SynthesisError):
                    await anext(voice.synthesise("Hello.", VoiceStyle()))
                asked.append(len(server.asked))
            await voice.close()
        return asked

    assert asyncio.run(talk()) == [1, 1, 2]


@pytest.mark.parametrize("level", range(1, 10))
def test_bare_samples_may_be_packed_on_their_way(level: int) -> None:
    packed = gzip.compress(tone(0.2, 24_000), level, mtime=0)
    changes = ("pieces", [packed]), ("tells_length", True), ("packs", "gzip")
    chunks, _ = speak(*changes, asked="pcm")
    assert b"".join(chunk.pcm for chunk in chunks) == tone(0.2, 24_000)


@pytest.mark.parametrize("sound", [b"", bytes(4_000)])
def test_silence_is_no_voice_but_for_signs_alone(sound: bytes) -> None:
    async def talk() -> None:
        async with serving() as server:
            server.pieces = [wav(sound, 16_000)]
            voice = voice_of(server)
            for text in ("...", "\N{WAVING HAND SIGN}"):
                async for _ in voice.synthesise(text, VoiceStyle()):
                    pass
            with pytest.raises(SynthesisError, match="no sound"):
                async for _ in voice.synthesise("Hello.", VoiceStyle()):
                    pass
            await voice.close()

    asyncio.run(talk())


@pytest.mark.parametrize("name", ["", "onyx"])
def test_a_sentence_that_is_refused_costs_the_next_ones_neither_voice_nor_service(
    name: str,
) -> None:
    async def talk() -> list[str]:
        async with serving() as server:
            voice, style = voice_of(server), VoiceStyle(name=name)
            for status in (200, 422, 200):
                server.status = status
                refusal = pytest.raises(SynthesisError, match="refuses a sentence")
                with nullcontext() if status == 200 else refusal:
                    assert [chunk async for chunk in voice.synthesise("Hello.", style)]
            await voice.close()
            return [asked["voice"] for asked in server.asked]

    assert asyncio.run(talk()) == [name or "alloy"] * 3


def test_a_voice_that_the_service_does_not_have_is_replaced_from_the_next_sentence_on() -> None:
    async def talk() -> list[str]:
        async with serving() as server:
            voice, style = voice_of(server), VoiceStyle(name="nobody")
            server.status = 400
            with pytest.raises(SynthesisError, match="nobody"):
                await anext(voice.synthesise("Hello.", style))
            server.status = 200
            assert [chunk async for chunk in voice.synthesise("Hello.", style)]
            await voice.close()
            return [asked["voice"] for asked in server.asked]

    assert asyncio.run(talk()) == ["nobody", "alloy"]


def _changed(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def read_all(data: bytes, size: int, kind: str = "", asked: str = "wav") -> list[tuple[bytes, int]]:
    """Return the sound of an answer that comes in pieces of a size, with the rate of each."""
    stream, found = SoundStream(kind, asked), list[tuple[bytes, int]]()
    for at in range(0, len(data), size):
        piece = stream.feed(data[at : at + size])
        while piece:
            found.append((piece, stream.rate))
            piece = stream.feed(b"")
    return [*found, (stream.end(), stream.rate)]


def read(data: bytes, size: int, kind: str = "", asked: str = "wav") -> tuple[bytes, int]:
    found = read_all(data, size, kind, asked)
    return b"".join(piece for piece, _ in found), found[-1][1]


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_a_wav_file_in_pieces_of_any_size_is_read(size: int) -> None:
    sound = tone(0.05, 16_000)
    assert read(wav(sound, 16_000), size) == (sound, 16_000)


@pytest.mark.parametrize("kind", ["wav", "audio/mpeg", "Audio/WAV; codecs=1", ";;;", "é"])
def test_a_wav_file_is_one_whatever_it_is_called(kind: str) -> None:
    assert read(wav(SOUND, 16_000), 100, kind) == (SOUND, 16_000)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("kind", "asked"), [("", "pcm"), ("application/octet-stream", "pcm"), ("audio/pcm", "wav")]
)
def test_bare_samples_are_read(size: int, kind: str, asked: str) -> None:
    sound = tone(0.05, BARE_RATE)
    assert read(sound, size, kind, asked) == (sound, BARE_RATE)


def test_bare_samples_are_what_they_say() -> None:
    sound = tone(0.05, 16_000)
    assert read(sound, 100, "audio/pcm; rate=16000") == (sound, 16_000)
    both = np.repeat(np.frombuffer(sound, "<i2"), 2).astype("<i2").tobytes()
    assert read(both, 100, "audio/pcm;channels=2;rate=16000") == (sound, 16_000)


@pytest.mark.parametrize("kind", ["audio/pcm;rate=16k", "audio/pcm;rate=0", "audio/pcm;channels=6"])
def test_bare_samples_that_say_nonsense_are_none(kind: str) -> None:
    with pytest.raises(SoundStreamError, match="its sound has"):
        read(tone(0.05, BARE_RATE), 100, kind)


def test_two_channels_become_one() -> None:
    frames = np.array([[1_000, 3_000], [-200, 0]], "<i2")
    assert (
        read(wav(frames.tobytes(), 44_100, channels=2), 5)[0]
        == np.array([2_000, -100], "<i2").tobytes()
    )


def test_what_follows_the_sound_is_no_sound() -> None:
    sound = tone(0.05, 16_000)
    assert read(wav(sound, 16_000) + b"LIST\x04\0\0\0tags", 100)[0] == sound


def test_who_streams_does_not_know_the_size() -> None:
    data = bytearray(wav(tone(0.05, 16_000), 16_000))
    data[40:44] = b"\xff\xff\xff\xff"
    assert read(bytes(data), 100)[0] == tone(0.05, 16_000)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\xff\xfb\x90\0", "MP3"),
        (b"OggS", "Ogg"),
        (b"fLaC", "FLAC"),
        (b' {"error": {"message": "no such model is loaded"}}', "JSON"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html><body>busy</body></html>", "a text"),
        (b"error", "a text"),
        (
            '{"error": "\u6a21\u578b\u672a\u52a0\u8f7d\u6a21\u578b\u672a\u52a0\u8f7d"}'.encode(),
            "JSON",
        ),
        (wav(bytes(90), 16_000, width=3), "24 bits"),
        (wav(bytes(90), 4_000), "4000 samples"),
        (wav(bytes(9_000), 16_000)[:5_000], "broke off"),
        (_changed(wav(bytes(90), 16_000), 40, b"\x59\0\0\0"), "within a sample"),
        (_changed(wav(bytes(90), 16_000), 20, b"\3\0"), "kind 3"),
        (_changed(wav(bytes(90), 16_000), 24, b"\0\xca\x9a\x3b"), "1000000000 samples"),
        (_changed(wav(bytes(90), 16_000), 32, b"\4\0"), "of 4 bytes"),
        (b"RIFF\0\0\0\0WAVE" + b"JUNK\xff\xff\0\0" * 2 + bytes(70_000), "no sound"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "does not say"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(70_000), "no WAV"),
        (b"\0\0\0\x20ftypM4A " + bytes(100), "MP4"),
        (b"\x1a\x45\xdf\xa3" + bytes(100), "WebM"),
        (b"FORM\0\0\0\0AIFF" + bytes(100), "AIFF"),
    ],
)
@pytest.mark.parametrize("size", [1, 10_000])
def test_what_cannot_be_played_is_named(data: bytes, what: str, size: int) -> None:
    with pytest.raises(SoundStreamError, match=what):
        read(data, size)


@pytest.mark.parametrize("kind", ["text/html", "application/json", "application/problem+json"])
def test_an_answer_that_says_it_is_no_sound_is_none(kind: str) -> None:
    with pytest.raises(SoundStreamError, match=re.escape(kind)):
        read(wav(bytes(90), 16_000), 10, kind)


@pytest.mark.parametrize("asked", ["wav", "pcm"])
@pytest.mark.parametrize(
    ("kind", "what"), [("audio/wav", "says WAV"), ("audio/aac", "audio/aac"), ("image/png", "png")]
)
def test_bare_samples_that_say_to_be_something_else_are_none(
    kind: str, what: str, asked: str
) -> None:
    with pytest.raises(SoundStreamError, match=what):
        read(tone(0.05, BARE_RATE), 10, kind, asked)


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "audio/pcm"])
def test_what_is_compressed_is_never_played_as_samples(kind: str) -> None:
    compressed = b"\xff\xf1\x50\x80" + np.random.default_rng(1).bytes(4_000)
    with pytest.raises(SoundStreamError):
        read(compressed, 100, kind, "wav")
    with pytest.raises(SoundStreamError, match="compressed"):
        read(compressed, 100, kind, "pcm")


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"<!DOCTYPE html><html><body>busy, try again later</body></html>", "a text"),
        (b'{"error": {"message": "no such model is loaded here"}} ', "JSON"),
        (b"\xff\xfb\x90\xc4" + bytes(3_000), "MP3"),
        (b"OggS\0\2" + bytes(100), "Ogg"),
        (b"\x1f\x8b\x08\0" + bytes(100), "gzip"),
        (np.random.default_rng(1).bytes(4_000), "compressed"),
        ((0.3 * np.sin(np.arange(2_400) / 20)).astype("<f4").tobytes(), "compressed"),
        (np.frombuffer(tone(0.1, 24_000), "<i2").astype(">i2").tobytes(), "compressed"),
    ],
)
@pytest.mark.parametrize("size", [1, 700, 10_000])
@pytest.mark.parametrize("said", [None, b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_a_wav_file_of_something_else_is_never_played(
    payload: bytes, what: str, size: int, said: bytes | None
) -> None:
    file = wav(payload[: len(payload) // 2 * 2], 24_000)
    stream, played = SoundStream("audio/wav"), b""
    with pytest.raises(SoundStreamError, match=what):
        for at in range(0, len(file), size):
            piece = _changed(file, 40, said or file[40:44])[at : at + size]
            played += stream.feed(piece)
        stream.end()
    assert not played
    with pytest.raises(SoundStreamError, match=what):  # behind another file, too
        read(wav(SOUND, 24_000) + file, size)


def test_a_voice_may_begin_like_mp3() -> None:
    sound = np.array([-1_025, -700, -400], "<i2").tobytes() + SOUND
    assert read(wav(sound, 16_000), 10)[0] == sound


def test_of_the_extended_kind_16_bits_may_be_no_samples() -> None:
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 32_000, 2, 16, 22, 16, 4)
    for kind in (1, 3):
        guid = bytes([kind]) + bytes.fromhex("000000001000800000aa00389b71")
        chunk = b"fmt " + struct.pack("<I", 40) + form + guid + b"\0"
        file = b"RIFF\0\0\0\0WAVE" + chunk + b"data" + struct.pack("<I", len(SOUND)) + SOUND
        if kind == 1:
            assert read(file, 10) == (SOUND, 16_000)
        else:
            with pytest.raises(SoundStreamError, match="kind 3"):
                read(file, 10)


def test_a_loud_voice_and_a_hiss_are_bare_samples() -> None:
    chance = np.random.default_rng(1)
    hiss = (chance.standard_normal(2_400) * 8_000).clip(-32_768, 32_767).astype("<i2").tobytes()
    shout = (np.sign(np.sin(np.arange(2_400) / 20)) * 30_000).astype("<i2").tobytes()
    for sound in (hiss, shout):
        assert read(sound, 100, "audio/pcm")[0] == sound


def test_what_stands_behind_a_file_may_look_like_the_begin_of_one() -> None:
    files = wav(SOUND, 16_000) + b"LIST\x08\0\0\0RIFFRIFF" + wav(SOUND, 16_000)
    assert read(files, 100)[0] == 2 * SOUND


@pytest.mark.parametrize("start", [b"<{ID", b"\xff\xff\xff\xff", b"\xff\xfb\xff\xff", bytes(40)])
def test_bare_samples_may_begin_like_something_else(start: bytes) -> None:
    sound = start + tone(0.05, BARE_RATE)
    assert read(sound, 10, asked="pcm")[0] == sound


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
@pytest.mark.parametrize("said", [None, b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_several_files_in_one_answer_are_all_read(size: int, said: bytes | None) -> None:
    first, second = tone(0.05, 16_000), tone(0.03, 24_000, 330.0)
    files = [wav(first, 16_000), wav(first, 16_000), wav(second, 24_000)]
    tags = b"LIST\x04\0\0\0tags" if said is None else b""
    data = b"".join(_changed(file, 40, said or file[40:44]) + tags for file in files)
    found = read_all(data, size)
    for rate, sound in ((16_000, first * 2), (24_000, second)):
        assert b"".join(piece for piece, at in found if at == rate) == sound

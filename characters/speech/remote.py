"""Speech by an OpenAI-compatible service; keys and words never reach the log.

* `EndpointRecogniser`: `/audio/transcriptions`, a WAV file for each utterance
* `EndpointSynthesiser`: `/audio/speech`, played while it comes in
* `SoundStream`: reads a WAV file, or bare samples, while it comes in
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import wave
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import aiohttp
import numpy as np

from characters.protocol.codec import whole_text
from characters.protocol.failures import CharactersError
from characters.speech.espeak import weights_of_sound
from characters.speech.interfaces import (
    SAY_AGAIN,
    CollectedUtterance,
    Heard,
    Rejected,
    SynthesisError,
    VoiceChunk,
    VoiceStyle,
    dictated,
    dictated_from,
)

__all__ = [
    "BARE_RATE", "EndpointRecogniser", "EndpointSynthesiser", "SoundStream", "SoundStreamError",
    "SpeechEndpoint",
]  # fmt: skip


log = logging.getLogger(__name__)


class EndpointError(CharactersError):
    """The endpoint failed; the message says how. Worth a retry.

    `is_refusal`: it works, but refused this request.
    """

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    """Where the service is; `url` ends before `/audio/...`, times are in seconds."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    connect_within: float = 3.0
    answer_within: float = 6.0  # between two signs of life


class EndpointClient:
    """Posts to one service and keeps its connections; `close` it."""

    def __init__(self, endpoint: SpeechEndpoint, total_seconds: float | None = None) -> None:
        self.endpoint = endpoint
        self._timeout = aiohttp.ClientTimeout(
            total=total_seconds,
            sock_connect=endpoint.connect_within,
            sock_read=endpoint.answer_within,
        )
        self._http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def post(self, path: str, **body: Any) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """Post `json` or `data`; leaving the context early ends the answer. Raises EndpointError.

        What fails while the answer is read raises it too.
        """
        url = self.endpoint.url.rstrip("/") + path
        try:
            # A redirect is an answer like any other: key and words are for the chosen endpoint.
            async with self._session().post(url, allow_redirects=False, **body) as answer:
                if answer.status != 200:
                    why = f"it answers HTTP {answer.status}"
                    raise EndpointError(why, is_refusal=answer.status in (400, 404, 422))
                yield answer
        except TimeoutError as error:
            raise EndpointError("it takes too long") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EndpointError(f"it cannot be used ({type(error).__name__})") from error

    def _session(self) -> aiohttp.ClientSession:
        # Made at the first use, since it belongs to the running event loop.
        if self._http is None:
            key = self.endpoint.key
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            self._http = aiohttp.ClientSession(timeout=self._timeout, headers=headers)
        return self._http

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()


# From the end of the utterance to its words: a player who waited longer would have typed it.
TOTAL_SECONDS = 8.0
MOST_ANSWER_BYTES = 1 << 20


class EndpointRecogniser:
    """Implements `Recogniser`: each utterance is sent as a WAV file when it is over."""

    def __init__(
        self, endpoint: SpeechEndpoint, language: str, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._client = EndpointClient(endpoint, total_seconds)
        self._language = language
        self._format = "verbose_json"  # which tells how sure it is
        self._is_failing = False

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Do nothing: the service understands whatever is said."""

    async def open(self, phrases: tuple[str, ...]) -> CollectedUtterance:
        """Begin an utterance."""
        return CollectedUtterance(self.transcribe)

    async def transcribe(self, pcm: bytes) -> Heard | Rejected:
        """Return what was said in 16 kHz mono int16; a failure is a rejection."""
        try:
            content = await self._ask_as_it_can(pcm)
        except EndpointError as error:
            if not self._is_failing:
                log.warning("speech is not understood, the recognition endpoint fails: %s", error)
            self._is_failing = True
            return Rejected(SAY_AGAIN)
        self._is_failing = False
        return _said_in(content)

    async def _ask_as_it_can(self, pcm: bytes) -> Mapping[str, Any]:
        try:
            return await self._ask(pcm, self._format)
        except EndpointError as error:
            if not error.is_refusal or self._format == "json":
                raise
        content = await self._ask(pcm, "json")
        self._format = "json"  # some of its models know no other
        return content

    async def _ask(self, pcm: bytes, response_format: str) -> Mapping[str, Any]:
        form = aiohttp.FormData()
        form.add_field("file", _wav_of(pcm), filename="said.wav", content_type="audio/wav")
        form.add_field("model", self._client.endpoint.model)
        form.add_field("response_format", response_format)
        if self._language:
            form.add_field("language", self._language)
        async with self._client.post("/audio/transcriptions", data=form) as answer:
            content = await _json_of(answer)
        if not isinstance(content, dict) or not isinstance(content.get("text"), str):
            raise EndpointError("its answer holds no text")
        return content

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


async def _json_of(answer: aiohttp.ClientResponse) -> Any:
    """Return what an answer holds. Raises EndpointError, ValueError for what is no JSON."""
    data = bytearray()
    async for piece in answer.content.iter_any():
        data += piece
        if len(data) > MOST_ANSWER_BYTES:
            raise EndpointError("its answer is too long")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise EndpointError("its answer is nested too deep") from error


@dataclass(frozen=True, slots=True)
class _Segment:
    """A piece of an utterance; a server may leave out how sure it is."""

    text: str
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float


def _said_in(content: Mapping[str, Any]) -> Heard | Rejected:
    """Return what was said, of an answer with a text and maybe segments."""
    raw = content.get("segments")
    segments = raw if isinstance(raw, list) else []
    told = [it for it in segments if isinstance(it, dict) and isinstance(it.get("text"), str)]
    if len(told) < len(segments) or not any(it["text"].strip() for it in told):
        return dictated(whole_text(content["text"]))
    return dictated_from(_segment(it) for it in told)


def _segment(raw: Mapping[str, Any]) -> _Segment:
    def number(name: str, otherwise: float, most: float = 1_000.0) -> float:
        value = raw.get(name)
        # Neither "not a number" nor one that is too large for a float says anything.
        if isinstance(value, int | float) and -1_000.0 <= value <= most:
            return float(value)
        return otherwise

    return _Segment(
        whole_text(raw["text"]),
        number("avg_logprob", 0.0, most=0.0),
        number("no_speech_prob", 0.0),
        number("compression_ratio", 1.0),
    )


def _wav_of(pcm: bytes) -> bytes:
    """Return 16 kHz mono int16 as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16_000)
        wav.writeframes(pcm)
    return file.getvalue()


CHUNK_SECONDS = 0.05
# No voice takes longer for a sentence: the slowest says three letters in a second.
LONGEST_SECONDS, SECONDS_A_LETTER = 10.0, 0.5
USUAL_PACE = VoiceStyle().words_per_minute
# Not asked again for so long after a failure, or every sentence would wait for a time-out.
REST_SECONDS = 30.0


class EndpointSynthesiser:
    """Implements `Synthesiser` by a service that speaks sentence by sentence."""

    def __init__(
        self, endpoint: SpeechEndpoint, voice: str, now: Callable[[], float], audio_format: str
    ) -> None:
        self._client = EndpointClient(endpoint)
        self._voice = voice
        self._now = now
        self._format = audio_format
        self._failing_until = 0.0
        self._unknown: set[str] = set()  # voices that it does not have
        self._known: set[str] = set()  # those that have spoken

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a sentence. Raises SynthesisError."""
        if self._now() < self._failing_until:
            raise SynthesisError("the speech endpoint failed a moment ago")
        seconds, is_heard = 0.0, False
        body = self._body(text, style)
        try:
            async with (
                self._client.post("/audio/speech", json=body) as answer,
                aclosing(_chunks_in(answer, sound := _sound_of(answer, self._format))) as chunks,
            ):
                while chunk := await self._next(chunks, sound):
                    seconds += chunk.seconds
                    if seconds > LONGEST_SECONDS + len(text) * SECONDS_A_LETTER:
                        raise SoundStreamError("its sound does not end")
                    is_heard = is_heard or bool(chunk.pcm.strip(b"\0"))
                    yield chunk
        except (EndpointError, SoundStreamError) as error:
            raise self._failure(error, body["voice"]) from error
        if is_heard:
            self._known.add(body["voice"])
        elif any(letter.isalnum() for letter in text):  # of "..." there is nothing to be heard
            raise self._pause("it sends no sound")

    async def _next(
        self, chunks: AsyncGenerator[VoiceChunk, None], sound: SoundStream
    ) -> VoiceChunk | None:
        """Return the next chunk, None at the end: bytes that trickle in are no sign of life."""
        try:
            async with asyncio.timeout(self._client.endpoint.answer_within):
                return await anext(chunks, None)
        except TimeoutError as error:
            if sound.is_complete:  # and the service has only not closed its answer
                return None
            raise EndpointError("it takes too long") from error

    def _body(self, text: str, style: VoiceStyle) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._client.endpoint.model,
            "input": text,
            "voice": self._voice if style.name in self._unknown else style.name or self._voice,
            "response_format": self._format,
        }
        if style.words_per_minute != USUAL_PACE:
            body["speed"] = round(min(4.0, max(0.25, style.words_per_minute / USUAL_PACE)), 2)
        return body

    def _failure(self, error: Exception, voice: str) -> SynthesisError:
        if isinstance(error, EndpointError) and error.is_refusal:
            if voice in self._known:  # it is the sentence, such as one of signs alone
                return SynthesisError(f"the speech endpoint refuses a sentence: {error}")
            if voice != self._voice:
                self._unknown.add(voice)
                return SynthesisError(f"the speech endpoint may not know the voice {voice!r}")
        return self._pause(str(error))

    def _pause(self, why: str) -> SynthesisError:
        self._failing_until = self._now() + REST_SECONDS
        return SynthesisError(
            f"the speech endpoint failed: {why}; tried again in {REST_SECONDS:g} s"
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _sound_of(answer: aiohttp.ClientResponse, asked: str) -> SoundStream:
    """Return what reads the sound of an answer. Raises SoundStreamError."""
    # Of what is packed the length is not that of the sound.
    length = None if answer.headers.get("Content-Encoding") else answer.content_length
    return SoundStream(answer.headers.get("Content-Type", ""), asked, length)


async def _chunks_in(
    answer: aiohttp.ClientResponse, sound: SoundStream
) -> AsyncGenerator[VoiceChunk, None]:
    """Cut the sound of an answer into chunks as it comes. Raises SoundStreamError."""
    waiting, rate = b"", 0
    async for data in answer.content.iter_any():
        piece = sound.feed(data)
        while piece:
            if rate != sound.rate and waiting:
                yield _chunk_of(waiting, rate)
                waiting = b""
            rate = sound.rate
            waiting += piece
            size = 2 * round(rate * CHUNK_SECONDS)
            while len(waiting) >= size:
                yield _chunk_of(waiting[:size], rate)
                waiting = waiting[size:]
            piece = sound.feed(b"")
        if waiting and sound.is_complete:
            yield _chunk_of(waiting, rate)
            waiting = b""
    waiting += sound.end()
    if waiting:
        yield _chunk_of(waiting, sound.rate)


def _chunk_of(pcm: bytes, rate: int) -> VoiceChunk:
    """Return samples with the visemes that fit them."""
    return VoiceChunk(pcm, rate, weights_of_sound(np.frombuffer(pcm, "<i2"), rate))


# What OpenAI's `pcm` is: 24 kHz, 16 bits, little-endian, mono.
BARE_RATE = 24_000
BARE_KINDS = ("audio/pcm", "audio/x-pcm", "audio/raw", "audio/x-raw")
# They do not say what an answer is: what was asked for, then.
VAGUE_KINDS = ("", "application/octet-stream", "binary/octet-stream", "application/binary")
MAX_HEADER_BYTES = 4096
PCM, EXTENSIBLE = 1, 0xFFFE
# Of so many bytes one is no text, if they are sound; and of so many it is seen what is no sound.
TEXT_BYTES, NOISE_BYTES = 32, 1024
OTHERS = (
    (0, b"ID3", "MP3"), (0, b"OggS", "Ogg"), (0, b"fLaC", "FLAC"), (4, b"ftyp", "MP4"),
    (0, b"\x1a\x45\xdf\xa3", "WebM"), (0, b"FORM", "AIFF"), (0, b".snd", "AU"),
    (0, b"caff", "CAF"), (0, b"RF64", "RF64"), (0, b"RIFX", "RIFX"), (0, b"riff", "W64"),
    (0, b"#!AMR", "AMR"), (0, b"\x1f\x8b\x08", "gzip"), (0, b"PK\x03\x04", "ZIP"),
)  # fmt: skip
# Of a voice, neighbours are alike, or else it hisses, far below this.
NOISE_LOUDNESS, LEAST_ALIKE = 10_000.0, 0.3
LEAST_JUMP = 1_000
KINDS_OF_TEXT = ("text/", "application/json", "application/xml")
# Less is an error of counting, such as the header's own bytes, and nothing that is missed.
MISSED_SECONDS = 0.02


class SoundStreamError(CharactersError):
    """The bytes are no sound that can be played; the message says what they are."""


def _is_text(start: bytes) -> bool:
    """Tell whether bytes are text, whose last letter may be cut in two."""
    try:
        text = getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return False
    return bool(text) and all(letter.isprintable() or letter.isspace() for letter in text)


def _is_noise(start: bytes) -> bool:
    """Tell whether bytes, taken for samples, are as loud and as wild as no voice: compressed."""
    samples = np.frombuffer(start[: len(start) // 2 * 2], "<i2").astype(np.float64)
    power = float(np.mean(samples**2)) if samples.size >= TEXT_BYTES else 0.0
    if power < NOISE_LOUDNESS**2:
        return False
    return float(np.mean(samples[1:] * samples[:-1])) < LEAST_ALIKE * power


def _next_wav(data: bytes) -> int:
    """Return where a WAV file begins, -1 where none does."""
    at = data.find(b"RIFF")
    while at >= 0 and data[at + 8 : at + 12] != b"WAVE":
        at = data.find(b"RIFF", at + 1)
    return at


def _jumps(start: bytes) -> bool:
    """Tell whether two samples are as different as those of no voice that begins."""
    first, second = np.frombuffer(start[:4], "<i2").astype(int)
    return bool(abs(first - second) > LEAST_JUMP)


def _is_mp3(start: bytes) -> bool:
    """Tell whether bytes begin a frame of layer III: bare samples begin with FF FF often."""
    if len(start) < 3 or start[0] != 0xFF or start[1] & 0xE6 != 0xE2:
        return False
    return start[2] >> 4 not in (0, 15) and start[2] >> 2 & 3 != 3


class SoundStream:
    """Takes bytes in pieces of any size, returns mono int16; `rate` is that of what was returned.

    `kind` is the content type of the answer, `asked` the format that was asked for, `length` how
    many bytes it says to have. A WAV file is one whatever it is called, and several may follow one
    another; bare samples must be called that, or have been asked for.
    """

    def __init__(self, kind: str = "", asked: str = "wav", length: int | None = None) -> None:
        header = Message()
        header["Content-Type"] = kind
        self._kind = kind.partition(";")[0].strip().lower()
        self._header = header
        if self._kind.startswith(KINDS_OF_TEXT) or self._kind.endswith(("+json", "+xml")):
            raise SoundStreamError(f"it sends {self._kind}, no sound")
        self.rate = 0
        self._length = length or 0
        is_asked = asked == "pcm" and self._kind in VAGUE_KINDS
        self._may_be_bare = is_asked or self._kind in BARE_KINDS
        self._is_wav = False
        self._is_open = False  # what waits is sound, not a header
        self._is_checked = False  # it is what its header says
        self._channels = 1
        self._waiting = b""
        self._left: int | None = None  # bytes of sound still to come, None when unknown

    def feed(self, data: bytes) -> bytes:
        """Take more bytes, return what can be played now. Raises SoundStreamError.

        More of it may be there, in another file and maybe at another rate: until nothing is
        returned, call it again with no bytes.
        """
        self._waiting += data
        while self._is_open or self._read_header():
            if not self._is_sound(is_all=False):
                return b""
            sound = self._take(self._playable())
            if sound or self._is_open:
                return sound
        return b""

    def end(self) -> bytes:
        """Return the last sound. Raises SoundStreamError if some was announced and did not come."""
        if not self.rate and self._waiting:
            self._read_first(is_all=True)
        missed = self._left or 0
        if self._is_open and missed > MISSED_SECONDS * self.rate * self._width:
            raise SoundStreamError("it broke off in the middle of its sound")
        is_sound = self._is_open and self._is_sound(is_all=True)
        return self._take(len(self._waiting)) if is_sound else b""

    def _is_sound(self, *, is_all: bool) -> bool:
        """Return whether what waits can be sound, False until enough has come to tell."""
        if self._is_checked:
            return True
        needed = min(NOISE_BYTES, self._left or NOISE_BYTES)
        start = self._waiting[:needed]
        if len(start) < needed and not is_all:
            return False
        if len(start) >= TEXT_BYTES:
            if _is_mp3(start) and _jumps(start):
                raise SoundStreamError("it sends MP3 in a WAV file")
            self._refuse_others(start)
            self._refuse_text(start[:TEXT_BYTES])
        if _is_noise(start):
            raise SoundStreamError("it sends what is compressed, not samples")
        self._is_checked = True
        return True

    @property
    def is_complete(self) -> bool:
        """Whether all that was announced has come; another file may still follow."""
        return self.rate > 0 and self._left == 0 and not self._is_open

    @property
    def _width(self) -> int:
        return 2 * self._channels

    def _playable(self) -> int:
        """Return how many of the bytes that wait are sound of this file."""
        if self._left is not None:
            return min(len(self._waiting), self._left)
        if not self._is_wav:
            return len(self._waiting)
        # Where the size is unknown, another file may begin anywhere.
        at = _next_wav(self._waiting)
        return at if at >= 0 else max(0, len(self._waiting) - 11)

    def _take(self, size: int) -> bytes:
        size -= size % self._width
        sound, self._waiting = self._waiting[:size], self._waiting[size:]
        if self._left is not None:
            self._left -= size
        follows = self._waiting.startswith(b"RIFF") and self._waiting[8:12] == b"WAVE"
        self._is_open = not follows if self._left is None else self._left > 0
        if self._channels == 1:
            return sound
        frames = np.frombuffer(sound, "<i2").reshape(-1, self._channels)
        mono: bytes = frames.mean(axis=1).astype("<i2").tobytes()
        return mono

    def _read_header(self) -> bool:
        """Read the header of the first file or the next; return whether it is complete."""
        if not self.rate:
            return self._read_first(is_all=False)
        at = _next_wav(self._waiting)  # behind what tells of the file before
        self._waiting = self._waiting[at:] if at >= 0 else self._waiting[-11:]
        return at >= 0 and self._read_wav()

    def _read_first(self, *, is_all: bool) -> bool:
        start = self._waiting[:NOISE_BYTES]
        if len(start) < 12 and not is_all:
            return False
        if _next_wav(start) == 0:
            self._is_wav = True
            return self._read_wav()
        if _is_mp3(start):
            raise SoundStreamError("it sends MP3, not WAV")
        self._refuse_others(start)
        if len(start) < (NOISE_BYTES if self._may_be_bare else TEXT_BYTES) and not is_all:
            return False
        self._refuse_text(start[:TEXT_BYTES])
        if not self._may_be_bare:
            raise SoundStreamError(self._no_wav())
        self._begin_bare()
        return True

    def _begin_bare(self) -> None:
        rate, channels = (
            int(value) if (value := str(self._header.get_param(name, default))).isdecimal() else 0
            for name, default in (("rate", BARE_RATE), ("channels", 1))
        )
        self._check(rate, channels, 16, 2 * channels)
        self.rate, self._channels, self._is_open = rate, channels, True
        if self._length % self._width:
            raise SoundStreamError("its sound ends within a sample")

    def _no_wav(self) -> str:
        if "wav" in self._kind:
            return "it says WAV and sends something else"
        if self._kind in VAGUE_KINDS:
            return 'it sends no WAV; if they are bare samples, synthesis_format is "pcm"'
        return f"it sends {self._kind}, not WAV"

    @staticmethod
    def _refuse_others(start: bytes) -> None:
        for at, sign, name in OTHERS:
            if start[at:].startswith(sign):
                raise SoundStreamError(f"it sends {name}, not WAV")

    @staticmethod
    def _refuse_text(start: bytes) -> None:
        if _is_text(start):
            name = "JSON" if start.lstrip().startswith((b"{", b"[")) else "a text"
            raise SoundStreamError(f"it sends {name}, not WAV")

    def _read_wav(self) -> bool:
        rate, at = 0, 12
        while len(self._waiting) >= at + 8:
            name = self._waiting[at : at + 4]
            size = int.from_bytes(self._waiting[at + 4 : at + 8], "little")
            if name == b"data":
                return self._begin(rate, at + 8, size)
            if name == b"fmt " and len(self._waiting) >= at + 8 + size:
                rate = self._read_format(self._waiting[at + 8 : at + 8 + size])
            at += 8 + size + size % 2
        if at > MAX_HEADER_BYTES:
            raise SoundStreamError("its WAV file has no sound")
        return False

    def _read_format(self, form: bytes) -> int:
        kind, channels, width, bits, extended = (
            int.from_bytes(form[at : at + 2], "little") for at in (0, 2, 12, 14, 24)
        )
        rate = int.from_bytes(form[4:8], "little")
        kind = extended if kind == EXTENSIBLE and extended else kind
        if kind not in (PCM, EXTENSIBLE):
            raise SoundStreamError(f"its WAV file has sound of kind {kind}")
        self._check(rate, channels, bits, width)
        self._channels = channels
        return rate

    @staticmethod
    def _check(rate: int, channels: int, bits: int, width: int) -> None:
        if bits != 16 or channels not in (1, 2):
            raise SoundStreamError(f"its sound has {channels} channels of {bits} bits")
        if not 8_000 <= rate <= 96_000 or width != 2 * channels:
            raise SoundStreamError(f"its sound has {rate} samples a second of {width} bytes")

    def _begin(self, rate: int, at: int, size: int) -> bool:
        if not rate:
            raise SoundStreamError("its WAV file does not say what its sound is")
        # A service that streams does not know the size, and writes 0 or the largest number.
        self._left = size if 0 < size < 0x7FFF_F000 else None
        if self._left is not None and self._left % self._width:
            raise SoundStreamError("the sound of its WAV file ends within a sample")
        self.rate, self._is_open, self._is_checked = rate, True, False
        self._waiting = self._waiting[at:]
        return True

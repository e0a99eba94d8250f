"""Several people who speak to one service at once, and how long everybody's pings take meanwhile.

    python -m tests.audio.speakers [--speakers 10] [--rounds 3] [FLAG OF THE SERVICE ...]

Everybody is in a room of his own. By turns one of them says a sentence, again and again, and all
do, at the same moment; the voice of the answers is made as well. What counts is the ratio of the
two p99, of the same service in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
import numpy as np

from characters.client.service_process import ServiceProcess
from characters.protocol.audio_frames import pack_microphone
from characters.speech.interfaces import BUSY
from tests.audio.corpus import in_a_room, say
from tests.bench.case import percentile
from tests.characters.service.client import Guest, kind
from tests.soak.vitals import children_of

__all__ = [
    "ANSWER_SECONDS", "Crowd", "measure", "megabytes_of", "QUESTION", "sound_of",
    "speaking_service", "Turns",
]  # fmt: skip

ROOT = Path(__file__).parents[2]
QUESTION = "what is this place"
FRAME_BYTES = 640
PAUSE_FRAMES = 50  # of silence, which `in_a_room` leaves at the end
PING_SECONDS = 0.05
WARM_UPS = 5
ANSWER_SECONDS = 15.0  # whatever a recogniser does, an utterance has ended by then


@dataclass
class Turns:
    """What happened while some people spoke: pings in seconds, and what each utterance became."""

    pings: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)  # seconds from the end of the voice to them
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def p99(self) -> float:
        """The p99 of the pings."""
        return percentile(self.pings, 0.99)


class Person:
    """One room: a socket whose frames are looked at as they come."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.turns = Turns()
        self.spoke_until = 0.0
        self.frames = self.received = self.spoken = 0

    @property
    def is_answered(self) -> bool:
        """Whether something was made of each utterance."""
        return self.turns.outcomes.total() >= self.spoken

    async def listen(self) -> None:
        """Note what comes."""
        async for message in self.guest.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._note(json.loads(message.data))

    def _note(self, frame: dict[str, Any]) -> None:
        now = perf_counter()
        self.received = frame.get("seq", self.received)
        if frame.get("type") == "pong":
            self.turns.pings.append(now - frame["t"])
        elif kind(frame) == "final-user-transcription":
            self.turns.outcomes["understood"] += 1
            self.turns.words.append(now - self.spoke_until)
        elif kind(frame) == "server-response" and _is_speech_error(frame):
            is_full = frame["message"] == BUSY
            self.turns.outcomes["no place" if is_full else "not understood"] += 1

    async def ping(self) -> None:
        """Ping, and confirm what came, for ever."""
        while True:
            await self.guest.link("ack", received=self.received)
            await self.guest.link("ping", t=perf_counter())
            await asyncio.sleep(PING_SECONDS)

    async def speak(self, voice: bytes, until: float) -> None:
        """Say the same thing again and again, at the pace of a microphone."""
        due = perf_counter()
        frames = [voice[at : at + FRAME_BYTES] for at in range(0, len(voice), FRAME_BYTES)]
        while perf_counter() < until:
            self.spoken += 1
            for number, frame in enumerate(frames):
                if number == len(frames) - PAUSE_FRAMES:
                    self.spoke_until = perf_counter()
                self.frames += 1
                await self.guest.socket.send_bytes(
                    pack_microphone(
                        self.frames, self.frames * 0.02, frame.ljust(FRAME_BYTES, b"\0")
                    )
                )
                due += 0.02
                await asyncio.sleep(max(0.0, due - perf_counter()))


def _is_speech_error(frame: dict[str, Any]) -> bool:
    return (frame["event_type"], frame["status"]) == ("speech", "error")


class Crowd:
    """People in rooms of a service; by turns at each of its nodes, which are their URLs."""

    def __init__(self, *nodes: str, persona: str = "porter-3e8f") -> None:
        self._nodes = nodes
        self._persona = persona
        self._stack = AsyncExitStack()
        self.people: list[Person] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def enter(self, count: int) -> None:
        """Let so many people enter."""
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        for number in range(count):
            body = {"character_id": self._persona, "end_user_id": f"speaker-{number}"}
            node = self._nodes[number % len(self._nodes)]
            async with http.post(f"{node}/connect", json=body) as answer:
                grant = await answer.json()
            headers = {"Authorization": f"Bearer {grant['token']}"}
            socket = await self._stack.enter_async_context(
                http.ws_connect(grant["room_url"], protocols=("troupe.v1",), headers=headers)
            )
            person = Person(Guest(socket))
            await person.guest.link("hello", received=0)
            self.people.append(person)
        for person in self.people:
            self._tasks += [
                asyncio.create_task(person.listen()), asyncio.create_task(person.ping())
            ]  # fmt: skip

    async def speak(self, voice: bytes, speakers: int, seconds: float) -> Turns:
        """Let some of them speak, and return what happened to all of them meanwhile."""
        for person in self.people:
            person.turns, person.spoken = Turns(), 0
        until = perf_counter() + seconds
        await asyncio.gather(*(it.speak(voice, until) for it in self.people[:speakers]))
        until = perf_counter() + ANSWER_SECONDS
        while perf_counter() < until and not all(it.is_answered for it in self.people):  # noqa: ASYNC110 # a look now and then
            await asyncio.sleep(PING_SECONDS)
        total = Turns()
        for person in self.people:
            total.pings += person.turns.pings
            total.words += person.turns.words
            total.outcomes += person.turns.outcomes
        return total

    async def warm_up(self, voice: bytes) -> None:
        """Let one speak until he is understood: greetings, and whatever is loaded late."""
        for _ in range(WARM_UPS):
            if (await self.speak(voice, 1, 0.1)).outcomes["understood"]:
                return

    async def leave(self) -> None:
        """Let everybody go."""
        for task in self._tasks:
            task.cancel()
        await self._stack.aclose()


def megabytes_of(pid: int) -> float:
    """Return the memory of a process and its children, in MB: each page once."""
    total = 0.0
    for it in [pid, *children_of(pid)]:
        rollup = Path(f"/proc/{it}/smaps_rollup").read_text()
        line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
        total += int(line.split()[1]) / 1024
    return total


async def measure(
    service: str, voice: bytes, speakers: int, rounds: int, seconds: float
) -> tuple[Turns, Turns]:
    """Return what happened while one spoke and while all did, by turns."""
    crowd = Crowd(service)
    await crowd.enter(speakers)
    alone, together = Turns(), Turns()
    try:
        await crowd.warm_up(voice)
        for _ in range(rounds):
            for total, count in ((alone, 1), (together, speakers)):
                one = await crowd.speak(voice, count, seconds)
                total.pings += one.pings
                total.words += one.words
                total.outcomes += one.outcomes
    finally:
        await crowd.leave()
    return alone, together


def sound_of(question: str, folder: Path) -> bytes:
    """Return how somebody asks a question in a quiet room."""
    return in_a_room(say("espeak-ng en-us", question, folder), None, np.random.default_rng(1))


@contextmanager
def speaking_service(question: str, *flags: str) -> Iterator[tuple[ServiceProcess, bytes]]:
    """Run a service, and yield it with how the question sounds."""
    with tempfile.TemporaryDirectory() as folder:
        voice = sound_of(question, Path(folder))
        process = ServiceProcess(Path(folder), ROOT / "assets", arguments=("--seed", "1", *flags))
        process.start()
        try:
            yield process, voice
        finally:
            process.kill()


def line(name: str, turns: Turns) -> str:
    """Return a line of the table."""
    words = f"{percentile(turns.words, 0.5) * 1e3:.0f}" if turns.words else ""
    most = f"{max(turns.words) * 1e3:.0f}" if turns.words else ""
    pings = [percentile(turns.pings, share) * 1e3 for share in (0.5, 0.99, 1.0)]
    outcomes = ", ".join(f"{count} {what}" for what, count in sorted(turns.outcomes.items()))
    return (
        f"| {name} | {pings[0]:.1f} / {pings[1]:.1f} / {pings[2]:.1f} | {words} / {most} "
        f"| {outcomes} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speakers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=9.0)
    parser.add_argument("--question", default=QUESTION)
    asked, flags = parser.parse_known_args(arguments)
    with speaking_service(asked.question, *flags) as (process, voice):
        alone, together = asyncio.run(
            measure(process.url, voice, asked.speakers, asked.rounds, asked.seconds)
        )
        assert process.pid is not None
        many = 1 + len(children_of(process.pid))
        print(f"{megabytes_of(process.pid):.0f} MB in {many} processes")
    print(
        "| speakers | ping p50 / p99 / max, ms | end of speech to words p50 / max, ms "
        "| utterances |"
    )
    print("|---|---|---|---|")
    print(line("1", alone))
    print(line(str(asked.speakers), together))
    print(f"p99 together is {together.p99 / alone.p99:.1f} times that of one alone")


if __name__ == "__main__":
    main()

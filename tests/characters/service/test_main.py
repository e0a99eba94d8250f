"""The service as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from characters.protocol.audio_frames import AudioFrame
from characters.protocol.link import Bye, SequencedChannel
from characters.protocol.messages import (
    BotLlmText,
    BotTurnCompleted,
    ConnectRequest,
    UserTextMessage,
)
from characters.service.__main__ import main
from characters.speech.settings import SpeechSettings
from characters.transport.base import Connection
from characters.transport.websocket import WebSocketTransport
from tests.characters.speech.openai_server import serving, tone

ROOT = Path(__file__).parents[3]
DEADLINE = 120.0
ASK = ConnectRequest("patient-7f3a", end_user_id="me")


@asynccontextmanager
async def process(
    data: Path, *flags: str, speech: bool = False
) -> AsyncIterator[tuple[Process, str]]:
    command = ["-X", "utf8", "-m", "characters.service", "--words-per-second", "0", "--think", "0"]
    command += [] if speech else ["--no-speech"]
    command += ["--data", str(data), "--assets", str(ROOT / "assets"), *flags]
    it = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        assert it.stdout is not None
        async with asyncio.timeout(DEADLINE):
            line = json.loads(await it.stdout.readline())
        assert line["pid"] == it.pid
        yield it, line["url"]
    finally:
        if it.returncode is None:
            it.kill()
        await it.wait()


async def turn(connection: Connection) -> str:
    said = ""
    async with asyncio.timeout(DEADLINE):
        while not isinstance(message := await connection.receive(), BotTurnCompleted):
            said += message.text if isinstance(message, BotLlmText) else ""
    return said


async def talk(url: str, session_id: str | None, *texts: str) -> tuple[str, list[str]]:
    transport = WebSocketTransport(url)
    grant = await transport.connect(
        ConnectRequest("patient-7f3a", end_user_id="me", character_session_id=session_id)
    )
    connection = await transport.join(grant, SequencedChannel(grant.room_name))
    answers = [await turn(connection)]
    for text in texts:
        connection.send(UserTextMessage(text))
        answers.append(await turn(connection))
    await transport.close()
    return grant.character_session_id, answers


@pytest.mark.slow  # its rule is in test_service.py and test_store.py, without a process
def test_a_character_remembers_after_the_service_was_killed(tmp_path: Path) -> None:
    async def run() -> None:
        async with process(tmp_path) as (it, url):
            session_id, _ = await talk(url, None, "My name is Ada.")
            it.kill()
            await it.wait()
        async with process(tmp_path) as (_, url):
            again, answers = await talk(url, session_id, "What is my name?")
            assert again == session_id
            assert "Ada" in answers[0]
            assert "Ada" in answers[1]
        assert (tmp_path / "service" / "sessions.sqlite3").exists()

    asyncio.run(run())


def end_of_parent(it: Process) -> None:
    assert it.stdin is not None
    it.stdin.close()


@pytest.mark.parametrize(
    "end",
    [
        end_of_parent,
        pytest.param(Process.terminate, marks=pytest.mark.posix("on Windows it is a kill")),
    ],
)
def test_it_says_goodbye_and_ends_cleanly(tmp_path: Path, end: Callable[[Process], object]) -> None:
    async def run() -> None:
        flags = ("--with-parent", "--drain-retry-after", "2.5")
        async with process(tmp_path, *flags) as (it, url):
            transport = WebSocketTransport(url)
            grant = await transport.connect(ASK)
            connection = await transport.join(grant, SequencedChannel(grant.room_name))
            await turn(connection)
            end(it)
            async with asyncio.timeout(DEADLINE):
                assert await connection.receive() == Bye("drain", 2.5)
                assert await it.wait() == 0
            assert it.stderr is not None
            assert await it.stderr.read() == b""
            await transport.close()

    asyncio.run(run())


def test_its_log_holds_no_words_and_no_full_ids(tmp_path: Path) -> None:
    async def run() -> None:
        async with process(tmp_path, "--log-level", "DEBUG") as (it, url):
            session_id, answers = await talk(url, None, "My name is Zyzzyva.")
            async with aiohttp.ClientSession() as http:
                await http.delete(f"{url}/sessions/{session_id}")
            it.terminate()  # on Windows a kill: what was logged until then is there all the same
            assert it.stderr is not None
            log = (await it.stderr.read()).decode()
        assert "room" in log
        assert not [secret for secret in ("Zyzzyva", session_id, *answers) if secret in log]

    asyncio.run(run())


def test_it_refuses_to_listen_to_the_world_by_accident(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--host", "0.0.0.0"])
    assert "--allow-remote" in capsys.readouterr().err


@pytest.mark.parametrize("value", [None, ""])
def test_a_key_that_is_missing_ends_the_start(
    value: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SERVICE_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SERVICE_KEY", value)
    with pytest.raises(SystemExit):
        main(["--api-key-env", "SERVICE_KEY"])
    assert "SERVICE_KEY is unset or empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        ("--host", "0.0.0.0", "--allow-remote"),
        ("--trust-proxy",),
        ("--public-url", "wss://talk.example.org"),
    ],
)
def test_a_service_for_others_needs_a_key(
    flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(flags)
    assert "needs a key: --api-key-env" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://talk.example.org", "", "wss://", "ws://[::1", "wss://a b"])
def test_a_public_url_that_is_none_ends_the_start(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--public-url", url])
    assert f"--public-url is ws://HOST or wss://HOST, and not {url!r}" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["sqlite:///talks", "://", "https://db.example.org/talks"])
def test_a_store_that_is_no_database_of_ours_ends_the_start(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEY", "k" * 16)
    nodes = ("--node-url", "http://x", "--public-url", "wss://x", "--cluster-key-env", "KEY")
    with pytest.raises(SystemExit):
        main(["--store", url, "--api-key-env", "KEY", *nodes])
    assert "--store is postgresql://USER" in capsys.readouterr().err


def test_a_second_service_on_one_folder_is_refused_with_the_first_ones_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("characters.service.__main__.LOCK_SECONDS", 0.1)

    async def run() -> int:
        async with process(tmp_path) as (it, _):
            status = await asyncio.to_thread(main, ["--no-speech", "--data", str(tmp_path)])
            assert status == 1
            return it.pid

    pid = asyncio.run(run())
    assert f"process {pid}" in capsys.readouterr().err


def a_pipe(path: Path) -> None:
    os.mkfifo(path)  # which Windows has not


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.slow  # its rule is in test_store.py, without a process
@pytest.mark.posix("Windows has no pipes in folders, and a link takes a right that players lack")
@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("service/sessions.sqlite3", a_pipe, "sessions.sqlite3 is a pipe"),
        ("service/sessions.sqlite3", a_device, "sessions.sqlite3 is a link"),
        ("service/sessions.sqlite3", Path.mkdir, "sessions.sqlite3 is a folder"),
        ("service/sessions.sqlite3-wal", a_pipe, "sessions.sqlite3-wal is a pipe"),
        ("service/service.lock", a_pipe, "service.lock is a pipe"),
        ("service", a_pipe, "cannot be kept"),
    ],
)
def test_what_is_no_file_in_the_data_folder_is_told_and_the_service_talks(
    tmp_path: Path, name: str, make: Callable[[Path], None], words: str
) -> None:
    odd = tmp_path / name
    odd.parent.mkdir(exist_ok=True)
    make(odd)

    async def run() -> str:
        async with process(tmp_path) as (it, url):
            _, answers = await talk(url, None, "Hello.")
            assert all(answers)
            it.terminate()
            assert it.stderr is not None
            async with asyncio.timeout(DEADLINE):
                return (await it.stderr.read()).decode()

    told = asyncio.run(run())
    assert words in told and "Traceback" not in told


async def voice_at(url: str) -> AudioFrame:
    """Return the first piece of a character's voice."""
    transport = WebSocketTransport(url)
    grant = await transport.connect(ASK)
    connection = await transport.join(grant, SequencedChannel(grant.room_name))
    async with asyncio.timeout(DEADLINE):
        while not isinstance(frame := await connection.receive(), AudioFrame):
            pass
    await transport.close()
    return frame


@pytest.mark.slow  # its rule is in test_remote.py and test_factory.py
def test_a_character_speaks_with_its_voice_at_the_endpoint_of_the_settings(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving() as server:
            server.pieces = [tone(0.5, 24_000)]
            flags = SpeechSettings(synthesis_url=server.url).arguments()
            async with process(tmp_path, *flags, speech=True) as (_, url):
                frame = await voice_at(url)
            assert frame.sample_rate == 24_000 and tone(0.5, 24_000).startswith(frame.pcm)
            assert server.asked[0]["voice"] == "fable"  # the persona's own

    asyncio.run(run())


@pytest.mark.slow  # its rule is in test_factory.py
def test_when_the_endpoint_fails_the_sentence_is_spoken_all_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving() as server:
            server.status = 500
            flags = SpeechSettings(synthesis_url=server.url).arguments()
            async with process(tmp_path, *flags, speech=True) as (_, url):
                assert (await voice_at(url)).sample_rate == 22_050

    asyncio.run(run())


def test_speech_settings_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--synthesis-url", "example.org"])
    assert "synthesis_url must begin with http" in capsys.readouterr().err


def test_the_id_of_a_connect_goes_through_every_line_of_a_log_of_json(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "characters.transport.websocket")
    words = "My secret is a blue teapot."

    async def run() -> list[dict[str, Any]]:
        async with process(tmp_path, "--log-level", "INFO", "--log-format", "json") as (it, url):
            await talk(url, None, words)
            it.terminate()
            assert it.stderr is not None
            async with asyncio.timeout(DEADLINE):
                return [json.loads(line) async for line in it.stderr]

    lines = asyncio.run(run())
    (said,) = [r.getMessage() for r in caplog.records if "connecting" in r.getMessage()]
    request = said.rpartition(" ")[2]
    named = {line["message"].partition(" ")[0] for line in lines if line.get("request") == request}
    assert {"fresh,", "room"} <= named
    assert all("request" in line for line in lines if line["message"].startswith("room"))
    assert "teapot" not in json.dumps(lines)

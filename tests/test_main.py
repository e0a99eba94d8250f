"""The whole demo, end to end: the real game, the real service process, real files.

Most plays run in this process; those of a killed, a second or a signalled game in their own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import wave
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pygame
import pytest
from numpy.typing import NDArray

from characters.commands import demo
from characters.commands.demo import Game, LevelFolder, parse
from characters.commands.sessions import clear, open_persistence
from characters.components.parts import Parts, SoundDevices
from engine.prefs.prefs import PlayerPrefs
from tests.audio.devices import fifo_microphone, require
from tests.imports import ROOT
from tests.running import (
    WITHIN,
    do,
    hear,
    level_text,
    met,
    play,
    play_as_program,
    say,
    table_of,
    until,
    wait,
)

PATIENT, NURSE, KIOSK = "patient-7f3a", "nurse-21c4", "kiosk-90ab"
PORTER, EXAMINER = "porter-3e8f", "examiner-5d2e"


RETRIED_IN_VAIN = f"""
[[step]]
do = "retry"
character = "{EXAMINER}"
within = {WITHIN}
[[step]]
wait = {{ character = "{EXAMINER}", state = "ERROR" }}
within = {WITHIN}
"""
MANUAL_LEVEL = level_text(
    "Manual",
    table_of(
        PATIENT,
        'respond_mode = "manual"\n[object.Character.reconnect_policy]\nmax_reconnect_attempts = 50',
        name="Patient",
    ),
)


def test_the_levels_of_the_demo_are_given_the_sound_devices(tmp_path: Path) -> None:
    with ExitStack() as stack:
        options = parse(["--headless", "--data", str(tmp_path)])
        game = Game(options, LevelFolder(options.scene), stack)
        assert game.app.new_scene().find_service(SoundDevices) is game.parts.devices


def test_who_was_told_a_name_knows_it_after_a_restart(tmp_path: Path) -> None:
    told = until(PATIENT) + say(PATIENT, "My name is Ada.") + hear(PATIENT, "Ada")
    first = met(play(tmp_path, told))
    asked = until(PATIENT) + say(PATIENT, "What is my name?") + hear(PATIENT, "Ada")
    second = met(play(tmp_path, asked))
    assert second.connected(PATIENT)[0]["resume"] in ("RESUMED", "REJOINED")
    assert second.connected(PATIENT)[0]["session_id"] == first.connected(PATIENT)[0]["session_id"]


SHORT_LIVED = """[object.Character.reconnect_policy]
max_reconnect_attempts = 1
start_wait_timeout_ms = 20000"""
SHORT_LEVEL = level_text(
    "Short",
    table_of(PATIENT, SHORT_LIVED, name="Patient"),
    table_of(NURSE, SHORT_LIVED, name="Nurse"),
    game="[object.FaultKeys]",
)


def test_whoever_gave_up_comes_back_with_the_service_and_no_key_pressed(tmp_path: Path) -> None:
    level = tmp_path / "short.toml"
    level.write_text(SHORT_LEVEL, encoding="utf-8")
    everybody = until(PATIENT) + until(NURSE)
    script = everybody + say(PATIENT, "My name is Ada.") + hear(PATIENT, "Ada")
    script += do("key", key="f7") + until(PATIENT, "ERROR") + until(NURSE, "ERROR")
    script += do("key", key="f8") + everybody
    script += say(PATIENT, "What is my name?") + hear(PATIENT, "Ada")
    run = met(play(tmp_path, script, "--scene", str(level)))
    assert [connected["resume"] for connected in run.connected(NURSE)] == ["FRESH", "RESUMED"]


@pytest.mark.slow
def test_half_a_minute_without_the_service_is_over_six_seconds_after_it_is_back(
    tmp_path: Path,
) -> None:
    everybody = until(PATIENT) + until(NURSE)
    script = everybody + say(PATIENT, "My name is Ada.") + hear(PATIENT, "Ada")
    script += do("key", key="f7") + wait("seconds = 30") + do("key", key="f8") + everybody
    script += say(PATIENT, "What is my name?") + hear(PATIENT, "Ada")
    run = met(play(tmp_path, script))
    for who in (PATIENT, NURSE):
        again, connected = run.report["characters"][who]["states"][-2:]
        assert (again["from"], again["reason"]) == ("ERROR", "service started"), who
        assert connected["resume"] == "RESUMED"
        assert connected["t"] - again["t"] <= 6.0


@pytest.mark.slow
def test_who_was_told_a_name_knows_it_after_the_game_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "play.toml"
    script.write_text(
        until(PATIENT)
        + say(PATIENT, "My name is Ada.")
        + hear(PATIENT, "Ada")
        + do("key", key="d")
        + "[[step]]\nwait = { seconds = 50 }\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(ROOT / "main.py"), "--headless", "--script", str(script)]
    command += ["--data", str(tmp_path / "data"), "--log-level", "DEBUG"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as game:
        assert game.stderr is not None
        next(line for line in game.stderr if "step 4" in line)
        game.kill()
    asked = until(PATIENT) + say(PATIENT, "What is my name?") + hear(PATIENT, "Ada")
    second = met(play(tmp_path, asked))
    assert second.connected(PATIENT)[0]["resume"] in ("RESUMED", "REJOINED")


def test_damaged_settings_are_told_once_and_the_game_goes_on(
    tmp_path: Path, service_url: str
) -> None:
    path = tmp_path / "data" / "prefs.msgpack"
    with PlayerPrefs.open(path) as prefs:
        prefs.set_string("volume", "loud")
        prefs.set_string("hud.captions", "large")
    path.write_bytes(path.read_bytes().replace(b"loud", b"l0ud"))
    assert (
        met(play(tmp_path, until(PATIENT), endpoint=service_url)).log.count(
            "prefs.msgpack was damaged"
        )
        == 1
    )
    assert "was damaged" not in met(play(tmp_path, until(PATIENT), endpoint=service_url)).log
    with PlayerPrefs.open(path, read_only=True) as prefs:
        assert (prefs.get_string("hud.captions"), prefs.has_key("volume")) == ("large", False)


def test_the_kiosk_has_a_new_conversation_each_time(tmp_path: Path, service_url: str) -> None:
    script = until(KIOSK)
    ids = {
        met(play(tmp_path, script, "--scene", "lobby", endpoint=service_url)).connected(KIOSK)[0][
            "session_id"
        ]
        for _ in range(2)
    }
    assert len(ids) == 2


def test_the_next_visitor_of_the_kiosk_finds_nothing_of_the_last(
    tmp_path: Path, service_url: str
) -> None:
    script = until(KIOSK) + do("walk_to", character=KIOSK) + say(KIOSK, "My name is Ada.")
    script += hear(KIOSK, "Ada") + do("key", key="n") + until(KIOSK, "DISCONNECTED") + until(KIOSK)
    script += say(KIOSK, "What is my name?") + hear(KIOSK, "know|never|new")
    run = met(play(tmp_path, script, "--scene", "lobby", endpoint=service_url))
    first, second = run.connected(KIOSK)
    assert first["session_id"] != second["session_id"]
    assert second["resume"] == "FRESH"
    assert "Ada" not in str(run.report["characters"][KIOSK]["transcript"])


@pytest.mark.slow
def test_a_killed_service_that_comes_back_finds_everybody_again(tmp_path: Path) -> None:
    everybody = (PATIENT, NURSE, EXAMINER, KIOSK, PORTER)
    script = until(PATIENT) + until(NURSE) + do("load_scene", scene="exam") + until(EXAMINER)
    script += do("load_scene", scene="lobby") + until(KIOSK) + until(PORTER)
    script += say(PORTER, "My name is Ada.") + hear(PORTER, "Ada") + do("kill_service")
    script += "".join(until(who, "RECONNECTING") for who in everybody) + do("start_service")
    script += "".join(map(until, everybody)) + say(PORTER, "What is my name?")
    run = met(play(tmp_path, script + hear(PORTER, "Ada")))
    for who in everybody:
        assert run.states(who) == ["CONNECTING", "CONNECTED", "RECONNECTING", "CONNECTED"], who
        ids = {change["session_id"] for change in run.connected(who)}
        assert len(ids) == (2 if who == KIOSK else 1), who


def test_an_exam_that_cannot_go_on_is_an_error_of_the_examiner_alone(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PORTER) + do("load_scene", scene="exam") + until(EXAMINER)
    script += do("expire_session", character=EXAMINER) + do("cut", character=EXAMINER)
    script += until(EXAMINER, "ERROR") + 2 * RETRIED_IN_VAIN
    run = met(play(tmp_path, script, "--scene", "lobby", endpoint=service_url))
    assert run.states(EXAMINER)[2:] == ["RECONNECTING", "ERROR"] + 2 * ["CONNECTING", "ERROR"]
    assert run.errors(EXAMINER) == 3 * ["session.resume_refused"]
    assert run.states(PORTER) == ["CONNECTING", "CONNECTED"]


@pytest.mark.slow
def test_a_talk_that_must_be_resumed_is_never_begun_anew_unasked(tmp_path: Path) -> None:
    script = until(EXAMINER) + do("expire_session", character=EXAMINER) + do("kill_service")
    script += do("start_service") + until(EXAMINER, "ERROR") + 2 * RETRIED_IN_VAIN
    first = met(play(tmp_path, script, "--scene", "exam"))
    assert len(first.connected(EXAMINER)) == 1
    again = met(play(tmp_path, until(EXAMINER, "ERROR") + RETRIED_IN_VAIN, "--scene", "exam"))
    assert set(again.errors(EXAMINER)) == {"session.resume_refused"}
    assert not again.connected(EXAMINER)
    prefs, persistence = open_persistence(tmp_path / "data", read_only=False)
    with prefs:
        assert persistence.all()[EXAMINER].is_refused
        clear(persistence, [EXAMINER])
    anew = met(play(tmp_path, until(EXAMINER), "--scene", "exam"))
    assert [each["resume"] for each in anew.connected(EXAMINER)] == ["FRESH"]


def test_a_window_shows_something_before_the_game_is_put_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    seen: list[int] = []

    def note(*args: object, **named: object) -> Parts:
        shown = pygame.display.get_surface()
        assert shown is not None
        seen.append(pygame.surfarray.array3d(shown).max())
        raise RuntimeError("That is all that this test wants to see.")

    monkeypatch.setattr(demo, "make_parts", note)
    assert demo.main(["--data", str(tmp_path), "--microphone", "none"]) == 1
    assert seen[0] > 0


def test_a_cut_line_concerns_one_character_and_heals_by_itself(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PATIENT) + until(NURSE) + do("cut", character=PATIENT) + until(PATIENT)
    run = met(play(tmp_path, script, endpoint=service_url))
    assert run.connected(PATIENT)[-1]["resume"] == "REJOINED"
    assert run.states(NURSE) == ["CONNECTING", "CONNECTED"]


def test_a_black_hole_is_noticed_and_left(tmp_path: Path, service_url: str) -> None:
    script = until(PATIENT) + do("black_hole", character=PATIENT)
    script += until(PATIENT, "RECONNECTING") + do("heal") + until(PATIENT)
    run = met(play(tmp_path, script, endpoint=service_url))
    lost, back = (c for c in run.report["characters"][PATIENT]["states"][-2:])
    assert (lost["to"], back["to"]) == ("RECONNECTING", "CONNECTED")


def test_a_late_line_answers_later_and_an_unplugged_microphone_is_heard_again(
    tmp_path: Path,
    service_url: str,
) -> None:
    write_tone(tmp_path / "tone.wav", seconds=0.4)
    script = until(PATIENT) + do("latency", character=PATIENT, seconds=0.5)
    script += say(PATIENT, "My name is Ada.") + hear(PATIENT, "Ada") + do("heal")
    speak = do("speak_wav", character=PATIENT, file="tone.wav")
    script += speak + do("unplug_microphone") + do("plug_in_microphone") + speak
    run = met(play(tmp_path, script, endpoint=service_url))
    patient = run.report["characters"][PATIENT]
    turns = patient["transcript"]
    asked = next(turn["t"] for turn in turns if turn["speaker"] == "player")
    answered = next(turn["t"] for turn in turns if "Ada" in turn["text"] and turn["t"] > asked)
    assert answered - asked >= 1.0
    assert run.states(PATIENT) == ["CONNECTING", "CONNECTED"]
    assert patient["microphone"]["frames_sent"] >= 35


def test_a_talk_is_carried_through_a_door_and_back(tmp_path: Path, service_url: str) -> None:
    script = until(NURSE) + say(NURSE, "My name is Ada.") + hear(NURSE, "Ada")
    script += do("walk_to", object="Door to the lobby") + until(PORTER)
    script += do("load_scene", scene="clinic") + say(NURSE, "What is my name?")
    run = met(play(tmp_path, script + hear(NURSE, "Ada"), endpoint=service_url))
    assert run.states(NURSE) == ["CONNECTING", "CONNECTED"]


def test_a_recording_reaches_the_target_and_nobody_before_ready_and_delay(
    tmp_path: Path, service_url: str
) -> None:
    write_tone(tmp_path / "tone.wav", seconds=0.6)
    script = until(PATIENT) + until(NURSE)
    script += do("speak_wav", character=PATIENT, file="tone.wav")
    run = met(play(tmp_path, script, endpoint=service_url))
    patient, nurse = (run.report["characters"][who]["microphone"] for who in (PATIENT, NURSE))
    assert patient["frames_sent"] >= 30
    assert patient["frames_before_open"] == nurse["frames_before_open"] == 0
    assert nurse["frames_sent"] == 0
    assert patient["opened_at"] - patient["ready_at"] >= 1.0


@pytest.mark.slow
def test_a_spoken_question_is_understood_by_the_one_who_was_asked(tmp_path: Path) -> None:
    require("espeak-ng")
    wav, words = str(tmp_path / "question.wav"), "where does it hurt"
    subprocess.run(["espeak-ng", "-w", wav, words], check=True, timeout=10)
    script = until(NURSE) + hear(PATIENT, ".")
    script += do("speak_wav", character=PATIENT, file="question.wav")
    run = met(play(tmp_path, script + hear(PATIENT, ".")))
    assert words in run.said_by("player", PATIENT)
    assert run.said_by("player", NURSE) == ""


@pytest.mark.slow
def test_a_device_that_portaudio_opens_is_heard_by_the_one_who_is_addressed(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PATIENT) + until(NURSE) + do("talk_to", character=NURSE)
    script += do("key", key="t", seconds=2.5)
    with fifo_microphone() as microphone:
        microphone.speak(tone(seconds=60.0))
        run = met(
            play_as_program(
                tmp_path,
                script,
                *("--headless", "--microphone", "device", "--endpoint", service_url),
                environment=microphone.environment,
            )
        )
    patient, nurse = (run.report["characters"][who]["microphone"] for who in (PATIENT, NURSE))
    assert nurse["frames_sent"] >= 20
    assert patient["frames_sent"] == 0
    assert nurse["frames_before_open"] == patient["frames_before_open"] == 0


def tone(seconds: float) -> NDArray[np.int16]:
    t = np.arange(int(seconds * 16_000)) / 16_000
    return (9_000 * np.sin(2 * np.pi * 300 * t)).astype(np.int16)


def write_tone(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(tone(seconds).tobytes())


def test_nothing_said_and_no_whole_id_is_in_any_log(tmp_path: Path) -> None:
    script = until(PATIENT) + say(PATIENT, "My name is Quetzalcoatl.") + hear(PATIENT, "Quetzal")
    script += do("cut") + until(PATIENT)
    run = met(play(tmp_path, script, "--log-level", "DEBUG"))
    with closing(sqlite3.connect(next(tmp_path.rglob("sessions.sqlite3")))) as database:
        ids = [row[0] for row in database.execute("select session_id from sessions")]
    assert run.log
    assert ids
    assert "quetzal" not in run.log.lower()
    report = json.dumps(run.report)
    assert not [it for it in ids if it in run.log or it in report]
    assert not re.search(r"Bearer|token=", run.log)


def test_a_step_that_is_not_met_is_named_and_the_status_is_1(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PATIENT) + hear(PATIENT, "nobody ever says this").replace(str(WITHIN), "1")
    run = play(tmp_path, script, endpoint=service_url)
    assert run.status == 1
    assert (run.report["ok"], run.report["failed_step"]) == (False, 2)


def test_a_report_that_cannot_be_written_is_told_beside_the_step_that_failed(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PATIENT) + hear(PATIENT, "nobody ever says this").replace(str(WITHIN), "1")
    in_the_way = ["--report", str(tmp_path)]
    run = play(tmp_path, script, *in_the_way, endpoint=service_url)
    assert run.status == 1
    assert "step 2: " in run.log
    assert f"{tmp_path} could not be written: {tmp_path.name} is a folder" in run.log
    assert "Traceback" not in run.log


def test_mistakes_of_a_script_are_all_told_without_a_traceback(tmp_path: Path) -> None:
    run = play(tmp_path, '[[step]]\ndo = "sya"\n\n[[step]]\ndo = "say"\n')
    assert run.status == 2
    assert re.search(r"play\.toml:2:\d+: .*say", run.log)
    assert "play.toml:4:" in run.log
    assert "Traceback" not in run.log


@pytest.mark.slow
def test_a_level_in_an_assets_folder_of_its_own_has_its_own_personas_and_levels(
    tmp_path: Path,
) -> None:
    persona = (ROOT / "assets/personas/patient-7f3a.toml").read_bytes()
    for name in ("smith-1", "cook-1"):
        level = tmp_path / "assets" / "scenes" / f"{name}.toml"
        mind = tmp_path / "assets" / "personas" / f"{name}.toml"
        for file in (level, mind):
            file.parent.mkdir(parents=True, exist_ok=True)
        mind.write_bytes(persona)
        level.write_text(MANUAL_LEVEL.replace(PATIENT, name), encoding="utf-8")
    script = until("smith-1") + do("load_scene", scene="cook-1") + until("cook-1")
    met(play(tmp_path, script, "--scene", str(tmp_path / "assets/scenes/smith-1.toml")))


def test_a_level_may_name_components_of_the_modules_that_are_given(
    tmp_path: Path, service_url: str
) -> None:
    scene = tmp_path / "lamps.toml"
    scene.write_text(f"{MANUAL_LEVEL}[object.Lamp]\n", encoding="utf-8")
    options = ("--scene", str(scene), "--components", "tests.characters.lamps")
    met(play(tmp_path, until(PATIENT), *options, endpoint=service_url))


def test_a_module_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    run = play(tmp_path, until(PATIENT), "--components", "no_lamps")
    assert (run.status, run.log.strip()) == (2, "No module named 'no_lamps'")


def test_a_data_folder_that_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    run = play(tmp_path, until(PATIENT))
    assert run.status == 1
    assert "cannot be made: it is a file" in run.log and "Traceback" not in run.log


def test_mistakes_of_a_scene_are_told_the_same_way(tmp_path: Path) -> None:
    scene = tmp_path / "bad.toml"
    scene.write_text(
        '[scene]\nname = "Bad"\n[[object]]\nname = "A"\n[object.Charakter]\n', encoding="utf-8"
    )
    run = play(tmp_path, until(PATIENT), "--scene", str(scene))
    assert run.status == 2
    assert "bad.toml:5:" in run.log
    assert "Character" in run.log
    assert "Traceback" not in run.log


@pytest.mark.posix("Windows sends a process no signals")
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_ends_the_game_and_its_service_cleanly(tmp_path: Path, number: int) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "--headless", "--log-level", "INFO"]
    command += ["--data", str(tmp_path / "data"), "--report", str(tmp_path / "r.json")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as game:
        assert game.stderr is not None
        ports = (re.search(r"service runs at http://127\.0\.0\.1:(\d+)", x) for x in game.stderr)
        port = next(int(found[1]) for found in ports if found)
        game.send_signal(number)
        log = game.stderr.read()
        assert game.wait(timeout=20) == 0
    assert "Traceback" not in log
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["ok"] is True


def test_a_second_game_on_the_same_folder_is_told_so_and_the_first_goes_on(
    tmp_path: Path, service_url: str
) -> None:
    script = tmp_path / "first.toml"
    script.write_text(until(PATIENT) + hear(PATIENT, ".") + "[[step]]\nwait = { seconds = 50 }\n")
    command = [sys.executable, str(ROOT / "main.py"), "--headless", "--script", str(script)]
    command += ["--data", str(tmp_path / "data"), "--log-level", "INFO", "--endpoint", service_url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        next(line for line in first.stderr if "step 3" in line)
        run = play(tmp_path, until(PATIENT))
        assert first.poll() is None
        first.terminate()
        log = first.stderr.read()
    assert run.status == 1
    assert f"prefs.msgpack is in use by process {first.pid}" in run.log
    assert "Traceback" not in run.log + log
    assert "taken-over" not in log


@pytest.mark.slow
def test_who_answers_when_asked_hears_all_and_is_silent_until_then(tmp_path: Path) -> None:
    scene = tmp_path / "level.toml"
    scene.write_text(MANUAL_LEVEL, encoding="utf-8")
    script = until(PATIENT) + hear(PATIENT, ".") + say(PATIENT, "My name is Ada.")
    script += "[[step]]\nwait = { seconds = 0.5 }\n" + do("kill_service") + do("start_service")
    script += until(PATIENT) + say(PATIENT, "What is my name?")
    script += "[[step]]\nwait = { seconds = 0.5 }\n" + do("respond", character=PATIENT)
    run = met(play(tmp_path, script + hear(PATIENT, "Ada"), "--scene", str(scene)))
    turns = run.report["characters"][PATIENT]["transcript"]
    # Two greetings, for the talk was resumed; one answer, to both lines.
    assert [turn["speaker"] for turn in turns].count("character") == 3
    assert turns[-1]["speaker"] == "character"


def test_the_window_plays_the_same_script_and_takes_pictures(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PATIENT) + do("walk_to", character=NURSE) + do("key", key="f3")
    png, gif = tmp_path / "last.png", tmp_path / "film.gif"
    met(
        play_as_program(
            tmp_path,
            script,
            *("--screenshot", str(png), "--record-gif", str(gif), "--microphone", "none"),
            *("--endpoint", service_url),
            environment={**os.environ, "SDL_VIDEODRIVER": "dummy"},
        )
    )
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert gif.read_bytes()[:6] == b"GIF89a"


@pytest.mark.parametrize(
    ("scene", "people"),
    [
        ("clinic", (PATIENT, NURSE)),
        pytest.param("lobby", (KIOSK, PORTER), marks=pytest.mark.slow),
        pytest.param("exam", (EXAMINER,), marks=pytest.mark.slow),
    ],
)
def test_everybody_can_be_walked_up_to_and_hears_then(
    tmp_path: Path, service_url: str, scene: str, people: tuple[str, ...]
) -> None:
    script = "".join(
        until(who) + do("walk_to", character=who) + say(who, "Hello.") + hear(who, ".")
        for who in people
    )
    met(play(tmp_path, script, "--scene", scene, endpoint=service_url))


def test_a_service_of_ones_own_is_reached_by_its_url_and_cannot_be_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "characters.service", "--assets", str(ROOT / "assets")]
    with subprocess.Popen(
        [*command, "--no-speech"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as service:
        assert service.stdout is not None
        url = json.loads(service.stdout.readline())["url"]
        run = play(tmp_path, until(PATIENT) + do("kill_service"), "--endpoint", url)
        service.terminate()
        assert service.wait(timeout=10) == 0 or sys.platform == "win32"  # there it is a kill
    assert run.status == 1
    assert run.report["failed_step"] == 2
    assert "remote endpoint" in run.report["failure"]["why"]

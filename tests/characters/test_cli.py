from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from characters.cli import SCHEMA, main
from characters.commands.sessions import open_persistence
from characters.service.store import SessionStore, StoredSession, database_of
from characters.session.conversation import SessionRecord
from characters.storage.sessions import KeyValueSessionPersistence
from characters.storage.slots import SavedMind, SlotInfo, SlotStore, pack_values
from engine.core.file_system import FileSystem
from engine.prefs.prefs import PlayerPrefs
from tests.characters.components.levels import write_level

ROOT = Path(__file__).parents[2]
ANN = '[[object]]\nname = "Ann"\n[object.Character]\ncharacter_id = "ann-1"  # hers\n'


def run(*arguments: str | Path) -> tuple[int, str]:
    out = io.StringIO()
    return main([str(argument) for argument in arguments], out), out.getvalue()


def test_lint_is_content_with_a_right_level(tmp_path: Path) -> None:
    assert run("lint", write_level(tmp_path, ANN)) == (0, "1 file, no mistakes.\n")


def test_lint_prints_every_mistake_and_says_so_with_its_status(tmp_path: Path) -> None:
    status, said = run("lint", write_level(tmp_path, ANN + "idle = 1\nconect = 2\n"))
    assert status == 1
    assert said.count("is not a known key") == 2


def test_lint_speaks_json(tmp_path: Path) -> None:
    status, said = run("lint", "--json", write_level(tmp_path, ANN + "conect = 2\n"))
    assert (status, json.loads(said)[0]["hint"]) == (1, "connect")


def test_lint_repairs_when_asked(tmp_path: Path) -> None:
    path = write_level(tmp_path, ANN + 'conect = "manual"\n')
    assert run("lint", "--fix", path) == (0, "1 file, no mistakes.\n")
    assert 'connect = "manual"' in path.read_text()


def test_lint_of_a_file_that_is_not_there_is_a_mistake_like_any_other(tmp_path: Path) -> None:
    status, said = run("lint", tmp_path / "none.toml")
    assert status == 1
    assert "there is no such file" in said


def test_lint_knows_the_components_of_other_modules(tmp_path: Path) -> None:
    path = write_level(tmp_path, '[[object]]\nname = "Ann"\n[object.Lamp]\n')
    assert run("lint", path)[0] == 1
    assert run("lint", path, "--components", "tests.characters.lamps")[0] == 0


def test_set_changes_one_line(tmp_path: Path) -> None:
    path = write_level(tmp_path, ANN)
    before = path.read_text()
    assert run("set", path, "Ann.Character.character_id", "ann-2")[0] == 0
    assert path.read_text() == before.replace('"ann-1"', '"ann-2"')


def test_set_refuses_what_is_wrong_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_level(tmp_path, ANN)
    before = path.read_text()
    assert run("set", path, "Ann.Character.connect", "sometimes")[0] == 1
    assert path.read_text() == before
    assert "must be one of on_start, manual, when_resumable" in capsys.readouterr().err


def test_set_mends_a_file_with_mistakes_one_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ANN + 'connect = "sometimes"\nactions = 3\n'
    path = write_level(tmp_path, wrong)
    assert run("set", path, "Ann.Character.connect", "manual")[0] == 0
    assert "Mistakes left: 1" in capsys.readouterr().err
    assert run("set", path, "Ann.Character.connect", "never")[0] == 1
    assert run("set", path, "Ann.Character.actions", "[]")[0] == 0
    assert "Mistakes left" not in capsys.readouterr().err
    assert 'connect = "manual"\nactions = []' in path.read_text()
    assert run("lint", path)[0] == 0


def test_the_shipped_schema_is_current() -> None:
    status, said = run("schema", "--check", "--output", ROOT / SCHEMA)
    assert status == 0, said


def test_a_schema_that_is_out_of_date_is_told_and_renewed(tmp_path: Path) -> None:
    path = tmp_path / "schemas" / "scene.json"
    assert run("schema", "--check", "--output", path)[0] == 1
    assert run("schema", "--output", path)[0] == 0
    assert run("schema", "--check", "--output", path)[0] == 0


def store(data: Path, *keys: str) -> None:
    prefs, stored = open_persistence(data, read_only=False)
    with prefs:
        for key in keys:
            stored.store(key, SessionRecord("abcdefgh", saved_at=1.0))


def test_sessions_are_listed_and_cleared(tmp_path: Path) -> None:
    store(tmp_path, "ann-1", "bob-2")
    assert run("sessions", "clear", "ann-1", "--data", tmp_path) == (0, "1 forgotten here.\n")
    status, said = run("sessions", "list", "--data", tmp_path)
    assert status == 0
    assert said.startswith("bob-2  abcd…  saved")


def test_forget_wipes_what_is_saved_in_slots(tmp_path: Path) -> None:
    kept = SessionStore(database_of(tmp_path))
    for session_id in ("saved", "played", "another"):
        kept.save(StoredSession(session_id, "ann-1", "me", 1.0))
    kept.close()
    slot = SlotInfo("harbour", minds=(SavedMind("ann-1", "Ann", "saved", 4, "local"),))
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        SlotStore(prefs).write(slot, pack_values({}), None)
        KeyValueSessionPersistence(prefs).store("ann-1", SessionRecord("played", "local"))
    assert run("sessions", "forget", "ann-1", "--data", tmp_path)[0] == 0
    status, said = run("slots", "show", "harbour", "--data", tmp_path)
    assert (status, "Ann: begins afresh: it was told to forget" in said) == (0, True)
    kept = SessionStore(database_of(tmp_path))
    assert [it.session_id for it in kept.load().sessions] == ["another"]
    kept.close()


def test_forget_wipes_what_the_embedded_service_kept_too(tmp_path: Path) -> None:
    store(tmp_path, "ann-1")
    kept = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    for session_id in ("abcdefgh", "somebody else's"):
        kept.save(StoredSession(session_id, "ann-1", None, 1.0))
    assert run("sessions", "forget", "ann-1", "--data", tmp_path)[0] == 0
    assert [session.session_id for session in kept.load().sessions] == ["somebody else's"]
    kept.close()
    assert run("sessions", "list", "--data", tmp_path)[1] == "No sessions are stored.\n"
    assert run("sessions", "forget", "--data", tmp_path)[0] == 0
    assert not (tmp_path / "service/sessions.sqlite3").exists()


def test_sessions_that_a_running_game_holds_are_not_cleared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(tmp_path, "ann-1")
    prefs, _ = open_persistence(tmp_path, read_only=False)
    with prefs:
        assert run("sessions", "clear", "--data", tmp_path)[0] == 1
        assert run("sessions", "show", "ann-1", "--data", tmp_path)[0] == 0
    assert "in use" in capsys.readouterr().err


def test_a_reader_that_has_read_enough_is_no_mistake() -> None:
    program = "from characters.cli import main; raise SystemExit(main(['docs', 'components']))"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as docs:
        assert docs.stdout and docs.stderr
        docs.stdout.close()  # before a word of it is written
        assert docs.stderr.read() == ""
    assert docs.returncode == 0


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("words {there}", "{there} is there already: name a file that is new."),
        ("import {gone}", "There is no {gone}."),
        pytest.param(
            "import {there}/file/x",
            "{there}/file/x: Not a directory.",
            marks=pytest.mark.posix("Windows says that it is not there"),
        ),
        ("docs own-stor", "There is no page 'own-stor'. Did you mean own-store?"),
        ("docs qqqq", "There is no page 'qqqq'. Without a name, docs lists all."),
    ],
)
def test_a_name_that_cannot_be_used_is_told_in_a_sentence(
    command: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"there": tmp_path, "gone": tmp_path / "gone"}
    (tmp_path / "file").touch()
    assert main([word.format(**places) for word in command.split()]) == 1
    assert capsys.readouterr().err == sentence.format(**places) + "\n"


def test_an_unknown_session_is_a_sentence_without_quotes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sessions", "show", "ann", "--data", tmp_path)[0] == 1
    assert capsys.readouterr().err == "No session is stored for 'ann'.\n"


def test_the_doctor_speaks(tmp_path: Path) -> None:
    assert "ok    Python: 3." in run("doctor", "--data", tmp_path)[1]


@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"], ["lint"], ["dance"]])
def test_help_and_nonsense_end_without_a_traceback(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code in (0, 2)


def program(*arguments: str | Path, encoding: str = "utf-8") -> tuple[int, str]:
    """Run it as a developer does; its output goes into a pipe of that encoding."""
    done = subprocess.run(
        [sys.executable, "-m", "characters", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        encoding=encoding,
        env={**os.environ, "PYTHONIOENCODING": encoding, "SDL_AUDIODRIVER": "dummy"},
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_as_a_program_it_prints_what_it_can_on_a_pipe_that_takes_few_characters(
    tmp_path: Path,
) -> None:
    level = write_level(tmp_path / "Zoë 山田", ANN + 'conect = "manual"\n')
    status, said = program("lint", level, encoding="cp1252")
    assert (status, "Zoë \\u5c71\\u7530" in said) == (1, True)


def test_as_a_program_it_sets_a_value_and_lists_no_sessions(tmp_path: Path) -> None:
    level = write_level(tmp_path / "Zoë's game", ANN)
    assert program("set", level, "Ann.Character.character_id", "ann-2")[0] == 0
    assert 'character_id = "ann-2"  # hers' in level.read_text("utf-8")
    assert program("sessions", "list", "--data", tmp_path / "data")[0] == 0
    assert program("schema", "--check")[0] == 0


def test_as_a_program_it_looks_at_this_machine(tmp_path: Path) -> None:
    _, said = program("doctor", "--data", tmp_path / "data")
    assert "Traceback" not in said
    assert "Python" in said


def test_a_disk_that_refuses_is_told_with_the_file_and_nothing_counts_as_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        KeyValueSessionPersistence(prefs).store("nurse", SessionRecord("id", "local"))

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    out = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(FileSystem, "open", refuse)
        assert main(["sessions", "clear", "--data", str(tmp_path)], out) == 1
    assert "cleared" in capsys.readouterr().err
    assert main(["sessions", "list", "--data", str(tmp_path)], out) == 0
    assert out.getvalue().startswith("nurse")
    with monkeypatch.context() as patch:
        patch.setattr(FileSystem, "flush", refuse)
        target = tmp_path / "schema.json"
        assert main(["schema", "--output", str(target)], out) == 1
    assert capsys.readouterr().err == f"{target}: Read-only file system.\n"
    assert not target.exists()

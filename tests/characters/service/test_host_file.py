"""The options of `serve` in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.service.__main__ import parser
from characters.service.host_file import read_host_file
from engine.toml.reader import TomlFileError

KEY_FLAGS = ("--api-key-env", "--admin-key-env", "--player-secret-env", "--metrics-key-env")


def written(folder: Path, text: str) -> Path:
    path = folder / "host.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_flag_is_a_key(tmp_path: Path) -> None:
    text = 'port = 8700\nallow_remote = true\nmax_lag = 0.1\ndata = "d"\nassets = ["a", "b"]\n'
    assert read_host_file(written(tmp_path, text), parser()) == {
        "port": 8700,
        "allow_remote": True,
        "max_lag": 0.1,
        "data": Path("d"),
        "assets": [Path("a"), Path("b")],
    }


def test_no_flag_is_left_out_but_those_that_make_no_sense_in_a_file(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError) as caught:
        read_host_file(written(tmp_path, "with_parent = true\nconfig = 1\nhelp = 2\n"), parser())
    assert [problem.field for problem in caught.value.problems] == ["with_parent", "config", "help"]
    flags = [action for action in parser()._actions if action.dest not in ("help", "config")]
    assert len(flags) > 40


def test_all_mistakes_are_told_with_line_and_advice(tmp_path: Path) -> None:
    text = 'max_roms = 5\nmax_rooms = 0\nmax_lag = -1\nlog_level = "LOUD"\nno_speech = "yes"\n'
    with pytest.raises(TomlFileError) as caught:
        read_host_file(written(tmp_path, text), parser())
    told = [str(problem).partition("host.toml:")[2] for problem in caught.value.problems]
    assert told == [
        "1:1: max_roms: is not a known key. Try: max_rooms or max_room_ttl",
        "2:13: max_rooms: must be at least 1 (got 0).",
        "3:11: max_lag: must not be negative (got -1).",
        '4:13: log_level: must be one of DEBUG, INFO, WARNING, ERROR (got "LOUD").',
        '5:13: no_speech: must be true or false (got "yes"). Try: no_speech = true',
    ]


@pytest.mark.parametrize("flag", KEY_FLAGS)
def test_a_blank_name_in_a_file_is_no_key_that_nobody_asked_for(flag: str, tmp_path: Path) -> None:
    key = flag.removeprefix("--").replace("-", "_")
    with pytest.raises(TomlFileError, match="must name an environment variable"):
        read_host_file(written(tmp_path, f'{key} = ""\n'), parser())


@pytest.mark.parametrize(
    "flags",
    [
        ("--max-rooms", "0"),
        ("--max-lag", "nan"),
        ("--token-ttl", "0"),
        ("--requests-per-second", "nan"),
        ("--port", "65536"),
        ("--port", "9" * 400),
        ("--port", "-1"),
        ("--session-ttl", "-1"),
        ("--session-ttl", "inf"),
        ("--agent-linger", "nan"),
        ("--idle-timeout", "-1"),
        ("--words-per-second", "inf"),
        ("--think", "inf"),
        ("--remark-after", "nan"),
        ("--drain-retry-after", "inf"),
        *((flag, blank) for flag in KEY_FLAGS for blank in ("", " ")),
    ],
)
def test_the_command_line_refuses_the_same(
    flags: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(flags)
    said = capsys.readouterr().err
    assert flags[0] in said and " must " in said


@pytest.mark.parametrize("key", ["data", "api_key_file", "assets", "whisper_folder", "host"])
def test_a_text_that_no_system_takes_is_told_at_its_line(key: str, tmp_path: Path) -> None:
    value = r'["a\u0000b"]' if key == "assets" else r'"a\u0000b"'
    with pytest.raises(TomlFileError, match=f"2:.*{key}.*holds the character NUL"):
        read_host_file(written(tmp_path, f"# host\n{key} = {value}\n"), parser())

"""The files for a host say what the service understands, and agree with one another."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Sequence
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
import yaml

from characters.commands.docs import FOLDER
from characters.service.__main__ import parser
from characters.service.access import OPEN
from characters.service.host_file import read_host_file
from engine.core.processes import module_command, module_environment
from tests.imports import ROOT
from tests.postgres import PostgresServer

HOST = FOLDER / "host"
SERVE = ["python", "-m", "characters", "serve"]
INSTRUCTIONS = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
    "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
SECONDS = 60.0


def text_of(name: str) -> str:
    return (HOST / name).read_text(encoding="utf-8")


def options_of(words: Sequence[str]) -> argparse.Namespace:
    """Return what the service makes of a command line; its file is the one that stands here."""
    line = list(words)
    it = parser()
    config = it.parse_args(line).config
    assert config.as_posix() == "/etc/troupe/host.toml"
    it.set_defaults(**read_host_file(HOST / "host.toml", it))
    return it.parse_args(line)


def variables_of(options: argparse.Namespace) -> set[str]:
    """Return the variables that hold the keys."""
    return {value for name, value in vars(options).items() if name.endswith("_env") and value}


def container() -> list[tuple[str, str]]:
    """Return the instructions of the container file."""
    lines = [line for line in text_of("Containerfile").splitlines() if not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(it.partition(" ")[0], it.partition(" ")[2].strip()) for it in whole.split("\n") if it]


def instruction(name: str) -> str:
    (value,) = (value for each, value in container() if each == name)
    return value


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text_of("compose.yaml"))
    return found


def nodes() -> dict[str, dict[str, Any]]:
    """Return the services of the compose file that are built here."""
    return {name: it for name, it in compose()["services"].items() if "build" in it}


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"ms": 0.001, "s": 1.0, "m": 60.0}[unit]


# --- the container ---------------------------------------------------------------------------


def test_the_container_file_has_instructions_that_are_known_and_sources_that_are_here() -> None:
    assert {name for name, _ in container()} <= INSTRUCTIONS
    assert container()[0][0] == "FROM"
    *sources, _ = instruction("COPY").split()
    assert sources and all((ROOT / source).exists() for source in sources)
    assert instruction("USER") in instruction_run("useradd")
    assert instruction("WORKDIR") in instruction_run("useradd")


def instruction_run(program: str) -> list[str]:
    """Return the words of the one command in which a program is run."""
    commands = [part for name, value in container() if name == "RUN" for part in value.split("&&")]
    (found,) = (words for words in map(shlex.split, commands) if words[0] == program)
    return found


def test_the_container_installs_extras_that_are_there_on_a_python_that_fits() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (place,) = (word for word in instruction_run("pip") if word.startswith("/"))
    folder, _, extras = place.rstrip("]").partition("[")
    assert folder == instruction("COPY").split()[-1]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert {"cluster", "metrics", "speech", "voice"} <= set(extras.split(","))
    version = instruction("FROM").removeprefix("python:").removesuffix("-slim")
    assert numbers(version) >= numbers(project["requires-python"].removeprefix(">="))


def test_the_container_begins_the_service_and_asks_it_whether_it_lives() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == SERVE
    options = options_of(json.loads(instruction("CMD")))
    assert instruction("EXPOSE") == str(options.port)
    asked = urlsplit(re.search(r"http://[^']+", instruction("HEALTHCHECK")).group())  # type: ignore[union-attr]
    assert (asked.hostname, asked.port) == ("127.0.0.1", options.port)
    assert asked.path in OPEN


def test_what_is_not_for_the_container_does_not_go_into_it() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv", "out", "tests"} <= set(ignored)
    installed = ("characters", "engine", "assets", "pyproject.toml", "setup.py", "README.md")
    assert not set(installed) & set(ignored)


# --- the nodes together ------------------------------------------------------------------------


def test_the_nodes_of_the_compose_file_are_built_from_what_is_here() -> None:
    assert len(nodes()) > 1
    for node in nodes().values():
        context = (HOST / node["build"]["context"]).resolve()
        assert context == ROOT.resolve()
        assert (context / node["build"]["dockerfile"]) == HOST / "Containerfile"


def test_what_the_compose_file_mounts_and_waits_for_is_there() -> None:
    whole = compose()
    for service in whole["services"].values():
        assert set(service.get("depends_on", ())) <= set(whole["services"])
        for source, inside, *_ in (it.split(":") for it in service.get("volumes", ())):
            assert inside.startswith("/")
            is_file = source.startswith(".")
            assert (HOST / source).is_file() if is_file else source in whole["volumes"]


@pytest.mark.parametrize("name", nodes())
def test_a_node_is_started_with_what_the_service_understands(name: str) -> None:
    node = nodes()[name]
    options, variables = options_of(node["command"]), node["environment"]
    assert variables_of(options) <= set(variables)
    assert all(":?" in value for value in variables.values())  # none is forgotten in silence
    assert options.node == name
    assert options.node_url == f"http://{name}:{options.port}"
    assert options.host == "0.0.0.0"
    assert seconds(node["stop_grace_period"]) > options.drain_seconds
    mounted = [volume.split(":")[1] for volume in node["volumes"]]
    assert mounted == [options.config.as_posix()]


@pytest.mark.parametrize("name", nodes())
def test_a_node_is_asked_whether_it_lives_as_any_container_is(name: str) -> None:
    flags, _, command = instruction("HEALTHCHECK").partition(" CMD ")
    check = nodes()[name]["healthcheck"]
    assert check.pop("test") == ["CMD", *json.loads(command)]
    asked = dict(flag.removeprefix("--").split("=") for flag in flags.split())
    assert {key.replace("_", "-"): value for key, value in check.items()} == asked


@pytest.mark.parametrize("name", nodes())
def test_a_node_knows_the_database_of_the_compose_file(name: str) -> None:
    node = nodes()[name]
    store = urlsplit(options_of(node["command"]).store)
    database = compose()["services"][store.hostname]
    given = database["environment"]
    assert (store.username, store.path) == (given["POSTGRES_USER"], f"/{given['POSTGRES_DB']}")
    assert node["environment"]["PGPASSWORD"] == given["POSTGRES_PASSWORD"]
    assert node["depends_on"][store.hostname] == {"condition": "service_healthy"}
    assert given["POSTGRES_USER"] in " ".join(database["healthcheck"]["test"])


# --- the proxy ---------------------------------------------------------------------------------


def test_the_proxy_sends_players_to_each_node_that_is_ready_and_nobody_inside() -> None:
    text = text_of("Caddyfile")
    (line,) = re.findall(r"reverse_proxy (.*) \{", text)
    ports = {name: options_of(node["command"]).port for name, node in nodes().items()}
    assert line.split() == [f"{name}:{port}" for name, port in ports.items()]
    (asked,) = re.findall(r"health_uri (\S+)", text)
    assert asked == "/readyz" and asked in OPEN
    site = next(line for line in text.splitlines() if line and not line.startswith("#"))
    options = options_of(next(iter(nodes().values()))["command"])
    assert site == f"{urlsplit(options.public_url).hostname} {{"
    (inside,) = re.findall(r"@inside path (.*)", text)
    assert inside.split() == ["/metrics", "/admin", "/admin/*"]
    assert text.count("{") == text.count("}")


@pytest.mark.skipif(not shutil.which("caddy"), reason="caddy is not installed")
def test_caddy_understands_its_file() -> None:
    command = ("caddy", "validate", "--adapter", "caddyfile", "--config", HOST / "Caddyfile")
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)


# --- systemd -----------------------------------------------------------------------------------


def unit() -> ConfigParser:
    found = ConfigParser(interpolation=None, strict=True)
    found.optionxform = str  # type: ignore[assignment,method-assign]  # as they are written
    found.read_string(text_of("troupe.service"))
    return found


def test_the_unit_begins_the_service_and_waits_for_its_goodbyes() -> None:
    service = unit()["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert ["python", *words[:3]] == SERVE and program.endswith("/bin/python")
    options = options_of(words[3:])
    assert options.data == Path("/var/lib") / service["StateDirectory"]
    assert service["WorkingDirectory"] == options.data.as_posix()
    assert seconds(service["TimeoutStopSec"]) > options.drain_seconds
    assert all(name in "".join(text_of("host.toml")) for name in variables_of(options))
    assert "TROUPE_API_KEYS=" in text_of("troupe.service")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / "troupe.service"
    text = text_of("troupe.service").replace("/opt/troupe/bin/python", sys.executable)
    copy.write_text(text, encoding="utf-8")
    command = ("systemd-analyze", "verify", "--man=no", str(copy))
    found = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    told = f"{found.stdout}{found.stderr}".splitlines()
    assert [line for line in told if "troupe" in line] == []


# --- begun -------------------------------------------------------------------------------------


def answer(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as found:
            return int(found.status)
    except HTTPError as error:
        return error.code


@pytest.mark.slow  # a process and a database; what it is given is checked above
@pytest.mark.posix("the server is Debian's")
def test_a_node_of_the_compose_file_runs(postgres: PostgresServer) -> None:
    node = next(iter(nodes().values()))
    here = ("--config", str(HOST / "host.toml"), "--store", postgres.fresh(), "--no-speech")
    where = ("--host", "127.0.0.1", "--port", "0")
    keys = {variable: f"the key in {variable}" for variable in node["environment"]}
    command = module_command("characters", "serve", *node["command"], *here, *where)
    with subprocess.Popen(
        command, env={**module_environment(()), **keys}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            (asked,) = re.findall(r"health_uri (\S+)", text_of("Caddyfile"))
            assert answer(url + asked) == 200
            assert answer(f"{url}/metrics") == answer(f"{url}/admin/") == 401
        finally:
            process.kill()

"""Which language model answers for a character: one frozen value, and its command line.

Settings are laid over one another, the more particular over the more general: what the level's
manager says, what the command line says, what the persona brings, what the character has. One
that names a place (`url` or `file`) stands for itself; one that names none changes what it names
in the settings below it.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, ClassVar

from characters.protocol.fields import check_number, check_range, check_variable

__all__ = [
    "add_model_flags", "host_of", "is_on_this_machine", "laid_over", "model_request",
    "model_settings", "ModelSettings",
]  # fmt: skip


_OURS = frozenset({"messages", "model", "stream", "tools"})
_FLAG = "--model-"


@dataclass(frozen=True)
class ModelSettings:
    """Which language model answers, and how; without any the persona's own lines are said.

    `url` is one of an OpenAI-compatible server and ends before `/chat/completions`, such as
    `http://127.0.0.1:11434/v1`; `file` is a model for llama.cpp, which the service then runs
    itself. A key is read from the environment variable that `key_env` names. `model = "script"`
    in a level's file is `ModelSettings.SCRIPT`: the persona's own lines, whatever else is set.

    Raises:
        ValueError: a field makes no sense; the sentence names the field.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    SCRIPT: ClassVar[ModelSettings]

    url: str = ""
    file: str = ""  # a GGUF file: absolute, or below the folder with personas/
    name: str = ""  # of the model at the server
    key_env: str = ""
    temperature: float | None = None  # None leaves it to the server
    max_tokens: int = 240  # of an answer
    max_sentences: int = 6  # an answer ends after so many
    context_tokens: int = 4096  # of everything that is sent
    first_word_within_seconds: float = 15.0  # then the persona's own line is said
    session_tokens: int = 0  # a talk that has used so many goes on by the script; 0: no limit
    greets: bool = False  # whether it words the greeting, too
    scripted: bool = False  # the persona's own lines, whatever is set below
    extra: dict[str, Any] = field(default_factory=dict)  # more fields for the body of a request

    def __post_init__(self) -> None:
        if self.url:
            _check_url(self.url)
        if self.url and self.file:
            raise ValueError("url and file exclude each other: leave one out")
        check_variable("key_env", self.key_env)
        if self.temperature is not None:
            check_range("temperature", self.temperature, 0, 2)
        check_range("max_tokens", self.max_tokens, 1, 100_000)
        check_range("max_sentences", self.max_sentences, 1, 100)
        check_range("context_tokens", self.context_tokens, 512, 10_000_000)
        check_number(
            "first_word_within_seconds", self.first_word_within_seconds, zero_is_fine=False
        )
        check_number("session_tokens", self.session_tokens, zero_is_fine=True)
        if taken := sorted(_OURS & self.extra.keys()):
            raise ValueError(f"extra must not set {', '.join(taken)}: the service does")

    @property
    def is_set(self) -> bool:
        """Whether a model answers at all."""
        return bool(self.url or self.file) and not self.scripted

    @property
    def label(self) -> str:
        """What the model is called: its name at the server, or that of its file."""
        return self.name or re.split(r"[\\/]", self.file)[-1] or "a language model"

    @property
    def host(self) -> str:
        """The host that words go to, "" for this machine."""
        host = host_of(self.url)
        return "" if is_on_this_machine(host) else host

    def over(self, below: ModelSettings) -> ModelSettings:
        """Return these settings laid over others."""
        if self.url or self.file:
            return self
        return replace(below, **self.changes())

    def changes(self) -> dict[str, Any]:
        """Return the fields that are not the default."""
        plain = ModelSettings()
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if value != getattr(plain, name)}

    def arguments(self) -> tuple[str, ...]:
        """Return the flags of the service's command line for what is not the default."""
        return tuple(f"{_flag(name)}={_word(value)}" for name, value in self.changes().items())


ModelSettings.SCRIPT = ModelSettings(scripted=True)


def _check_url(url: str) -> None:
    """Raise ValueError for what is no address of a server."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url must begin with http:// or https:// (got {url!r})")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError("url must not hold a name or password: name a key with key_env")
    if not _ADDRESS.fullmatch(url):
        raise ValueError(f"url must name a host, as http://127.0.0.1:11434/v1 does (got {url!r})")


_ADDRESS = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/:?#\[\]]+)(:\d{1,5})?([/?#]\S*)?")
_HOST = re.compile(r"https?://(?:[^/?#]*@)?(?:\[([^\]]*)\]|([^/:?#]*))")
_LOOPBACK = re.compile(r"localhost|::1|127(\.\d{1,3}){3}|")


def host_of(url: str) -> str:
    """Return the host that a URL names, "" for none."""
    found = _HOST.match(url.lower())
    return "" if found is None else found[1] or found[2] or ""


def is_on_this_machine(host: str) -> bool:
    """Tell whether a host name means the machine that we run on."""
    return _LOOPBACK.fullmatch(host) is not None  # 127.example.org is elsewhere


def laid_over(layers: Iterable[ModelSettings | None]) -> ModelSettings:
    """Return what several settings amount to, the most general first."""
    settings = ModelSettings()
    for layer in layers:
        settings = settings if layer is None else layer.over(settings)
    return settings


def model_request(
    level: ModelSettings | None, own: ModelSettings | None, environment: Mapping[str, str]
) -> Mapping[str, object] | None:
    """Return what a request to connect says of the model: the level's and the character's own.

    The keys are put in here, for the service reads no variable that a request names.
    """
    said = {"level": level, "own": own}
    layers = {
        name: it.changes() | _key(it, environment)
        for name, it in said.items()
        if it is not None and it != ModelSettings()
    }
    return layers or None


def _key(settings: ModelSettings, environment: Mapping[str, str]) -> dict[str, str]:
    key = environment.get(settings.key_env, "") if settings.key_env else ""
    return {"key": key} if key else {}


# --- the command line -----------------------------------------------------------------------------

_HELP: Mapping[str, str] = MappingProxyType(
    {
        "url": "answer by the language model at this OpenAI-compatible server, e.g. "
        "http://127.0.0.1:11434/v1; what is said goes there",
        "file": "answer by this GGUF model, in a process of its own",
        "name": "the model's name there",
        "key_env": "the environment variable with its key",
        "temperature": "0 to 2; without, the server's own",
        "max_tokens": "of an answer",
        "max_sentences": "of an answer",
        "context_tokens": "of all that is sent with a line",
        "first_word_within_seconds": "then the persona's own line is said",
        "session_tokens": "of a talk; then the script goes on; 0 is no limit",
        "greets": "let it word the greeting, too",
        "extra": 'more fields of the request, as JSON: {"top_p": 0.9}',
    }
)


def add_model_flags(parser: ArgumentParser) -> None:
    """Add a flag for each model setting to a command line."""
    group = parser.add_argument_group("language model")
    for item in fields(ModelSettings):
        if item.name not in _HELP:
            continue
        default = getattr(ModelSettings(), item.name)
        if isinstance(default, bool):
            group.add_argument(
                _flag(item.name), nargs="?", const=True, default=default, type=_yes, metavar="YES",
                help=_HELP[item.name],
            )  # fmt: skip
        else:
            group.add_argument(
                _flag(item.name), default=default, type=_reader(item.name, default),
                metavar=item.name.rpartition("_")[2].upper(), help=_HELP[item.name],
            )  # fmt: skip


def model_settings(options: Namespace) -> ModelSettings:
    """Return the settings in a parsed command line. Raises ValueError."""
    values = {name: getattr(options, f"model_{name}") for name in _HELP}
    return ModelSettings(**values)


def _flag(name: str) -> str:
    return _FLAG + name.replace("_", "-")


def _word(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | bool) else str(value)


def _reader(name: str, default: object) -> Any:
    if isinstance(default, dict):
        return _table
    return float if name == "temperature" else type(default)


def _table(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except ValueError:
        table = None
    if not isinstance(table, dict):
        raise ArgumentTypeError(f"{text!r} is no JSON object")
    return table


def _yes(text: str) -> bool:
    if text not in ("true", "false"):
        raise ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"

"""Run the conversation service: `python -m characters.service --data DIR --assets DIR`."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from aiohttp import web

from characters.installation import package_assets
from characters.protocol.link import SECRET_VARIABLE
from characters.protocol.model_settings import ModelSettings, add_model_flags, model_settings
from characters.service.access import LOOPBACK, AccessError, AccessSettings, KeyRing, PlayerTokens
from characters.service.admin import AdminSettings
from characters.service.admission import AdmissionLimits
from characters.service.agent_factory import ModelPool, PersonaAgentFactory
from characters.service.app import (
    MOST_HALF_SENT,
    drop_half_sent,
    make_app,
    make_runner,
    read_in_pieces,
)
from characters.service.cluster import ClusterNode, NodeSettings
from characters.service.directory import Directory
from characters.service.endpoint_file import endpoint_file
from characters.service.host_file import (
    a_count,
    a_port,
    a_variable,
    at_least_0,
    more_than_0,
    read_host_file,
)
from characters.service.logs import ProblemLog, set_up_logs, turn_tracer
from characters.service.metrics import ServiceMetrics, TurnTracer, has_prometheus
from characters.service.pace import TimingConfig
from characters.service.postgres import PostgresDatabase, prepare
from characters.service.registry import Limits
from characters.service.service import Service, ServiceSettings
from characters.service.store import SessionStore, database_of
from characters.service.tables import StoreError
from characters.speech.factory import SpeechParts, make_speech
from characters.speech.settings import add_speech_flags, speech_settings
from engine.core.errors import install_command
from engine.core.file_system import FileLock, LockHeldError
from engine.core.words import ScreenText
from engine.toml.reader import TomlFileError

__all__ = ["main", "parser"]

log = logging.getLogger("characters.service")  # its own name is __main__ when it is run


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    it = argparse.ArgumentParser("characters.service", description="The conversation service.")
    add = it.add_argument
    add("--data", type=Path, help="folder of the database; without, nothing is kept")
    add(
        "--assets",
        type=Path,
        action="append",
        help="folder with personas/; of several the first that has the file counts",
    )
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--allow-remote", action="store_true", help="permit an address off this machine")
    add("--port", type=a_port, default=0, help="0 takes a free one")
    add(
        "--session-ttl",
        type=more_than_0,
        default=30 * 86400.0,
        help="seconds without use that end a session; between two runs a day counts at most",
    )
    add("--agent-linger", type=at_least_0, default=10.0, help="seconds in an empty room")
    add("--idle-timeout", type=at_least_0, default=900.0, help="seconds")
    add("--idle-warning", type=at_least_0, default=60.0, help="seconds before the time-out")
    add("--words-per-second", type=at_least_0, default=14.0, help="0 answers at once")
    add("--think", type=at_least_0, default=0.25, help="seconds before an answer")
    add("--remark-after", type=at_least_0, default=45.0, help="seconds of silence")
    add("--drain-retry-after", type=at_least_0, default=1.0, help="told when stopping")
    add(
        "--drain-seconds",
        type=at_least_0,
        help="over how long the goodbyes are spread when stopping; 0, or 10 with --allow-remote",
    )
    add("--seed", type=int, help="makes what is said repeatable")
    add("--no-speech", action="store_true", help="text only")
    add_speech_flags(it)
    _add_limits(it)
    _add_watching(it)
    _add_cluster(it)
    _add_access(it)
    add_model_flags(it)
    add(
        "--model-from-env",
        action="store_true",
        help="the same by the variables TROUPE_MODEL_URL and TROUPE_MODEL_NAME, and with the key "
        "TROUPE_MODEL_KEY",
    )
    add(
        "--models-by-request",
        action="store_true",
        help="let whoever connects choose the model, and so where words go",
    )
    add("--with-parent", action="store_true", help="end when standard input closes")
    add("--log-level", default="WARNING", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    add("--config", type=Path, help="TOML file with any of these, such as max_rooms = 500")
    return it


def _add_access(it: argparse.ArgumentParser) -> None:
    add = it.add_argument
    add(
        "--api-key-env",
        type=a_variable,
        help="environment variable with the keys to demand, spaces between them",
    )
    add("--api-key-file", type=Path, help="file with a key a line, read again when it changes")
    add(
        "--admin-key-env",
        type=a_variable,
        help="environment variable with the keys that may forget any player",
    )
    add(
        "--player-secret-env",
        type=a_variable,
        help="environment variable with the secrets that sign player tokens",
    )
    add("--public-url", help="ws:// or wss:// address of this service for clients")
    add("--trust-proxy", action="store_true", help="believe X-Forwarded-For and -Proto")
    add(
        "--requests-per-second",
        type=more_than_0,
        help="of one key or address; ten times that at once",
    )


def _add_limits(it: argparse.ArgumentParser) -> None:
    add, limits, admission = it.add_argument, Limits(), AdmissionLimits()
    add("--max-rooms", type=a_count, default=limits.max_rooms, help="at once")
    add(
        "--max-sessions",
        type=a_count,
        help=f"that are kept; {limits.max_sessions}, or {limits.max_shared} by all of a --store",
    )
    add(
        "--room-ttl",
        type=more_than_0,
        default=limits.default_room_ttl,
        help="seconds to rejoin a room",
    )
    add(
        "--max-room-ttl",
        type=more_than_0,
        default=limits.max_room_ttl,
        help="that a client may ask for",
    )
    add("--token-ttl", type=more_than_0, default=limits.token_ttl, help="seconds to enter a room")
    add(
        "--max-lag",
        type=at_least_0,
        help="seconds: who comes while the event loop is so late (one time in ten), or works for "
        "more than seven tenths of its time, is sent away; "
        f"{REMOTE_MAX_LAG:g} with --allow-remote, else nobody is; 0 lets everybody in",
    )
    add("--joins-per-second", type=more_than_0, default=admission.joins_per_second, help="at most")


def _add_cluster(it: argparse.ArgumentParser) -> None:
    add = it.add_argument
    add("--store", metavar="URL", help="postgresql://... that several nodes share, not --data")
    add("--node-url", help="http:// address at which the other nodes reach this one")
    add(
        "--cluster-key-env",
        type=a_variable,
        help="environment variable with the key that the nodes share",
    )


def _add_watching(it: argparse.ArgumentParser) -> None:
    add = it.add_argument
    add("--admin-acts", action="store_true", help="let the page /admin drain and forget")
    add(
        "--metrics-key-env",
        type=a_variable,
        help="environment variable with the keys that open /metrics alone",
    )
    add("--node", help="its name on the page /admin; without, the machine's")
    add("--log-format", default="text", choices=("text", "json"), help="on standard error")
    add(
        "--tracing",
        choices=("otlp", "console"),
        help="trace each turn with OpenTelemetry (extra `tracing`)",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop; return the exit status."""
    options = _options(arguments)
    if options.host not in LOOPBACK and not options.allow_remote:
        parser().error(f"{options.host} is open to others; say --allow-remote if that is meant")
    try:
        access = _access(options)
        tracer = None if options.tracing is None else turn_tracer(options.tracing, _node(options))
    except (AccessError, ImportError) as problem:
        parser().error(f"{problem}")
    try:
        speech_settings(options)
        model_settings(options)
    except ValueError as problem:
        parser().error(str(problem))
    sys.setswitchinterval(SWITCH_SECONDS)
    problems = ProblemLog(ServiceMetrics())
    set_up_logs(options.log_level, options.log_format, problems)
    return _run(options, HostParts(access, tracer, problems))


@dataclass(frozen=True, slots=True)
class HostParts:
    """What a service needs of its host besides its options."""

    access: AccessSettings
    tracer: TurnTracer | None
    problems: ProblemLog


def _node(options: argparse.Namespace) -> str:
    return options.node or platform.node() or "one node"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line, below them those of its file."""
    it = parser()
    options = it.parse_args(arguments)
    if options.config is None:
        return options
    try:
        it.set_defaults(**read_host_file(options.config, it))
    except (TomlFileError, OSError) as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(2) from None
    return it.parse_args(arguments)


REMOTE_PER_SECOND = 20.0
REMOTE_MAX_LAG = 0.005
REMOTE_DRAIN_SECONDS = 10.0


def _access(options: argparse.Namespace) -> AccessSettings:
    """Return who may call. Raises AccessError for what is missing."""
    has_keys = options.api_key_env or options.api_key_file
    opening = _opened_by(options)
    if opening and not has_keys:
        raise AccessError(f"{opening} needs a key: --api-key-env NAME or --api-key-file FILE")
    admin, secret = options.admin_key_env, options.player_secret_env
    figures = options.metrics_key_env
    if figures and not has_prometheus():
        raise AccessError(f"/metrics needs the extra `metrics`: {install_command('metrics')}")
    if options.admin_acts and not admin:
        raise AccessError("--admin-acts needs the administrator's key: --admin-key-env NAME")
    default = REMOTE_PER_SECOND if opening else None
    return AccessSettings(
        keys=KeyRing(options.api_key_env, options.api_key_file) if has_keys else None,
        admin_keys=KeyRing(admin, None) if admin else None,
        metrics_keys=KeyRing(figures, None) if figures else None,
        tokens=PlayerTokens(os.environ.get(secret, "").split()) if secret else None,
        allow_remote=options.allow_remote,
        public_url=options.public_url,
        trusts_proxy=options.trust_proxy,
        per_second=options.requests_per_second or default,
        # Of the game that started us, and not for the processes that we start.
        secret=os.environ.pop(SECRET_VARIABLE, "") or secrets.token_urlsafe(24),
        cluster_key=_cluster_key(options),
    )


def _opened_by(options: argparse.Namespace) -> str | None:
    """Return the flag that opens the service to others; by a proxy all come from this machine.

    Raises AccessError for a public URL that is none.
    """
    public = "ws://localhost" if options.public_url is None else options.public_url
    try:
        host = urlsplit(public).hostname
    except ValueError:
        host = None
    if not public.startswith(("ws://", "wss://")) or not host or set(public) & set(" \t\r\n"):
        raise AccessError(f"--public-url is ws://HOST or wss://HOST, and not {public!r}")
    opening = {
        "--allow-remote": options.allow_remote,
        "--trust-proxy": options.trust_proxy,
        "--public-url": host not in LOOPBACK,
    }
    return next((flag for flag, is_open in opening.items() if is_open), None)


def _cluster_key(options: argparse.Namespace) -> str | None:
    """Return the key of the nodes. Raises AccessError for what one of several nodes lacks."""
    if options.store is None:
        return None
    if options.data is not None:
        raise AccessError("--store is for a database that nodes share, --data for a folder of one")
    if "://" in options.store and not options.store.startswith(("postgresql://", "postgres://")):
        raise AccessError("--store is postgresql://USER:PASSWORD@HOST/NAME")
    if not (options.node_url or "").startswith(("http://", "https://")):
        raise AccessError("--store needs --node-url http://..., where the other nodes reach this")
    if not options.public_url:
        raise AccessError("--store needs --public-url wss://..., the address of all nodes together")
    key = os.environ.pop(options.cluster_key_env or "", "")
    if len(key) < 16:
        raise AccessError("--store needs --cluster-key-env NAME, a key of 16 characters or more")
    return key


def _limits(options: argparse.Namespace) -> Limits:
    default = Limits()
    return Limits(
        session_ttl=options.session_ttl,
        agent_linger=options.agent_linger,
        max_rooms=options.max_rooms,
        max_sessions=options.max_sessions or default.max_sessions,
        max_shared=options.max_sessions or default.max_shared,
        default_room_ttl=min(options.room_ttl, options.max_room_ttl),
        max_room_ttl=options.max_room_ttl,
        token_ttl=options.token_ttl,
    )


def _admission(options: argparse.Namespace) -> AdmissionLimits:
    max_lag = REMOTE_MAX_LAG if options.allow_remote else 0.0
    if options.max_lag is not None:
        max_lag = options.max_lag
    return AdmissionLimits(max_lag or None, options.joins_per_second)


def _drain_seconds(options: argparse.Namespace) -> float:
    default = REMOTE_DRAIN_SECONDS if options.allow_remote else 0.0
    return default if options.drain_seconds is None else float(options.drain_seconds)


def _store(
    options: argparse.Namespace, access: AccessSettings
) -> tuple[SessionStore, ClusterNode | None]:
    """Open the store, and be a node of those that share it. Raises StoreError."""
    if options.store is None:
        return SessionStore.open(None if options.data is None else _database(options.data)), None
    name, url = secrets.token_hex(4), options.node_url.rstrip("/")
    db, beats = PostgresDatabase(options.store, name), PostgresDatabase(options.store, name)
    prepare(db)
    node = NodeSettings(name, url, access.cluster_key or "")
    directory, own = Directory(db, name, url), Directory(beats, name, url)
    cluster = ClusterNode(node, directory, own, time.monotonic)
    return SessionStore(None, database=db, node=name), cluster


def _service(
    options: argparse.Namespace,
    store: SessionStore,
    cluster: ClusterNode | None,
    host: HostParts,
) -> Service:
    def chance() -> Random:
        return Random(options.seed)

    assets = options.assets or [Path("assets"), package_assets()]
    models = ModelPool(
        _model(options),
        by_request=options.models_by_request,
        environment=os.environ,
        folders=assets,
    )
    settings = ServiceSettings(
        limits=_limits(options),
        admission=_admission(options),
        drain_seconds=_drain_seconds(options),
        timing=TimingConfig(
            options.words_per_second,
            options.think,
            options.idle_timeout,
            options.idle_warning,
            options.remark_after,
        ),
        drain_retry_after=options.drain_retry_after,
        ways_out={} if options.no_speech else speech_settings(options).ways_out(),
    )
    return Service(
        PersonaAgentFactory(assets, chance, models, tells_folders=options.with_parent),
        store,
        now=time.monotonic,
        wall=time.time if cluster is None else cluster.wall,
        new_id=lambda: secrets.token_urlsafe(18),
        settings=settings,
        speech=None if options.no_speech else _speech(options),
        metrics=host.problems.metrics,
        tracer=host.tracer,
        cluster=cluster,
    )


def _speech(options: argparse.Namespace) -> SpeechParts:
    speech = make_speech(speech_settings(options))
    for problem in speech.problems:
        log.warning("%s", problem)
    return speech


def _model(options: argparse.Namespace) -> ModelSettings:
    """Return the model that the command line names, or the environment."""
    if not options.model_from_env:
        return model_settings(options)
    names = ("TROUPE_MODEL_URL", "TROUPE_MODEL_NAME")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        parser().error(f"--model-from-env needs {' and '.join(missing)}")
    url, name = (os.environ[name] for name in names)
    key_env = "TROUPE_MODEL_KEY" if os.environ.get("TROUPE_MODEL_KEY") else ""
    return ModelSettings(url=url, name=name, key_env=key_env)


def _database(data: Path) -> Path:
    """Return the file's place in the layout of a data folder, or of its `service` folder."""
    return database_of(data.parent if data.name == "service" else data)


# What is done in threads gives the interpreter back so soon; Python's 5 ms would be a ping's, too.
SWITCH_SECONDS = 0.0005
LOCK_SECONDS = 5.0  # as long as a service that was told to stop may take to save


def _lock(folder: Path) -> FileLock | None:
    """Take the data folder for this process alone; None where its volume knows no locks.

    Raises LockHeldError while another service has it.
    """
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return FileLock(folder / "service.lock")
        except LockHeldError:
            if time.monotonic() >= until:
                raise
        except OSError as problem:
            log.warning("%s is not locked: %s", folder, problem.strerror)
            return None
        time.sleep(0.05)


def _run(options: argparse.Namespace, host: HostParts) -> int:
    if options.data is None:
        try:
            return asyncio.run(_serve(options, host))
        except StoreError as problem:
            print(f"the store cannot be used: {problem}", file=sys.stderr)
            return 1
    try:
        lock = _lock(_database(options.data).parent)
    except LockHeldError as problem:
        print(
            f"{options.data} is in use by another service, process {problem.pid}; stop that one "
            "first, or give this one a folder of its own with --data",
            file=sys.stderr,
        )
        return 1
    try:
        return asyncio.run(_serve(options, host))
    finally:
        if lock is not None:
            lock.release()


async def _serve(options: argparse.Namespace, host: HostParts) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    store, cluster = _store(options, host.access)
    if store.warning and options.with_parent:
        print(
            json.dumps({"problem": store.warning, "told": ScreenText.as_data(store.warning)}),
            flush=True,
        )
    service = _service(options, store, cluster, host)

    def end() -> None:
        if stop.is_set():  # told twice: no time for a goodbye after the other
            service.hurry()
        stop.set()

    # Not loop.add_signal_handler: the event loops of Windows have none.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))
    await service.start()
    admin = AdminSettings(_node(options), options.admin_acts, host.problems)
    runner = make_runner(make_app(service, host.access, admin))
    await runner.setup()
    read_in_pieces(runner)
    try:
        await _listen(runner, options)
    except OSError as problem:
        print(
            f"cannot listen on {options.host}:{options.port}: {problem.strerror}", file=sys.stderr
        )
        await service.close()
        return 1
    address, port = runner.addresses[0][:2]
    name = f"[{address}]" if ":" in address else address
    url = f"http://{name}:{port}"
    folder = None if options.data is None else _database(options.data).parent
    with endpoint_file(folder, url, host.access.secret or ""):
        print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)
        if options.with_parent:
            _watch_stdin(lambda: loop.call_soon_threadsafe(stop.set))
        watch = asyncio.create_task(
            drop_half_sent(runner, most=None if options.trust_proxy else MOST_HALF_SENT)
        )
        service.loop_watch.take_collector()
        await stop.wait()
        watch.cancel()
        await service.close()
    await runner.cleanup()
    return 0


async def _listen(runner: web.AppRunner, options: argparse.Namespace) -> None:
    """Listen on the port; a game that started us may be told of another, if that one is taken."""
    try:
        await web.TCPSite(runner, options.host, options.port).start()
    except OSError:
        if not options.with_parent or not options.port:
            raise
        await web.TCPSite(runner, options.host, 0).start()


def _watch_stdin(ended: Callable[[], object]) -> None:
    """Call `ended` on a thread of its own when standard input closes: the parent is gone.

    A thread, because no event loop of Windows can wait for a pipe; `os.read`, because a thread
    that waits inside `sys.stdin` would hold its lock while the interpreter shuts down.
    """

    def watch() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        with suppress(RuntimeError):  # the loop has ended before
            ended()

    threading.Thread(target=watch, name="service-stdin", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())

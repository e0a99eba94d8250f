"""Run the conversation service: `python -m characters.service --data DIR --assets DIR`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

from aiohttp import web

from characters.protocol.link import SECRET_VARIABLE
from characters.protocol.model_settings import ModelSettings, add_model_flags, model_settings
from characters.resources import package_assets
from characters.service.access import LOOPBACK, AccessError, AccessSettings, KeyRing, PlayerTokens
from characters.service.agent_factory import ModelPool, PersonaAgentFactory
from characters.service.app import MOST_HALF_SENT, drop_half_sent, make_app, make_runner
from characters.service.pace import TimingConfig
from characters.service.registry import Limits
from characters.service.service import Service, ServiceSettings, endpoint_file
from characters.service.store import SessionStore, database_of
from characters.speech.factory import SpeechParts, make_speech
from characters.speech.settings import add_speech_flags, speech_settings
from engine.core.file_system import FileLock, LockHeldError
from engine.core.words import ScreenText

__all__ = ["main", "parser"]


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
    add("--port", type=int, default=0, help="0 takes a free one")
    add(
        "--session-ttl",
        type=float,
        default=30 * 86400.0,
        help="seconds without use that end a session; between two runs a day counts at most",
    )
    add("--agent-linger", type=float, default=10.0, help="seconds in an empty room")
    add("--idle-timeout", type=float, default=900.0, help="seconds")
    add("--idle-warning", type=float, default=60.0, help="seconds before the time-out")
    add("--words-per-second", type=float, default=14.0, help="0 answers at once")
    add("--think", type=float, default=0.25, help="seconds before an answer")
    add("--remark-after", type=float, default=45.0, help="seconds of silence")
    add("--drain-retry-after", type=float, default=1.0, help="told when stopping")
    add("--seed", type=int, help="makes what is said repeatable")
    add("--no-speech", action="store_true", help="text only")
    add_speech_flags(it)
    add("--api-key-env", help="environment variable with the keys to demand, spaces between them")
    add("--api-key-file", type=Path, help="file with a key a line, read again when it changes")
    add("--admin-key-env", help="environment variable with the keys that may forget any player")
    add("--player-secret-env", help="environment variable with the secrets that sign player tokens")
    add("--public-url", help="ws:// or wss:// address of this service for clients")
    add("--trust-proxy", action="store_true", help="believe X-Forwarded-For and -Proto")
    add("--requests-per-second", type=float, help="of one key or address; ten times that at once")
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
    return it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop; return the exit status."""
    options = parser().parse_args(arguments)
    if options.host not in LOOPBACK and not options.allow_remote:
        parser().error(f"{options.host} is open to others; say --allow-remote if that is meant")
    try:
        access = _access(options)
    except AccessError as problem:
        parser().error(f"{problem}")
    try:
        speech_settings(options)
        model_settings(options)
    except ValueError as problem:
        parser().error(str(problem))
    logging.basicConfig(
        level=options.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Short turns between threads: speech must not hold up everybody's frames (measured: a round
    # trip p99 of 148 ms at the default interval).
    sys.setswitchinterval(0.0005)
    return _run(options, access)


REMOTE_PER_SECOND = 20.0


def _access(options: argparse.Namespace) -> AccessSettings:
    """Return who may call. Raises AccessError for what is missing."""
    has_keys = options.api_key_env or options.api_key_file
    if options.allow_remote and not has_keys:
        raise AccessError("--allow-remote needs a key: --api-key-env NAME or --api-key-file FILE")
    if options.public_url and not options.public_url.startswith(("ws://", "wss://")):
        raise AccessError("--public-url begins with ws:// or wss://")
    admin, secret = options.admin_key_env, options.player_secret_env
    default = REMOTE_PER_SECOND if options.allow_remote else None
    return AccessSettings(
        keys=KeyRing(options.api_key_env, options.api_key_file) if has_keys else None,
        admin_keys=KeyRing(admin, None) if admin else None,
        tokens=PlayerTokens(os.environ.get(secret, "").split()) if secret else None,
        allow_remote=options.allow_remote,
        public_url=options.public_url,
        trusts_proxy=options.trust_proxy,
        per_second=options.requests_per_second or default,
        secret=os.environ.pop(SECRET_VARIABLE, None),  # not for the processes that we start
    )


def _service(options: argparse.Namespace, store: SessionStore) -> Service:
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
        limits=Limits(session_ttl=options.session_ttl, agent_linger=options.agent_linger),
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
        wall=time.time,
        new_id=lambda: secrets.token_urlsafe(18),
        settings=settings,
        speech=None if options.no_speech else _speech(options),
    )


def _speech(options: argparse.Namespace) -> SpeechParts:
    speech = make_speech(speech_settings(options))
    for problem in speech.problems:
        logging.getLogger(__name__).warning("%s", problem)
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
            logging.getLogger(__name__).warning("%s is not locked: %s", folder, problem.strerror)
            return None
        time.sleep(0.05)


def _run(options: argparse.Namespace, access: AccessSettings) -> int:
    if options.data is None:
        return asyncio.run(_serve(options, access))
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
        return asyncio.run(_serve(options, access))
    finally:
        if lock is not None:
            lock.release()


async def _serve(options: argparse.Namespace, access: AccessSettings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Not loop.add_signal_handler: the event loops of Windows have none.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    store = SessionStore.open(None if options.data is None else _database(options.data))
    if store.warning and options.with_parent:
        print(
            json.dumps({"problem": store.warning, "told": ScreenText.as_data(store.warning)}),
            flush=True,
        )
    service = _service(options, store)
    await service.start()
    runner = make_runner(make_app(service, access))
    await runner.setup()
    try:
        await _listen(runner, options)
    except OSError as problem:
        print(
            f"cannot listen on {options.host}:{options.port}: {problem.strerror}", file=sys.stderr
        )
        await service.close()
        return 1
    host, port = runner.addresses[0][:2]
    name = f"[{host}]" if ":" in host else host
    url = f"http://{name}:{port}"
    with endpoint_file(None if options.data is None else _database(options.data).parent, url):
        print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)
        if options.with_parent:
            _watch_stdin(lambda: loop.call_soon_threadsafe(stop.set))
        watch = asyncio.create_task(
            drop_half_sent(runner, most=None if options.trust_proxy else MOST_HALF_SENT)
        )
        # A full collection stands the loop still for as long as it walks every room (measured: a
        # p99 of 200 ms with 240 rooms): what is there now is walked no more, the rest rarely.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
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

"""Who may call the service, from where and how often: what is checked before any work is done.

* `Host` and `Origin`: a web page that the player has open can reach the loopback address, by its
  own name too (DNS rebinding). None is served.
* Keys of games (`X-API-Key`) and of administrators (`X-Admin-Key`): `KeyRing`.
* Tokens of players (`X-Player-Token`), signed by a game's own server: `PlayerTokens`.
* How often one key or address asks: a `Pace` for each.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from characters.protocol.failures import CharactersError
from characters.protocol.link import CHALLENGE, proof_of
from characters.service.registry import RefusalError
from characters.service.room_connection import Pace
from engine.core.errors import install_command
from engine.core.file_system import read_file

__all__ = [
    "AccessError", "AccessSettings", "CLUSTER_KEY", "Guard", "is_of_a_node", "KeyRing", "LOOPBACK",
    "PlayerTokens",
]  # fmt: skip

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HOST = re.compile(r"[\w.\-\[\]:]+")
HASHED = "sha256:"
DIGEST = re.compile(r"[0-9a-f]{64}")
CLUSTER_KEY = "X-Troupe-Cluster"
"""The header by which the nodes of a cluster know one another."""
MAX_CALLERS = 10_000
# Lines of text that one caller asks by `/connect/stream`, a second and at once: each is the work of
# an agent. One who asks more waits, and is refused where that takes longer than so many seconds.
QUESTIONS, MOST_WAIT_TO_ASK = (50.0, 200.0), 5.0
CLOCKS_APART = 10.0  # seconds that the clock of a game's server may be ahead of ours, or behind
TOKEN_LIFE = 86400.0  # seconds that a token of a player may be valid, so that a leaked one ends
MOST_KEY_BYTES = 1 << 20
OPEN = ("/health", "/livez", "/readyz")
FIGURES = "/metrics"
ADMIN = "/admin"


def is_of_a_node(request: web.Request, key: str | None) -> bool:
    """Tell whether a node of the cluster with that key sends a request."""
    return key is not None and hmac.compare_digest(
        request.headers.get(CLUSTER_KEY, "").encode("utf-8", "replace"), key.encode()
    )


class AccessError(CharactersError):
    """Keys or tokens that cannot be used as they are set; the message says what to do."""


class KeyRing:
    """Keys that are accepted, from a variable, a file, or both; none of them is kept as it is.

    A variable holds keys with spaces between them. A file holds one a line, as it is or hashed
    (`sha256:` and its digest in hexadecimal), and is read again when it has changed: a key is
    added, or taken back, without a restart. Raises AccessError when there is no key.
    """

    def __init__(
        self, variable: str | None, file: Path | None, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._file = file
        self._version: tuple[int, ...] = ()
        self._problem = ""  # that was told
        self._fixed: frozenset[str] = frozenset()
        if variable is not None:
            self._fixed = frozenset(map(_digest, environment.get(variable, "").split()))
            if not self._fixed:
                raise AccessError(f"the variable {variable} is unset or empty; put the key into it")
        try:
            self._hashes = self._fixed | self._read()
        except OSError as problem:
            raise AccessError(f"the keys in {file} cannot be read: {problem.strerror}") from None
        if not self._hashes:
            raise AccessError(f"there is no key in {file}; write one on a line of its own")

    def accepts(self, key: str) -> bool:
        """Tell whether a key is on the ring now."""
        self._refresh()
        presented = _digest(key)
        return any(hmac.compare_digest(presented, known) for known in self._hashes)

    def _refresh(self) -> None:
        """Read a file that has changed; while it cannot be read, or is empty, the old keys hold."""
        try:
            if self._file is not None and _version(self._file) != self._version:
                self._hashes = self._fixed | self._read() or self._hashes
                self._problem = ""
        except OSError as problem:
            if str(problem.strerror) != self._problem:
                self._problem = str(problem.strerror)
                log.warning("the file of keys cannot be read: %s", self._problem)

    def _read(self) -> frozenset[str]:
        if self._file is None:
            return frozenset()
        version = _version(self._file)
        content = read_file(self._file, MOST_KEY_BYTES)
        try:
            lines = content.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise OSError(errno.EILSEQ, "it is no text in UTF-8") from None
        self._version = version  # one that could not be read is tried again
        found = ((number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1))
        return frozenset(_digest_in(line, number) for number, line in found if line)


def _version(file: Path) -> tuple[int, ...]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _digest_in(line: str, number: int) -> str:
    if not line.startswith(HASHED):
        return _digest(line)
    digest = line.removeprefix(HASHED).strip().lower()
    if not DIGEST.fullmatch(digest):
        raise OSError(errno.EINVAL, f"line {number} is no {HASHED} and 64 hexadecimal digits")
    return digest


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _is_for_host(request: web.Request) -> bool:
    return request.path in (FIGURES, ADMIN) or request.path.startswith(ADMIN + "/")


def _is_own_page(request: web.Request) -> bool:
    """Tell whether the administrator's page asks, and none from elsewhere."""
    ours = (f"http://{request.host}", f"https://{request.host}")
    return request.path.startswith(ADMIN + "/") and request.headers["Origin"] in ours


def _host_key(request: web.Request) -> str:
    """Return the key of who runs the service: `X-Admin-Key`, a bearer's, or a password."""
    header = request.headers.get("Authorization", "")
    kind, _, value = header.partition(" ")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return request.headers.get("X-Admin-Key", value if kind.lower() == "bearer" else "")


class PlayerTokens:
    """Short-lived tokens that a game's own server signs (HS256), each for one `end_user_id`.

    One that is valid for longer than `TOKEN_LIFE` is no such token.
    `secrets` are those of that server, the newest first; an old one is kept until what it signed
    has expired. Raises AccessError without the `pyjwt` package or a secret.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        try:
            import jwt
        except ImportError:
            raise AccessError(
                f"tokens of players need the extra `tokens`: {install_command('tokens')}"
            ) from None
        if not secrets or min(map(len, secrets)) < 32:
            raise AccessError("a secret that signs tokens of players has at least 32 characters")
        self._jwt = jwt
        self._secrets = tuple(secrets)

    def player(self, token: str) -> str | None:
        """Return whom a token is for; None for one that is expired, too long, forged or garbled."""
        for secret in self._secrets:
            try:
                claims = self._jwt.decode(
                    token,
                    secret,
                    algorithms=["HS256"],
                    options={"require": ["exp", "sub"]},
                    leeway=CLOCKS_APART,
                )
            except (self._jwt.InvalidTokenError, UnicodeEncodeError):  # bytes that are no text
                continue
            lasts = claims["exp"] - time.time()
            return str(claims["sub"]) if lasts <= TOKEN_LIFE + CLOCKS_APART else None
        return None


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may call a service. The default is the embedded one: its own machine, without a key.

    `metrics_keys` open the figures alone, `admin_keys` them too.
    `public_url` (ws:// or wss://) is the service's address for clients. `trusts_proxy` takes the
    caller's address and whether he came by TLS from the headers of a proxy in front.
    `per_second` is how many requests one key or address may make, ten times that at once; None
    is any number. `secret` is what the game that started the service gave it. `cluster_key` is what
    the nodes of a cluster know one another by.
    """

    keys: KeyRing | None = None
    admin_keys: KeyRing | None = None
    tokens: PlayerTokens | None = None
    allow_remote: bool = False
    metrics_keys: KeyRing | None = None
    public_url: str | None = None
    trusts_proxy: bool = False
    per_second: float | None = None
    secret: str | None = None
    cluster_key: str | None = None


class Guard:
    """Checks requests; each check raises RefusalError. `now` is seconds on a monotonic clock."""

    def __init__(self, settings: AccessSettings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._paces: dict[str, Pace] = {}
        self._questions: dict[str, Pace] = {}

    def check(self, request: web.Request) -> None:
        """Check where a request comes from, how often, and its key: the cheapest first."""
        self._check_origin(request)
        # A room is opened with the token that `/connect` granted.
        if request.path in OPEN or request.path.startswith("/rooms/"):
            return
        if is_of_a_node(request, self._settings.cluster_key):
            return  # the node that relays it has checked it
        if _is_for_host(request):
            self._check_pace(self._address(request))
            self._check_host(request)
            return
        key = self._known_key(request)
        self._check_pace(key or self._address(request))
        if self._settings.keys is not None and not key:
            raise RefusalError(401, "invalid API key")

    def _known_key(self, request: web.Request) -> str:
        """Return the key that a request shows, "" for none.

        One that was made up is no caller of its own: whoever guesses is counted by address.
        """
        keys, headers = self._settings.keys, request.headers
        key = headers.get("X-API-Key") or headers.get("API-AUTH-TOKEN") or ""
        return key if keys is not None and keys.accepts(key) else ""

    def wait_to_ask(self, request: web.Request, lines: float) -> float:
        """Return how many seconds the question of a caller waits. Raises RefusalError."""
        caller, now = self._known_key(request) or self._address(request), self._now()
        pace = self._pace(self._questions, caller, *QUESTIONS)
        wait = pace.wait(lines, now)
        if wait > MOST_WAIT_TO_ASK:
            raise RefusalError(429, "too many questions at once", retry_after=wait)
        pace.take(lines, now)
        return wait

    def _check_host(self, request: web.Request) -> None:
        """Check the key of who runs the service.

        Figures are open where nobody but this machine can come, and no key is known at all.
        """
        settings, is_figures = self._settings, request.path == FIGURES
        rings = [settings.admin_keys, settings.metrics_keys if is_figures else None]
        known = [ring for ring in rings if ring is not None]
        if not known:
            if is_figures and self._is_private:
                return
            flags = "--metrics-key-env or --admin-key-env" if is_figures else "--admin-key-env"
            raise RefusalError(404, f"not served without a key: start the service with {flags}")
        key = _host_key(request)
        if not any(ring.accepts(key) for ring in known):
            raise RefusalError(401, "an administrator's key is needed")

    @property
    def _is_private(self) -> bool:
        it = self._settings
        return not (it.allow_remote or it.trusts_proxy or it.public_url or it.keys)

    @property
    def knows_players(self) -> bool:
        """Whether a player is who the request says: by his token, or on his own machine."""
        settings = self._settings
        is_local = not (settings.allow_remote or settings.trusts_proxy)
        return settings.tokens is not None or is_local

    def stranger_at(self, request: web.Request, end_user_id: str | None) -> str | None:
        """Return the address of a player whom nobody knows; None if he is who he says.

        Nobody is known without an `end_user_id`, or where anybody may bear any.
        """
        is_known = self.knows_players and end_user_id is not None
        return None if is_known else self._address(request)

    def check_player(self, request: web.Request, end_user_id: str | None) -> None:
        """Check the player's token, where tokens are demanded."""
        if self._settings.tokens is None:
            return
        player = self._player(request)
        if player is None:
            problem = "missing, expired, valid for over a day, or not ours"
            raise RefusalError(401, f"the player's token is {problem}")
        if player != end_user_id:
            raise RefusalError(403, "the player's token is for another end_user_id")

    def check_removal(self, request: web.Request, player: str | None, session_id: object) -> None:
        """Check that a caller may wipe what is kept of a player.

        An administrator may, and who has the player's token or, where no tokens are demanded,
        the id of one of his sessions: it is known to the game that he plays alone. `session_id`
        is what the caller showed that is a living session of that player, else None.
        """
        admin_keys = self._settings.admin_keys
        key = request.headers.get("X-Admin-Key", "")
        if admin_keys is not None and admin_keys.accepts(key):
            return
        if self._settings.tokens is not None:
            self.check_player(request, player)
        elif session_id is None:
            raise RefusalError(
                403, "not allowed: show a character_session_id of that player, or X-Admin-Key"
            )

    def proof(self, request: web.Request) -> dict[str, str]:
        """Return the proof that this is the service that the game has started."""
        challenge, secret = request.headers.get(CHALLENGE), self._settings.secret
        if secret is None or challenge is None:
            return {}
        return {"proof": proof_of(secret, challenge[:100])}

    def origin(self, request: web.Request) -> str:
        """Return the beginning of the URLs of rooms."""
        if self._settings.public_url is not None:
            return self._settings.public_url.rstrip("/")
        is_secure = request.secure or (self._forwarded(request, "Proto").lower() == "https")
        return f"{'wss' if is_secure else 'ws'}://{request.host}"

    def _player(self, request: web.Request) -> str | None:
        tokens, token = self._settings.tokens, request.headers.get("X-Player-Token", "")
        return None if tokens is None else tokens.player(token)

    def _check_origin(self, request: web.Request) -> None:
        if "Origin" in request.headers and not _is_own_page(request):
            raise RefusalError(403, "not allowed: web pages are not served")
        try:
            name = urlsplit(f"//{request.host}").hostname
        except ValueError:
            name = None
        if name is None or not HOST.fullmatch(request.host):
            raise RefusalError(400, "the Host header is no host name")
        if not self._settings.allow_remote and name not in LOOPBACK:
            raise RefusalError(403, "not allowed: this service answers its own machine only")

    def _check_pace(self, caller: str) -> None:
        per_second = self._settings.per_second
        if per_second is None:
            return
        pace = self._pace(self._paces, caller, per_second, 10 * per_second)
        if wait := pace.wait(1, self._now()):
            raise RefusalError(429, "too many requests", retry_after=wait)
        pace.take(1, self._now())

    @staticmethod
    def _pace(paces: dict[str, Pace], caller: str, per_second: float, burst: float) -> Pace:
        if caller not in paces and len(paces) >= MAX_CALLERS:
            paces.clear()
        return paces.setdefault(caller, Pace(per_second, burst))

    def _address(self, request: web.Request) -> str:
        return _caller_at(self._forwarded(request, "For") or str(request.remote))

    def _forwarded(self, request: web.Request, what: str) -> str:
        """Return what a proxy that is trusted says of a request, "" for nothing.

        It comes last: some add to the header that the caller sent, others send one more.
        """
        said = request.headers.getall(f"X-Forwarded-{what}", ())
        return said[-1].rpartition(",")[2].strip() if self._settings.trusts_proxy and said else ""


def _caller_at(address: str) -> str:
    """Return who calls from an address: some proxies tell its port, which is new each time.

    A network of IPv6 is one caller, for a single line has so many addresses.
    """
    host = address.rpartition(":")[0] if address.count(":") == 1 else address
    try:
        ip = ip_address(host.partition("]")[0].lstrip("["))
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((int(ip), 64), strict=False))
    return str(ip)

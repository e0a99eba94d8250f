from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from itertools import cycle
from operator import methodcaller
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jwt
import pytest
from aiohttp import web
from multidict import CIMultiDict

from characters.protocol.messages import ConnectRequest
from characters.service.access import (
    CLOCKS_APART,
    CLUSTER_KEY,
    MAX_CALLERS,
    AccessError,
    AccessSettings,
    Guard,
    KeyRing,
    PlayerTokens,
)
from characters.service.registry import Limits, RefusalError
from characters.service.service import ServiceSettings
from characters.transport.base import BranchRequest, TransportError
from characters.transport.websocket import WebSocketTransport
from tests.characters.service.client import Bare, serve
from tests.characters.transport.stages import AT_ONCE

SECRET, OLD_SECRET = "s" * 32, "o" * 32


def token(player: str, secret: str = SECRET, seconds: float = 60.0) -> dict[str, str]:
    claims = {"sub": player, "exp": time.time() + seconds}
    return {"X-Player-Token": jwt.encode(claims, secret, algorithm="HS256")}


async def ask(bare: Bare, path: str, headers: dict[str, str], **body: Any) -> int:
    async with bare.http.post(bare.url + path, json=body, headers=headers) as answer:
        await answer.read()
        return answer.status


def test_a_variable_holds_several_keys() -> None:
    ring = KeyRing("KEYS", None, {"KEYS": "first second"})
    assert ring.accepts("first") and ring.accepts("second")
    assert not ring.accepts("first second") and not ring.accepts("")


@pytest.mark.parametrize("environment", [{}, {"KEYS": ""}, {"KEYS": "  "}])
def test_a_variable_without_a_key_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(AccessError, match="KEYS is unset or empty"):
        KeyRing("KEYS", None, environment)


def test_a_file_holds_keys_as_they_are_or_hashed_and_the_hash_is_no_key(tmp_path: Path) -> None:
    hashed = "sha256:" + hashlib.sha256(b"secret").hexdigest()
    file = tmp_path / "keys"
    file.write_text(f"plain  # of the first game\n\n{hashed}\n")
    ring = KeyRing(None, file)
    assert ring.accepts("plain") and ring.accepts("secret")
    assert not ring.accepts(hashed) and not ring.accepts("# of the first game")


def test_a_key_is_added_and_taken_back_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("old")
    ring = KeyRing(None, file)
    file.write_text("new")
    os.utime(file, ns=(1, 1))  # another time of change, whatever the clock's grain
    assert ring.accepts("new") and not ring.accepts("old")
    file.write_text("")
    os.utime(file, ns=(2, 2))
    assert ring.accepts("new")  # a file that is being written locks nobody out
    file.unlink()
    assert ring.accepts("new")  # nor one that is being replaced


@pytest.mark.parametrize("content", [None, "", "# none yet\n"])
def test_a_file_without_a_key_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "keys").write_text(content)
    with pytest.raises(AccessError, match="keys"):
        KeyRing(None, tmp_path / "keys")


def test_a_token_names_its_player_until_it_expires_also_with_the_secret_before() -> None:
    tokens = PlayerTokens((SECRET, OLD_SECRET))
    for secret in (SECRET, OLD_SECRET):
        assert tokens.player(token("ada", secret)["X-Player-Token"]) == "ada"
    assert tokens.player(token("ada", "f" * 32)["X-Player-Token"]) is None
    assert tokens.player(token("ada", seconds=-1.0 - CLOCKS_APART)["X-Player-Token"]) is None
    assert tokens.player("") is None
    no_expiry = jwt.encode({"sub": "ada"}, SECRET, algorithm="HS256")
    no_signature = jwt.encode({"sub": "ada", "exp": time.time() + 60}, "", algorithm="none")
    assert tokens.player(no_expiry) is tokens.player(no_signature) is None


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize(("ahead", "player"), [(5.0, "ada"), (60.0, None)])
def test_the_clock_of_the_game_s_server_may_be_a_little_ahead(
    claim: str, ahead: float, player: str | None
) -> None:
    claims = {"sub": "ada", "exp": time.time() + 300, claim: int(time.time() + ahead)}
    signed = jwt.encode(claims, SECRET, algorithm="HS256")
    assert PlayerTokens((SECRET,)).player(signed) == player


@pytest.mark.parametrize(("seconds", "player"), [(86400.0, "ada"), (86500.0, None), (1e12, None)])
def test_a_token_that_is_valid_for_over_a_day_is_none(seconds: float, player: str | None) -> None:
    signed = token("ada", seconds=seconds)["X-Player-Token"]
    assert PlayerTokens((SECRET,)).player(signed) == player


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(AccessError, match="32"):
        PlayerTokens(("short",))


def test_where_tokens_are_demanded_each_player_has_his_own() -> None:
    async def play(bare: Bare) -> None:
        asked = {"character_id": "counter", "end_user_id": "ada"}
        assert await ask(bare, "/connect", {}, **asked) == 401
        assert await ask(bare, "/connect", token("bob"), **asked) == 403
        assert await ask(bare, "/connect", token("ada"), **asked) == 200
        assert await ask(bare, "/forget", token("bob"), end_user_id="ada") == 403
        assert await ask(bare, "/forget", token("ada"), end_user_id="ada") == 200

    serve(play, access=AccessSettings(tokens=PlayerTokens((SECRET,))))


@pytest.mark.parametrize("name", ["X-Player-Token", "X-API-Key", "X-Admin-Key", CLUSTER_KEY])
def test_a_key_of_bytes_that_are_no_text_is_a_wrong_key(name: str) -> None:
    async def play(bare: Bare) -> None:
        body = b'{"character_id": "counter", "end_user_id": "ada"}'
        head = f"POST /connect HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        host, port = bare.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode() + name.encode() + b": \xff\xfe.\xff.\xff\r\n\r\n" + body)
        assert b" 401 " in await reader.readline()
        writer.close()

    keys = KeyRing("K", None, {"K": "key"}) if name == "X-API-Key" else None
    guarded = AccessSettings(
        keys=keys, admin_keys=keys, tokens=PlayerTokens((SECRET,)), cluster_key="of the nodes"
    )
    serve(play, access=guarded)


def test_an_administrator_forgets_anybody() -> None:
    async def play(bare: Bare) -> None:
        await bare.connect(end_user_id="ada")
        assert await ask(bare, "/forget", {"X-Admin-Key": "guess"}, end_user_id="ada") == 403
        assert await ask(bare, "/forget", {"X-Admin-Key": "root"}, end_user_id="ada") == 200
        assert (await bare.health())["sessions"] == 0

    serve(play, access=AccessSettings(admin_keys=KeyRing("A", None, {"A": "root"})))


def test_who_asks_too_often_is_told_when_to_come_back_before_any_work() -> None:
    async def play(bare: Bare) -> None:
        one, another = {"X-API-Key": "one"}, {"X-API-Key": "another"}
        statuses = [await ask(bare, "/connect", one, character_id="") for _ in range(60)]
        assert statuses[:10] == [422] * 10
        assert 429 in statuses[10:]
        assert await ask(bare, "/connect", another, character_id="") == 422
        assert (await bare.health())["status"] == "ok"

    keys = KeyRing("KEYS", None, {"KEYS": "one another"})
    serve(play, access=AccessSettings(per_second=1.0, keys=keys))


def test_who_makes_up_keys_is_counted_by_address() -> None:
    async def play(bare: Bare) -> None:
        guesses = ({"X-API-Key": f"guess {number}"} for number in range(60))
        statuses = [await ask(bare, "/connect", guess, character_id="") for guess in guesses]
        assert statuses[:10] == [401] * 10
        assert 429 in statuses[10:]

    serve(play, access=AccessSettings(per_second=1.0, keys=KeyRing("K", None, {"K": "one"})))


@pytest.mark.parametrize("path", ["/admin/state", "/metrics"])
def test_who_guesses_the_key_of_an_administrator_is_counted_by_address(path: str) -> None:
    async def play(bare: Bare) -> None:
        statuses = []
        for number in range(60):
            guess = {"X-Admin-Key": f"guess {number}", "X-API-Key": "one"}
            async with bare.http.get(bare.url + path, headers=guess) as answer:
                statuses.append(answer.status)
        assert statuses[:10] == [401] * 10
        assert 429 in statuses[10:]

    keys, admin_keys = KeyRing("K", None, {"K": "one"}), KeyRing("A", None, {"A": "root"})
    serve(play, access=AccessSettings(per_second=1.0, keys=keys, admin_keys=admin_keys))


def test_behind_a_proxy_who_asks_is_whom_the_proxy_names_last() -> None:
    async def play(bare: Bare) -> None:
        made_up = ({"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.1"} for n in range(60))
        statuses = [await ask(bare, "/connect", said, character_id="") for said in made_up]
        assert 429 in statuses
        another = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}
        assert await ask(bare, "/connect", another, character_id="") == 422

    serve(play, access=AccessSettings(per_second=1.0, trusts_proxy=True))


@pytest.mark.parametrize(
    "said",
    [
        [["10.0.0.{n}", "192.0.2.1"]],  # the proxy sends a header of its own
        [["192.0.2.1:{n}"]],  # it tells the port, too
        [["[2001:db8:0:1::{n}]:80"]],
        [["2001:db8:0:1::{n}"], ["2001:db8:0:1:ffff::{n}"]],  # one line has a whole network
        [["::ffff:192.0.2.1"], ["192.0.2.1"], [" 192.0.2.1 "]],
    ],
    ids=str,
)
def test_behind_a_proxy_one_caller_is_one_whatever_his_headers(said: list[list[str]]) -> None:
    guard = Guard(AccessSettings(per_second=1.0, trusts_proxy=True), lambda: 0.0)
    with pytest.raises(RefusalError, match="too many requests"):
        for number, lines in zip(range(1, 61), cycle(said), strict=False):
            headers = CIMultiDict(("X-Forwarded-For", line.format(n=number)) for line in lines)
            guard.check(cast(Any, SimpleNamespace(headers=headers, host="localhost", path="/")))
    assert len(guard._paces) == 1


@pytest.mark.parametrize(
    ("settings", "player", "address"),
    [
        (AccessSettings(), "ada", None),
        (AccessSettings(), None, "192.0.2.1"),
        (AccessSettings(trusts_proxy=True), "ada", "192.0.2.7"),  # anybody may say so
        (AccessSettings(allow_remote=True), "ada", "192.0.2.1"),
        (AccessSettings(allow_remote=True, tokens=PlayerTokens((SECRET,))), "ada", None),
    ],
)
def test_a_player_is_known_by_his_token_or_on_his_own_machine(
    settings: AccessSettings, player: str | None, address: str | None
) -> None:
    request = SimpleNamespace(
        remote="192.0.2.1", headers=CIMultiDict({"X-Forwarded-For": "192.0.2.7"})
    )
    assert Guard(settings, lambda: 0.0).stranger_at(cast(Any, request), player) == address


def test_who_has_no_id_is_not_in_all_rooms() -> None:
    async def play(bare: Bare) -> None:
        async with AsyncExitStack() as rooms:
            for _ in range(64):
                await rooms.enter_async_context(bare.enter(await bare.connect()))
            status, answer = await bare.post("/connect", character_id="counter")
            assert status == 429 and "one address" in answer["detail"]
            await bare.connect(end_user_id="ada")

    serve(play, ServiceSettings(Limits(max_rooms=66), timing=AT_ONCE))


def test_of_those_who_ask_only_so_many_are_remembered() -> None:
    guard = Guard(AccessSettings(per_second=1.0, trusts_proxy=True), lambda: 0.0)
    for number in range(MAX_CALLERS + 10):
        headers = CIMultiDict({"X-Forwarded-For": f"address {number}"})
        request: Any = SimpleNamespace(headers=headers, host="localhost", path="/connect")
        guard.check(request)
    assert len(guard._paces) <= MAX_CALLERS


@pytest.mark.parametrize("host", ['a b"c', "a/../b", "ada@talk.example.org", "a?b"])
def test_a_host_that_is_no_name_gets_into_no_url(host: str) -> None:
    async def play(bare: Bare) -> None:
        assert await ask(bare, "/connect", {"Host": host}, character_id="counter") == 400

    serve(play, access=AccessSettings(allow_remote=True))


def test_the_url_of_a_room_is_the_public_one() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect()
        assert grant["room_url"].startswith("wss://talk.example.org/rooms/")

    serve(play, access=AccessSettings(public_url="wss://talk.example.org/"))


@pytest.mark.parametrize(("trusts", "scheme"), [(True, "wss://"), (False, "ws://")])
def test_a_proxy_is_believed_only_where_it_is_trusted(trusts: bool, scheme: str) -> None:
    async def play(bare: Bare) -> None:
        headers = {"X-Forwarded-Proto": "https"}
        body = {"character_id": "counter"}
        async with bare.http.post(bare.url + "/connect", json=body, headers=headers) as answer:
            assert (await answer.json())["room_url"].startswith(scheme)

    serve(play, access=AccessSettings(trusts_proxy=trusts))


def test_a_session_is_branched_corrected_and_resumed_by_its_player_alone() -> None:
    async def play(bare: Bare) -> None:
        asked: dict[str, Any] = {"character_id": "counter", "end_user_id": "ada"}
        async with bare.http.post(
            bare.url + "/connect", json=asked, headers=token("ada")
        ) as answer:
            grant = await answer.json()
        session = grant["character_session_id"]
        for who, status in (({}, 401), (token("bob"), 403), (token("ada"), 200)):
            assert await ask(bare, f"/sessions/{session}/branch", who) == status
            for method, own in (("GET", 200), ("PATCH", 422), ("DELETE", 404)):
                url = f"{bare.url}/sessions/{session}/memory"
                async with bare.http.request(method, url, json={}, headers=who) as answer:
                    assert answer.status == (own if status == 200 else status)
        theirs = {"character_session_id": session, **asked, "end_user_id": "bob"}
        assert await ask(bare, "/connect", token("bob"), **theirs) == 404
        theirs |= {"mode": "join", "room_name": grant["room_name"]}
        assert await ask(bare, "/connect", token("bob"), **theirs) == 404

    serve(play, access=AccessSettings(tokens=PlayerTokens((SECRET,))))


def test_a_game_shows_its_player_s_token_wherever_it_asks_what_is_known_of_him() -> None:
    async def play(bare: Bare) -> None:
        shown = token("ada")["X-Player-Token"]
        own = WebSocketTransport(bare.url, player_token=lambda: shown)
        stranger = WebSocketTransport(bare.url)
        grant = await own.connect(ConnectRequest("counter", end_user_id="ada"))
        session = grant.character_session_id
        async with AsyncExitStack() as stack:
            stack.push_async_callback(own.close)
            stack.push_async_callback(stranger.close)
            for ask in (
                methodcaller("facts", session),
                methodcaller("correct", session, "name", "Bob"),
                methodcaller("pin", session, "name", True),
                methodcaller("forget_fact", session, "name"),
                methodcaller("branch", BranchRequest(session)),
                methodcaller("forget", session),
            ):
                assert await refusal(ask(stranger)) == "connection.invalid_api_key"
                assert await refusal(ask(own)) in ("", "connection.not_found")
            assert await refusal(own.facts(session)) == "session.not_found"

    serve(play, access=AccessSettings(tokens=PlayerTokens((SECRET,))))


async def refusal(asked: Awaitable[object]) -> str:
    """Return the code with which something was refused, "" if it was not."""
    try:
        await asked
    except TransportError as error:
        return error.failure.code
    return ""


@pytest.mark.parametrize(
    ("headers", "what"),
    [({"Host": "evil.example"}, "its own machine"), ({"Origin": "http://evil.example"}, "pages")],
)
def test_no_address_answers_a_web_page_or_a_foreign_host(
    headers: dict[str, str], what: str
) -> None:
    async def play(bare: Bare) -> None:
        routes = list(bare.stage.runner.app.router.routes())
        assert len(routes) > 10
        for route in routes:
            url = bare.url + str(route.url_for(**dict.fromkeys(names(route), "x")))
            async with bare.http.request(route.method, url, headers=headers) as answer:
                assert answer.status == 403
                if route.method != "HEAD":
                    assert what in (await answer.json())["detail"]

    serve(play)


def names(route: web.AbstractRoute) -> list[str]:
    """Return the blanks in the address of a route."""
    assert route.resource is not None
    return re.findall(r"{(\w+)", route.resource.canonical)


def test_half_a_character_is_refused_in_every_body() -> None:
    async def play(bare: Bare) -> None:
        session = (await bare.connect(end_user_id="ada"))["character_session_id"]
        half = {"character_id": "\ud83d", "end_user_id": "\ud83d", "heard": "\ud83d"}
        for path in ("/connect", "/forget", f"/sessions/{session}/branch"):
            assert await ask(bare, path, {"X-Admin-Key": "root"}, **half) in (400, 422)

    serve(play, access=AccessSettings(admin_keys=KeyRing("A", None, {"A": "root"})))


@pytest.mark.posix("Windows has no pipes in folders")
def test_a_pipe_in_the_place_of_a_file_of_keys_is_told_at_once_and_the_old_keys_hold(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keys"
    file.write_text("first")
    ring = KeyRing(None, file)
    file.unlink()
    os.mkfifo(file)
    assert ring.accepts("first") and not ring.accepts("second")
    with pytest.raises(AccessError, match="pipe"):
        KeyRing(None, file)


def test_a_file_that_could_not_be_read_is_tried_again_though_it_has_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text("old")
    ring = KeyRing(None, file)
    file.write_text("newer")
    with monkeypatch.context() as patch:
        patch.setattr("characters.service.access.read_file", refuse)
        assert ring.accepts("old") and not ring.accepts("newer")
    assert len(caplog.records) == 1, "told once, and not with each request"
    assert ring.accepts("newer") and not ring.accepts("old")  # only its mode was changed


def refuse(path: Path, most: int) -> bytes:
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_a_file_that_was_replaced_by_one_of_the_same_time_is_read(tmp_path: Path) -> None:
    file, other = tmp_path / "keys", tmp_path / "other"
    file.write_text("first")
    other.write_text("other")
    for path in (file, other):
        os.utime(path, ns=(1, 1))
    ring = KeyRing(None, file)
    other.replace(file)
    assert ring.accepts("other") and not ring.accepts("first")


def test_a_file_of_keys_with_a_byte_order_mark_is_read_and_one_in_utf16_is_told(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keys"
    file.write_text("key\n", encoding="utf-8-sig")
    assert KeyRing(None, file).accepts("key")
    file.write_text("key\n", encoding="utf-16")
    with pytest.raises(AccessError, match="no text in UTF-8"):
        KeyRing(None, file)


@pytest.mark.parametrize("digest", ["", "abc", "ü" * 64, "x" * 64, "0" * 63, "0" * 65])
def test_a_line_that_is_no_digest_is_told_and_the_old_keys_hold(
    digest: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text("first")
    ring = KeyRing(None, file)
    file.write_text(f"second\nsha256:{digest}\n", "utf-8")
    with pytest.raises(AccessError, match="line 2 is no sha256:"):
        KeyRing(None, file)
    assert ring.accepts("first") and not ring.accepts("second")
    assert "line 2 is no sha256:" in caplog.text

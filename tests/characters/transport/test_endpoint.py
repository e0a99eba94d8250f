from __future__ import annotations

import asyncio
import time

import pytest

from characters.protocol.link import SequencedChannel
from characters.protocol.messages import ConnectRequest
from characters.transport.endpoint import EndpointTransport, speaks_troupe
from characters.transport.livekit import LiveKitConnection, LiveKitRooms
from characters.transport.websocket import WebSocketConnection
from tests.characters.transport.fake_livekit import FakeLiveKit
from tests.characters.transport.stages import service_stage


@pytest.mark.parametrize(
    ("room_url", "ours"),
    [
        ("ws://127.0.0.1:8766/rooms/room-1", True),
        ("wss://host/talk/rooms/room-1", True),
        ("wss://convai.livekit.cloud", False),
        ("wss://livekit.example:7880/", False),
    ],
)
def test_a_room_s_url_says_what_it_speaks(room_url: str, ours: bool) -> None:
    assert speaks_troupe(room_url) is ours


def test_each_room_is_entered_in_its_own_way() -> None:
    async def run() -> None:
        cloud = FakeLiveKit(lambda message: [])
        async with service_stage() as stage:
            endpoint = EndpointTransport(
                stage.url, livekit=LiveKitRooms(time.monotonic, lambda: cloud)
            )
            grant = await endpoint.connect(ConnectRequest("counter-1"))
            ours = await endpoint.join(grant, SequencedChannel(grant.room_name))
            grant = cloud.grant(ConnectRequest("counter-1"))
            theirs = await endpoint.join(grant, SequencedChannel(grant.room_name))
            assert isinstance(ours, WebSocketConnection)
            assert isinstance(theirs, LiveKitConnection)
            await endpoint.close()
            assert ours.is_lost and theirs.is_lost

    asyncio.run(run())

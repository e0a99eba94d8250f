"""Ways to reach a conversation service, all behind one protocol."""

from __future__ import annotations

from characters.transport.protocol import (
    AudioFrame,
    Bye,
    Connection,
    ConnectRequest,
    Incoming,
    RoomGrant,
    RoomLink,
    Transport,
    TransportError,
    Welcome,
)

__all__ = [
    "AudioFrame",
    "Bye",
    "ConnectRequest",
    "Connection",
    "Incoming",
    "RoomGrant",
    "RoomLink",
    "Transport",
    "TransportError",
    "Welcome",
]

"""Ways to reach a conversation service, all behind one protocol.

* base: the protocol, and the mailbox of a connection
* wire: our messages over any socket
* websocket: the embedded service and hosts
* livekit: Convai's cloud and LiveKit rooms
* simulated: bad networks, made on purpose
* endpoint: which transport an endpoint needs
"""

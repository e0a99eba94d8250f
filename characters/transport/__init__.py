"""Ways to reach a conversation service, all behind one protocol.

* base: what every transport and connection offers
* wire: what our frames mean, without any I/O
* websocket: our WebSocket: the embedded service and hosts
* livekit: LiveKit rooms, as Convai's cloud has them
* simulated: the delays of simulated bad networks
"""

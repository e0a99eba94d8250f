"""The embedded conversation service: a process of its own, `python -m characters.service`.

* app: HTTP and WebSocket
* service: who may connect, and to what
* registry: sessions and rooms (pure)
* room: one live room
* conversation: what happens in it (pure)
* store: sessions and what was said, in SQLite
* voice: speech in, speech out
* requests: bodies that are not trusted
"""

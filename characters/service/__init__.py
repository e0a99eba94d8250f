"""The embedded conversation service: a process of its own, `python -m characters.service`.

* app: HTTP and WebSocket
* service: who may connect, and to what
* registry: sessions and rooms (pure)
* room: one live room
* room_connection: its client, over one WebSocket after another
* conversation: what happens in it (pure)
* store: sessions and transcripts, in SQLite
* repository: asks it from the event loop, and collects what each room has to write
* branches: sessions as a log that others share (pure); talks keeps it in tables
* database: the file, its tables and their versions
* memory: what characters know of players beyond one session
* voice: speech in, speech out
* requests: what clients send, checked
"""

"""The embedded conversation service: a process of its own, `python -m characters.service`.

From the outside in:

* app: HTTP and WebSocket
* bodies: bodies of requests, read in time and up to a size
* access: keys, tokens, origins, and how often
* requests: what clients send, checked
* admin: what a host asks, and the page for it
* service: who may connect, and to what
* admission: how fast clients come in (pure)
* registry: sessions and rooms (pure)
* agent_factory: who answers in a room

One room:

* room: one live room
* room_connection: its client, over one WebSocket after another
* message_handler: what each message does (pure)
* conversation: what happens in it (pure)
* effects: what that orders (pure)
* pace: how fast words come, and what silence leads to (pure)
* overlap: who has the word where both speak (pure)
* voice: speech in, speech out

What is kept:

* repository: the store for the event loop, and what each room has to write
* store: sessions and what belongs to them
* talks: what was said, in tables that branches share
* branches: sessions as a log that others share (pure)
* memory: what characters know of players beyond one session
* tables: what the store needs of a database
* database: SQLite's file, its tables and their versions
* postgres: PostgreSQL, for several nodes

Several nodes, and a host:

* cluster: one node of several over one store
* directory: which node owns which session (pure)
* host_file: the options of `serve` in a file
* endpoint_file: where the service is, for other programs
* logs: the log, with the id of each request, and OpenTelemetry spans of turns
* metrics: what it counts of itself
* loop_watch: how late the event loop is
"""

"""The network thread and what runs on it: sessions that go on while the game draws.

* runtime: starts, holds and ends everything else here; the builder
* handle: what the main thread holds of a session
* config: settings of a session, and its events for the game
* context: what all sessions share, the connect limiter and the endpoints among it
* session_runner: performs what the session machine orders
* connection: one connection of one session
* conversation: what is known of a session; its words and voice, in and out
* conversation_state: what was said and is still to be said, over all connections (pure)
* minds: what all characters remember, saved for a slot, put back and forgotten
* voice_input: who hears the player, and when
* microphone: the open microphone, and the gate of a session
* threads: the network and store threads
* service_process: the embedded service as a child process
"""

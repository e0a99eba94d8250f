"""The network thread and what runs on it: sessions that go on while the game draws.

* runtime: starts, holds and ends everything else here
* config: settings and surroundings of a session
* session_runner: performs what the session machine orders
* connection: one connection of one session
* conversation: what was said, and what waits to be sent
* handle: what the main thread holds of a session
* voice_input: the player's voice and who hears it
* microphone: when audio may leave, and from where
* limiter: how many connect at once
* threads: the network and store threads
* service_process: the embedded service as a child process
"""

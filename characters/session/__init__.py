"""One character's session as a pure machine: no I/O, no clock, no chance.

* machine: the table of states; `advance` decides everything
* attempts: the steps of connecting, and what a failure leads to
* events: what happened, what to do, the session itself
* policy: when to reconnect, what to resume, when a connection is dead
* conversation: what a game sees of a session: states, turns, the transcript
* targeting: which character hears the player
"""

"""One character's session as a pure machine: no I/O, no clock, no chance.

* machine: the table of states; `advance` decides everything
* attempts: connecting, failing, retrying, keeping the id
* events: what the machine is told, what it orders, the session itself
* policy: reconnect policy and heartbeat
* conversation: views, turns and the transcript
* targeting: who hears the player
"""

"""The wire as pure values: messages, their JSON, numbering, failures.

* messages: every message and the connect request
* codec: messages to JSON and back
* link: numbering and acknowledging
* network_conditions: bad networks, made on purpose
* failures: what went wrong, and whether to try again
* turn_settings: how the player is listened to
"""

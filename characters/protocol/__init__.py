"""What both ends speak, as pure values: messages, their JSON, numbering, audio frames, failures.

* messages: every message, the connect request and the grant
* codec: messages to JSON and back
* link: frames about the connection; numbering, acknowledging, the queue before a socket
* audio_frames: audio as binary frames
* failures: what went wrong, and whether to try again; the base of all errors
* network_conditions: simulated bad networks
* fields: settings that take a word, and checks
* turn_settings: how the player is listened to
* model_settings: which language model answers
"""

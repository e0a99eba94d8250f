"""How a character hears and sounds: recognition and synthesis.

* interfaces: the protocols
* listener: from sound to utterances
* grammar: what can be said, and what is to be believed
* factory: what this machine can do
* sphinx, whisper: recognition
* silero: voice activity
* espeak: synthesis and visemes
* remote: both over an HTTP endpoint
* worker: blocking engines on threads
* settings: what a game may choose
"""

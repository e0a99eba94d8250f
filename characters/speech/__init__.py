"""How a character hears and sounds: recognition and synthesis.

* interfaces: the protocols
* listener: from sound to utterances
* grammar: what can be said, and what is to be believed
* factory: what this machine can do
* sphinx, whisper: recognition
* second_opinion: one recogniser asked about another's words
* espeak, hibari: synthesis and visemes
* sentences: which words are spoken at once
* rewind: where a paused voice goes on
* remote: both over an HTTP endpoint
* worker: blocking engines on threads
* process: a model in a process of its own
* onnx: models that run on onnxruntime: voice activity, and whether the player sounds done
* settings: what a game may choose
"""

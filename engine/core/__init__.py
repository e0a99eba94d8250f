"""Errors, events, time and input: what everything else is built on.

* errors: the tree of the errors of the engine
* events: signals, the dispatcher between threads, a scene's services
* clock: real and manual time
* input: keys, pads and their bindings
* words: the texts of the screen, by key
* file_system: calls on files that differ by platform
* data_folder: where a game keeps its data
* processes: other programs, run and ended alike everywhere
* alsa: the sound library of Linux, kept quiet
"""

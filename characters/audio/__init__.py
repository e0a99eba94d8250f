"""Microphones and loudspeakers: PortAudio, files and silence behind two protocols.

* sources: where frames come from
* mixer: every character's voice in one output
* speaker: outputs that play the mix
* signal: resampling, levels, push-to-talk
* microphone: PortAudio capture
* portaudio: its devices and errors
* echo: echo cancellation
"""

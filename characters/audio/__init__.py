"""Microphones and loudspeakers: PortAudio, files and silence behind two protocols.

* sources: where microphone frames come from; the protocol `MicrophoneSource`
* microphone: PortAudio's capture
* mixer: all characters' voices in one mix; the protocol `Voice`
* speaker: outputs that play the mix
* portaudio_output: a loudspeaker through PyAudio
* pygame_output: one through pygame, where PyAudio is missing
* signal: sound as numbers, and the talk key
* echo: echo cancellation
* portaudio: what every call into PortAudio needs around it
* device_probe: the program that looks for devices
"""

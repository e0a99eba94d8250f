"""The commands of `python -m characters`.

* doctor: what works on this machine
* scenes: lint and set
* sessions: list, clear, forget
"""

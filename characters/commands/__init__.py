"""The commands of `python -m characters`.

* cards: personas of character cards
* demo: the demo, which main.py starts
* docs: the documentation that comes with the package
* doctor: what works on this machine
* known_facts: what characters know of players
* scenes: lint and set
* sessions: list, clear, forget
"""

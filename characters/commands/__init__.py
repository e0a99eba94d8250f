"""The commands of `python -m characters`.

* cards: personas of character cards
* demo: the demo, which main.py starts
* docs: the documentation that comes with the package
* doctor: what works on this machine
* known_facts: what characters know of players
* new: a small game to begin with
* options: options that several commands have
* own_components: the components of a game's own
* scenes: lint and set
* sessions: list, show, clear, forget
* slots: list, show, delete
"""

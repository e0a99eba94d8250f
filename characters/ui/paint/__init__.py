"""The drawing: people, rooms, badges, cards and panels.

* screen: the whole HUD, in one order
* talk: badges, captions, chat, notices and cards
* panels: the inspector with its pages, Sound, Slots and faults
* widgets: what all painted parts share
* people: bodies, heads and faces
* rooms: walls and floors
* furniture: what stands in them
* painter: the one painter of a game
"""

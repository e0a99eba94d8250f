"""What is dropped on a GameObject.

* character: Character
* manager: CharacterManager, one per scene
* player: Player, doors, spawn points
* parts: what a scene's characters share
* checks: what lint looks for in a level
* faults: broken connections on purpose
* relays: events to a scene file's methods
* registration: their names in scene files
"""

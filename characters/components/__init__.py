"""The components of a game with characters, and what they share.

* character: Character
* manager: CharacterManager, one per level
* addressing: who is near the player, who hears the player
* functions: what a character may do, as functions of the game
* slots: the save slots of a game
* choices: what the player chose for microphone, voices and keys
* player: Player, doors, spawn points, and triggers
* relays: events to a scene file's methods
* parts: runtime, sound and service of a level, put together
* faults: connections broken on purpose
* language: the texts of the screen in another language
* checks: what lint looks for in a level
"""

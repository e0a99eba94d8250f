"""Who answers the player: a script, or a language model.

* agent: the protocol
* persona: the file of a character
* patterns: what a player's line is matched with
* script: answers from the persona alone
* llm: answers from a language model
"""

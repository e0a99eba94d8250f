"""Who answers the player: a script, or a language model.

* agent: the protocol
* persona: the file of a character
* persona_checks: what lint finds in it
* script: answers from the persona alone
* conversation_memory: what a script remembers, and which line comes next
* hearing: what a player's line is, before it is matched
* matching: which topic it fits
* patterns: what it is matched with
* facts: what is known of a player, and what a new fact changes
* telling: which facts a sentence tells
* fact_patterns: the sentences by which facts are told
* learning: what of the known a line corrects
* rewording: that something is no longer so, said in other words
* doings: what a player or one of his own did, and which questions that answers
* lexicon: lists of words
* recall: how facts are asked for, and said back
* llm: answers from a language model
* prompt: what it is given to read
* completions: the server that it is asked at
* spoken: what of its answer is speech
* toolbox: what it may do in the level
* local_model: a model from a file, run beside the service
"""

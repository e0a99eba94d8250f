"""Who answers the player: a script, or a language model.

* agent: the protocol
* persona: the file of a character
* persona_checks: what lint finds in it
* script: answers from the persona alone
* conversation_memory: what a script remembers, and which line comes next
* hearing: what a player's line is, before it is matched
* patterns: what it is matched with
* facts: what a player tells of himself
* fact_patterns: the sentences by which facts are told
* lexicon: lists of words
* recall: how facts are asked for, and said back
* llm: answers from a language model
* prompt: what it is given to read
* completions: the server that it is asked at
* spoken: what of its answer is speech
* toolbox: what it may do in the level
* local_model: a model from a file, run beside the service
"""

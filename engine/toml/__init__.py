"""TOML files that are read with positions, checked, and edited without losing a comment.

* reader: a file or text to values, every mistake in it, and whether it changed
* positions: where each key is in the text
* diagnostics: mistakes and how they are worded, with "did you mean"
* editor: changes of single values, saved at once or not at all
"""

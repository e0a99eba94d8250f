"""The real game without a window, driven by a script file.

* script: the steps that a file may have
* runner: plays them in order, and reports
* driver: does a step to a scene
* names: checks the names in a script against the levels
"""

"""The real game without a window, driven by a script file.

* script: the file
* runner: its steps, and the report
* driver: what a script does to a scene
"""

"""GameObjects and their components, and the scene that they live in.

* objects: GameObject, Component, Transform
* lifecycle: awake, start, update, draw, destroy, in order
* scene: one level and its camera
* registry: components by name, and their fields
* choices: fields that take a word for a member or a preset
* physics: boxes to walk against
* coroutine: generators that run over frames
* assets: files of a game by their names
"""

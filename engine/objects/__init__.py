"""GameObjects and their components, and the scene that they live in.

* objects: GameObject, Component, Transform
* lifecycle: awake, start, update, draw, destroy, in order
* scene: one level
* registry: components by name, and their fields
* physics: boxes that do not overlap, and the camera
* coroutine: generators that run over frames
* assets: files of a game by their names
"""

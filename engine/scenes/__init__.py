"""Scene files: read, checked, built into a scene, edited while it runs.

* document: a file to the entries of objects and components
* rules: what must hold, and the JSON schema
* build: entries to objects, and a changed file to a running scene
* file: one scene file, from its path to a scene
* editor: fields changed in the running game and saved
* manager: loading levels
* tiled: maps made with Tiled (tiled_map reads them, tiled_format their files, tiled_values their
  properties)
"""

"""Scene files: read, checked, built into a scene, edited while it runs.

* document: a file to the entries of objects and components
* rules: what must hold, and the JSON schema
* build: entries to objects, and a changed file to a running scene
* file: one scene file, from its path to a scene
* editor: fields changed in the running game and saved
* manager: loading levels
* tiled: a map made with Tiled to the objects of a level
* tiled_map: a map with its layers, tilesets and templates
* tiled_format: the files of Tiled, in XML or JSON, and their properties
"""

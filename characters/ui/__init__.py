"""What the player sees: the HUD, captions, inspector, drawn characters and rooms.

Importing it loads no drawing library: that waits until something is drawn.

* hud: the component
* registration: the names of the drawn components in scene files, and prewarming
* state: what is open, typed and selected
* model: what one frame shows, gathered from the scene
* actions: what keys and clicks do, layer by layer
* sound: the choices of the Sound page
* slots: the Slots page
* memory: the inspector's Memory page
* words: every sentence that the player reads
* report: the inspector's rows and the log of events
* visuals: sprites and backdrops as components
* appearance: presets of people, rooms and props, and the colours
* paint: the drawing itself
"""

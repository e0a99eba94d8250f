"""What the player sees: the HUD, captions, inspector, drawn characters and rooms.

Importing it loads no drawing library: that waits until something is drawn.

* hud: the component
* registration: the drawn components' names in scene files
* state: what is open, typed and selected
* actions: what keys and clicks do
* words: every sentence on the screen
* report: the inspector's rows and the log of events
* visuals: sprites and backdrops as components
* looks: how people, rooms and props look
* paint: the drawing itself
"""

"""Drawing on a pygame surface, and what a player does with keys and mouse.

* canvas: antialiased shapes as pixels
* painter: pictures, panels and text on the screen
* fonts: faces, wrapping and measured text
* events: pygame events, clickable areas, a text field
"""

"""Drawing on a pygame surface, and what a player does with keys and mouse.

* geometry, colour, text_field: rectangles, colours and a line of text; they need no pygame
* canvas: antialiased shapes as pixels
* surface: logical pixels on a picture with those of the screen
* painter: pictures, panels and text on the screen
* fonts: faces, wrapping and measured text
* events: pygame events as input, and the names of keys
"""

"""The program: its loop, its window, its music and the reloading of changed files.

* application: one game with its scenes, frame by frame
* window: the window and its events
* music: the music of the active level
* hot_reload: files that changed while the game runs
"""

"""What is kept between runs: session ids, in stores of several kinds.

* sessions: session data and the stores that need no further package
* slots: what was saved of each character, and loads that are under way
* extras: SQLite and encrypted stores
"""

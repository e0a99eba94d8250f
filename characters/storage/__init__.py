"""What is kept between runs: session ids, in stores of several kinds.

* sessions: session data and the stores that need no further package
* extras: SQLite and encrypted stores
"""

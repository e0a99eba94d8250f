"""PlayerPrefs: small values in one durable msgpack file.

* prefs: what a game calls
* format: the bytes of the file
* log: recovery, appending and compaction on a disk
* writer: the thread that makes changes durable
"""

"""The one gate to the outside: nothing else in this package opens a connection.

`gate.py` is the way in; the other modules are its parts. What an answer means is the plugin's business.
"""

"""whisperd: one daemon per Linux user that owns the speech models.

Importing the package costs nothing: the client imports `whisperd.wire.names` in its first milliseconds.
"""

__version__ = "0.1.0"

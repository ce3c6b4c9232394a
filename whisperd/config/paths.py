"""Where the configuration file lies.

Owns: that one rule, the XDG base directory specification's. Leaves to others: socket and state folder, which the
client must find as well (`whisperd.wire.names`).
"""

import os
from pathlib import Path


def config_file() -> Path:
    """`$XDG_CONFIG_HOME/whisperd/config.toml`, by default `~/.config/whisperd/config.toml`."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):  # the specification: a relative path is to be ignored
        base = Path("~/.config").expanduser()
    return Path(base) / "whisperd" / "config.toml"

"""Where the configuration file lies, as a path; the rule is the client's too (`whisperd.wire.names`)."""

from pathlib import Path

from whisperd.wire import names


def config_file() -> Path:
    """`$XDG_CONFIG_HOME/whisperd/config.toml`, by default `~/.config/whisperd/config.toml`."""
    return Path(names.config_file())

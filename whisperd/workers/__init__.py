"""The daemon's side of its child processes: starting, calling, stopping, continuing, killing and replacing them."""

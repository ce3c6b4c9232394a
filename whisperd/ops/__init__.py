"""What keeps the daemon's house: the lock, logs, checks."""

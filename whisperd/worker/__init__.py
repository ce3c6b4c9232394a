"""The model process: from a file to segments, one call at a time. Started by the daemon, imported by nothing of it."""

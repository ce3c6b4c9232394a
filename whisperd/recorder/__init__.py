"""The microphone process: from a sound device to a recording on disk. Started by the daemon, imported by nothing of it
but its `messages`."""

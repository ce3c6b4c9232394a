"""whisperctl: the command line of whisperd.

A thin client that starts like a shell tool: its everyday verbs import cheap modules of the standard library and
`whisperd.wire.names`, nothing else. What it knows of the daemon are plain JSON values (`whisperctl.shapes`).
"""

"""What the verbs do: one module a group, imported when one of its verbs is used.

A verb `v` is a function `v(context, arguments) -> exit status` and, where it takes arguments, `v_arguments(parser)`;
`whisperctl.cli.COMMANDS` names it. (`list` is written `list_`, since the word is Python's.)
"""

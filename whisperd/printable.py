"""Names of files and other foreign text in messages, always on one line and always valid Unicode.

Owns: that one escaping rule, for error messages and logs. Leaves to others: paths on the wire (`path` and `path_b64`).
"""

import os
import unicodedata


def printable(text: str | os.PathLike[str]) -> str:
    r"""The text with escapes (`\n`, `\x1b`, `\u202e`) for what is not printable.

    So a file's name can neither forge a line of a log nor steer a terminal. A byte of a name that is not UTF-8, which
    Python holds as a lone surrogate, is shown as `\xe9`.
    """
    value = os.fspath(text)
    if value.isprintable():
        return value
    return "".join(map(_printable_character, value))


def _printable_character(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()

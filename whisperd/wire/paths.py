"""Paths over the wire: bytes inside, text where they are UTF-8, base64 beside it where they are not.

Owns: that pair's two directions. Leaves to others: whether there is such a file, and what may be done with it.
"""

import base64
import binascii

from whisperd.errors import InvalidParamsError


def to_wire(path: bytes) -> tuple[str, str | None]:
    """`(path, path_b64)`: the second only where the bytes are not UTF-8; the first then shows � for each wrong byte."""
    try:
        return path.decode(), None
    except UnicodeDecodeError:
        return path.decode(errors="replace"), base64.b64encode(path).decode()


def from_wire(path: str | None, path_b64: str | None, where: str = "params") -> bytes:
    """The absolute path's bytes. Both may be given as `to_wire` made them, so that a path that was shown can be sent.

    `where` names the parameter in the message of `InvalidParamsError`: none or two different ones, not base64, not
    absolute, or with a NUL.
    """
    if path_b64 is not None:
        given = _decode(path_b64, where)
        if path is not None and path != given.decode(errors="replace"):
            raise InvalidParamsError(f"{where}: `path` and `path_b64` name different files", hint="send one of them")
    elif path is not None:
        given = path.encode()
    else:
        raise InvalidParamsError(f"{where} lacks `path`", hint="give an absolute `path`, or `path_b64`")
    if b"\0" in given:
        raise InvalidParamsError(f"{where}: a path has no NUL byte")
    if not given.startswith(b"/"):
        raise InvalidParamsError(
            f"{where}: not an absolute path", hint="the daemon runs in another folder than you: begin with /"
        )
    return given


def _decode(path_b64: str, where: str) -> bytes:
    try:
        return base64.b64decode(path_b64, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParamsError(f"{where}.path_b64 is not base64") from None

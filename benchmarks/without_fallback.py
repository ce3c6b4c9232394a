"""`whisperd` with the fallback ladder off, for comparing with a decoder that has none: `python -m
benchmarks.without_fallback run …`. Nobody else needs that, so it is no setting."""

import sys
from typing import Any

import msgspec

from whisperd import frames
from whisperd.__main__ import main
from whisperd.models.engine import Engine

_decode_options = Engine.decode_options


def _without_fallback(engine: Engine, *arguments: Any) -> frames.DecodeOptions:
    return msgspec.structs.replace(_decode_options(engine, *arguments), fallback=False)


if __name__ == "__main__":
    Engine.decode_options = _without_fallback
    sys.exit(main())

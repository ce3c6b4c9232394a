"""What answers a method: a coroutine function from the method's parameters to its result.

Owns: that type. The parameters are already of the type that `whisperd.wire.methods` names, the result is whatever
msgspec can encode; a `WhisperdError` becomes the answer's error.
"""

from collections.abc import Awaitable, Callable
from typing import Any

Handler = Callable[[Any], Awaitable[Any]]

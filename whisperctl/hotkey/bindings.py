"""Which keys do what: bindings, from the configuration or from the command line.

Owns: their shape, and what is wrong with one. Leaves to others: reading the file (`whisperctl.config_file`), keys'
names (`whisperctl.keys`).
"""

from typing import Literal, NamedTuple

from whisperctl.errors import UsageError
from whisperctl.insert import OUTPUTS, Output
from whisperctl.keys import Chord, chord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json, Params

Mode = Literal["hold", "toggle", "cancel", "again"]
"""`hold`: dictate while the key is down; `toggle`: from one press to the next; `cancel` it; deliver `again`."""
MODES: tuple[Mode, ...] = ("hold", "toggle", "cancel", "again")

DEFAULT_KEYS = "ctrl+alt+space"
_ON_THE_WIRE = ("language", "languages", "model", "prompt", "hotwords", "device", "private")
"""Options of a binding that `dictate.start` takes by the same names."""


class Binding(NamedTuple):
    """A chord and what it does. `options` are those of `dictate.start`; `output` None is the session's default."""

    chord: Chord
    mode: Mode
    output: Output | None
    options: "Params"


def configured(tables: "list[Params]") -> "tuple[Binding, ...]":
    """The `[[binding]]` tables of the configuration; without any, `DEFAULT_KEYS` to hold. Raises `UsageError`."""
    bindings = tuple(binding(**table) for table in tables) or (binding(DEFAULT_KEYS),)
    for number, made in enumerate(bindings):
        if any(other.chord == made.chord for other in bindings[:number]):
            raise UsageError(f"{made.chord} is bound twice", "give each binding keys of its own")
    return bindings


def binding(keys: "Json" = "", mode: "Json" = "hold", output: "Json" = None, **options: "Json") -> Binding:
    """One binding. Raises `UsageError` for what does not exist."""
    if not isinstance(keys, str) or not keys:
        raise UsageError("a binding has no keys", 'write for example keys = "ctrl+alt+space"')
    unknown = [name for name in options if name not in _ON_THE_WIRE]
    if unknown:
        raise UsageError(f"a binding has no setting {unknown[0]!r}", f"there are {', '.join(_ON_THE_WIRE)}")
    for known_mode in MODES:
        if known_mode == mode:
            break
    else:
        raise UsageError(f"there is no mode {mode!r}", f"there are {', '.join(MODES)}")
    given = {name: value for name, value in options.items() if value not in (None, "", False, [])}
    for known_output in (None, *OUTPUTS):
        if known_output == output:
            return Binding(chord(keys), known_mode, known_output, given)
    raise UsageError(f"there is no output {output!r}", f"there are {', '.join(OUTPUTS)}")

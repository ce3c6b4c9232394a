"""Which models exist: their names, what they can do, and what they cost.

Owns: the table of known models and the arithmetic on their shapes. Leaves to others: what they can be asked for
(`whisperd.jobs.abilities`), which of them are on this machine
(`locate`) and which one a job gets (`choose`). Names are faster-whisper's, so that what works there works here.
"""

import difflib
from typing import Final

import msgspec

from whisperd.jobs.abilities import Abilities, by_name

TEST_MODEL: Final = "test-en"
"""The small model in the package: it knows a few hundred English words, and is for demos and tests."""

WINDOW_POSITIONS: Final = 1_500
"""Encoder positions of a 30 s window."""
WINDOW_TOKENS: Final = 300
"""Token computations of a window's decoding: about 60 tokens on 5 beams."""
VOCABULARY: Final = 51_865
WORKING_MB: Final = 1_400
"""Megabytes that a worker needs besides the weights. faster-whisper's published measurements less the weights: `small`
on a CPU 1,477 − 244 in int8 and 2,257 − 976 in float32, `large-v2` on a GPU 2,926 − 1,550 in int8 and 4,525 − 3,100 in
float16."""

_BYTES: Final = {"int8": 1, "int8_float32": 1, "int8_float16": 1, "int8_bfloat16": 1, "int16": 2, "float32": 4}


class Model(msgspec.Struct, frozen=True):
    """A published model. `repository` is where its CTranslate2 form is published; `width`, `encoder_layers` and
    `decoder_layers` are its shape."""

    name: str
    repository: str
    width: int
    encoder_layers: int
    decoder_layers: int

    @property
    def abilities(self) -> Abilities:
        return by_name(self.name)

    @property
    def english_only(self) -> bool:
        return bool(self.abilities.english_only)

    @property
    def translates(self) -> bool:
        return bool(self.abilities.translates)

    @property
    def encoder_parameters(self) -> int:
        return 12 * self.width**2 * self.encoder_layers

    @property
    def decoder_parameters(self) -> int:
        return 16 * self.width**2 * self.decoder_layers + VOCABULARY * self.width

    @property
    def parameters(self) -> int:
        """Weights, without the few of norms, biases and convolutions."""
        return self.encoder_parameters + self.decoder_parameters

    @property
    def disk_mb(self) -> int:
        """Approximate megabytes of the published float16 folder."""
        return self.parameters * 2 // 1_000_000

    def memory_mb(self, compute_type: str) -> int:
        """Approximate megabytes of a worker with this model; types that are not known here count as float16."""
        return self.parameters * _BYTES.get(compute_type, 2) // 1_000_000 + WORKING_MB

    @property
    def cost(self) -> float:
        """Arithmetic of one whole window, as a multiple of `small`'s."""
        return _window(self) / _window(_SMALL)


def _window(model: Model) -> int:
    return WINDOW_POSITIONS * model.encoder_parameters + WINDOW_TOKENS * model.decoder_parameters


def _systran(name: str, width: int, layers: int) -> Model:
    return Model(name, f"Systran/faster-whisper-{name}", width, layers, layers)


_SMALL: Final = _systran("small", 768, 12)

# Best first. The English-only small ones are better at English than their multilingual twins.
_BY_QUALITY: Final = (
    _systran("large-v3", 1280, 32),
    _systran("large-v2", 1280, 32),
    Model("large-v3-turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1280, 32, 4),
    Model("distil-large-v3.5", "distil-whisper/distil-large-v3.5-ct2", 1280, 32, 2),
    Model("distil-large-v3", "Systran/faster-distil-whisper-large-v3", 1280, 32, 2),
    _systran("large-v1", 1280, 32),
    Model("distil-large-v2", "Systran/faster-distil-whisper-large-v2", 1280, 32, 2),
    _systran("medium.en", 1024, 24),
    _systran("medium", 1024, 24),
    Model("distil-medium.en", "Systran/faster-distil-whisper-medium.en", 1024, 24, 2),
    _systran("small.en", 768, 12),
    _SMALL,
    Model("distil-small.en", "Systran/faster-distil-whisper-small.en", 768, 12, 4),
    _systran("base.en", 512, 6),
    _systran("base", 512, 6),
    _systran("tiny.en", 384, 4),
    _systran("tiny", 384, 4),
)

MODELS: Final = {model.name: model for model in _BY_QUALITY}
"""Every known model by name, the best first."""

ALIASES: Final = {"large": "large-v3", "turbo": "large-v3-turbo"}


def canonical(name: str) -> str:
    """The name itself, or what it is another name for."""
    return ALIASES.get(name, name)


def similar(name: str) -> str | None:
    """The known name that a misspelt one is nearest to."""
    known = [*MODELS, *ALIASES, TEST_MODEL, "auto"]
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1)), None)

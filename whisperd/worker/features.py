"""What the model hears: log-mel features of one chunk, the same for every engine.

Owns: calling faster-whisper's extractor as its pipeline does. Features are made chunk by chunk: they depend on the
maximum of what they are made of.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false

import numpy as np
from faster_whisper.audio import pad_or_trim
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray


class LogMel:
    """Makes features with `mels` bands."""

    def __init__(self, mels: int) -> None:
        self._extractor = FeatureExtractor(feature_size=mels)

    def __call__(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        """Of samples of shape `(samples,)`, cut or filled with zeros to shape `(mels, frames)`."""
        # The extractor adds 160 samples of silence and so one frame, as the reference does before it cuts to 30 s.
        return pad_or_trim(self._extractor(samples)[..., :-1], frames)

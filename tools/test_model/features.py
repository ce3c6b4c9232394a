"""Features: log-mel spectrograms for training, the same numbers as faster-whisper's extractor makes.

Owns the batched computation on any device. What a window of audio has beyond its own length is padded with zeros
after the logarithm, as Whisper's decoding does it, so a batch gives each window what it would have been given alone.
"""

from __future__ import annotations

import torch
from faster_whisper.feature_extractor import FeatureExtractor
from torch import Tensor

HOP = 160
N_FFT = 400
MELS = 80
FRAMES_PER_SECOND = 100


class LogMel:
    """Computes features on one device."""

    def __init__(self, device: str = "cpu") -> None:
        """Takes the filter bank from faster-whisper, so that the two cannot differ."""
        self.filters = torch.from_numpy(FeatureExtractor().mel_filters).to(device)
        self.window = torch.hann_window(N_FFT, device=device)

    def __call__(self, audio: Tensor, lengths: Tensor, frames: int, filters: Tensor | None = None) -> Tensor:
        """Features of a batch, through its own filter banks if there are `filters`, shape (batch, 80, 201).

        `audio` is float32 of shape (batch, samples), 16 kHz, zero beyond each window's length; `lengths` are those
        lengths in samples; `frames` of 10 ms is the encoder's context. Returns shape (batch, 80, frames).
        """
        # faster-whisper appends 160 zeros and drops the last frame: a window of n samples has n // 160 + 1 frames.
        padded = torch.nn.functional.pad(audio, (0, max(0, frames * HOP + HOP - audio.shape[1])))
        spectrum = torch.stft(padded, N_FFT, HOP, window=self.window, center=True, return_complex=True)
        power = spectrum[..., :frames].abs().square()
        mel = torch.log10(torch.clamp((self.filters if filters is None else filters) @ power, min=1e-10))
        own = torch.arange(frames, device=audio.device)[None] < (lengths[:, None] // HOP + 1)
        loudest = mel.masked_fill(~own[:, None], -torch.inf).amax(dim=(1, 2), keepdim=True)
        mel = (torch.maximum(mel, loudest - 8.0) + 4.0) / 4.0
        return mel * own[:, None]

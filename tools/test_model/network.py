"""The network: Whisper's architecture at a small size, its tokens, and ways to start it from another one.

Owns building, loading, deepening, the encoder for contexts shorter than 30 s, the character CTC head that helps
training, and the tokenizer's special tokens. `train` optimizes it, `export` writes it for use, `widen` grows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from torch import Tensor, nn
from transformers import WhisperConfig, WhisperForConditionalGeneration

from tools.test_model.features import MELS

SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>",
    "<|nocaptions|>", "<|notimestamps|>",
]  # fmt: skip
TIMESTAMPS = [f"<|{index * 0.02:.2f}|>" for index in range(1501)]
# The characters of the CTC helper: blank, space and the letters.
CHARACTERS = " abcdefghijklmnopqrstuvwxyz"
# What the frame helper is not asked about.
UNKNOWN = -100


@dataclass(frozen=True)
class Tokens:
    """The tokenizer with the ids that training and decoding need."""

    tokenizer: Tokenizer

    def id(self, token: str) -> int:
        """A special token's id."""
        return cast("int", self.tokenizer.token_to_id(token))

    def text(self, text: str) -> list[int]:
        """Ids of `text`; Whisper's texts begin with a space."""
        return cast("list[int]", self.tokenizer.encode(" " + text, add_special_tokens=False).ids)

    def time(self, seconds: float) -> int:
        """Id of the timestamp nearest to `seconds` (steps of 20 ms, at most 30 s)."""
        return self.id("<|0.00|>") + min(1500, max(0, round(seconds / 0.02)))

    def names(self) -> list[str]:
        """All tokens in order of their ids."""
        return [cast("str", self.tokenizer.id_to_token(index)) for index in range(self.tokenizer.get_vocab_size())]


def load_tokens(file: Path) -> Tokens:
    """Reads a ``tokenizer.json``; adds the timestamps where the file leaves them out."""
    tokenizer = Tokenizer.from_file(str(file))
    if tokenizer.token_to_id("<|0.00|>") is None:
        tokenizer.add_special_tokens(TIMESTAMPS)
    return Tokens(tokenizer)


def train_tokens(texts: list[str], size: int) -> Tokens:
    """A byte-level BPE of `size` tokens, with all 256 bytes, which the list of non-speech tokens to suppress needs."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator((" " + text for text in texts), trainer)
    tokenizer.add_special_tokens(SPECIAL + TIMESTAMPS)
    return Tokens(tokenizer)


def build(tokens: Tokens, *, width: int, encoder_layers: int, decoder_layers: int) -> WhisperForConditionalGeneration:
    """A network with random weights, heads 64 wide as in every Whisper."""
    config = WhisperConfig(
        vocab_size=tokens.tokenizer.get_vocab_size(), num_mel_bins=MELS, d_model=width,
        encoder_layers=encoder_layers, decoder_layers=decoder_layers,
        encoder_attention_heads=width // 64, decoder_attention_heads=width // 64,
        encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
        bos_token_id=tokens.id("<|endoftext|>"), eos_token_id=tokens.id("<|endoftext|>"),
        pad_token_id=tokens.id("<|endoftext|>"), decoder_start_token_id=tokens.id("<|startoftranscript|>"),
        suppress_tokens=None, begin_suppress_tokens=[tokens.id("Ġ"), tokens.id("<|endoftext|>")],
    )  # fmt: skip
    return WhisperForConditionalGeneration(config)


def load(folder: Path) -> WhisperForConditionalGeneration:
    """A saved network in float32."""
    return cast(
        "WhisperForConditionalGeneration", WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    )


def deepened(
    model: WhisperForConditionalGeneration, *, encoder_layers: int, decoder_layers: int
) -> WhisperForConditionalGeneration:
    """`model` with more layers and the same output: the new ones come last and write zeros until they are trained."""
    settings = {**model.config.to_dict(), "encoder_layers": encoder_layers, "decoder_layers": decoder_layers}
    grown = WhisperForConditionalGeneration(WhisperConfig(**settings))
    grown.load_state_dict(model.state_dict(), strict=False)
    silent_layers(grown, model.config.encoder_layers, model.config.decoder_layers)
    return grown


def silent_layers(model: WhisperForConditionalGeneration, encoder_from: int, decoder_from: int) -> None:
    """Makes the layers from these indices on write zeros, so that they add nothing to what passes through them."""
    for layers in (list(model.model.encoder.layers)[encoder_from:], list(model.model.decoder.layers)[decoder_from:]):
        for layer in layers:
            for name, linear in layer.named_modules():
                if name.endswith(("out_proj", "fc2")):
                    nn.init.zeros_(cast("nn.Linear", linear).weight)
                    nn.init.zeros_(cast("nn.Linear", linear).bias)


def encode(model: WhisperForConditionalGeneration, features: Tensor) -> tuple[Tensor, Tensor]:
    """The encoder's output for features of shape (batch, 80, frames), `frames` even and at most 3,000.

    Its own ``forward`` insists on 3,000 frames; this runs its parts. Returns the output and what enters its last third
    of layers, both of shape (batch, frames / 2, width).
    """
    encoder = model.model.encoder
    hidden = nn.functional.gelu(encoder.conv1(features))
    hidden = nn.functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    middle = hidden
    for index, layer in enumerate(encoder.layers):
        if index == len(encoder.layers) - len(encoder.layers) // 3:
            middle = hidden
        output = layer(hidden, None)
        hidden = output[0] if isinstance(output, tuple) else output
    return cast("Tensor", encoder.layer_norm(hidden)), middle


class Helper(nn.Module):
    """Helper losses on the encoder, thrown away after training.

    Frame by frame: the phoneme from the middle of the encoder and the word from its end, as the synthesizer timed them.
    Where nothing is timed, characters by CTC would do it, much more slowly; `characters` adds that loss.
    """

    def __init__(self, width: int, phones: int, words: int, *, characters: bool = False) -> None:
        """Linear layers from `width` to `phones` and `words` classes, and to blank and characters."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.phones = nn.Linear(width, phones)
        self.words = nn.Linear(width, words)
        self.characters = nn.Linear(width, len(CHARACTERS) + 1) if characters else None

    def forward(self, encoded: Tensor, middle: Tensor, phones: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Cross entropy a frame for phonemes and for words; both targets have shape (batch, positions)."""
        heard = nn.functional.cross_entropy(
            self.phones(self.norm(middle)).float().flatten(0, 1), phones.flatten(), ignore_index=UNKNOWN)  # fmt: skip
        understood = nn.functional.cross_entropy(
            self.words(encoded).float().flatten(0, 1), words.flatten(), ignore_index=UNKNOWN)  # fmt: skip
        return heard, understood

    def connectionist(self, encoded: Tensor, lengths: Tensor, texts: list[str]) -> Tensor:
        """CTC, mean loss a character. `lengths` are the positions of 20 ms that each window's own audio has."""
        if self.characters is None:
            return encoded.new_zeros(())
        scores = self.characters(encoded).float().log_softmax(-1).transpose(0, 1)
        targets = torch.tensor(
            [CHARACTERS.index(letter) + 1 for text in texts for letter in text], device=encoded.device
        )
        sizes = torch.tensor([len(text) for text in texts], device=encoded.device)
        losses = nn.functional.ctc_loss(
            scores, targets, lengths.clamp(max=scores.shape[0]), sizes, reduction="none", zero_infinity=True
        )
        return losses.sum() / sizes.sum().clamp(min=1)


def guided(attentions: Sequence[Tensor], spans: Tensor) -> Tensor:
    """How far the first head of every decoder layer listens past what it writes: mean -log of the attention in place.

    `attentions` are the decoder's, each (batch, heads, tokens, positions); `spans` (batch, tokens, 2) says where each
    label is heard, with an empty span for a label that is heard nowhere. It shows the decoder at once what it
    would take hours to find, and makes word times readable from those heads.
    """
    place = torch.arange(attentions[0].shape[-1], device=spans.device)
    inside = (place >= spans[..., :1]) & (place < spans[..., 1:])
    heard = inside.any(-1)
    losses = [-(layer[:, 0].float() * inside).sum(-1).clamp(min=1e-5).log()[heard].sum() for layer in attentions]
    return torch.stack(losses).sum() / (len(losses) * heard.sum().clamp(min=1))

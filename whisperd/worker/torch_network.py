"""The network's passes for the torch engine: encoder, decoder with caches, cross-attention for alignment.

Owns: running the modules of transformers' Whisper, whose own `forward` insists on whole windows and would copy the
encoder's keys and values for every beam. Here the beams of a chunk are queries of one attention to them, as in
CTranslate2. Leaves to others: the weights (`torch_weights`) and the search (`beam_search`).
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, scaled_dot_product_attention


@dataclass
class Cache:
    """What decoding keeps, layer by layer: keys and values of the text so far, shape `(chunks * beams, heads, tokens,
    width)`, and of the encoder's output, shape `(chunks, heads, positions, width)`."""

    text: list[tuple[Tensor, Tensor]]
    audio: list[tuple[Tensor, Tensor]]

    @property
    def tokens(self) -> int:
        return self.text[0][0].shape[2] if self.text else 0

    def reorder(self, beams: Tensor) -> None:
        """Go on with these rows of the text, in this order; a row may come several times."""
        self.text = [(keys[beams], values[beams]) for keys, values in self.text]

    def keep(self, chunks: Tensor) -> None:
        """Let go of the audio of all other chunks."""
        self.audio = [(keys[chunks], values[chunks]) for keys, values in self.audio]


class Network:
    """Inference over the modules of a `transformers.WhisperForConditionalGeneration`."""

    def __init__(self, model: Any) -> None:
        self._encoder = model.model.encoder
        self._decoder = model.model.decoder
        self._projection = model.proj_out
        self.config = model.config

    @property
    def device(self) -> torch.device:
        return self._projection.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self._projection.weight.dtype

    def encode(self, features: Tensor) -> Tensor:
        """Of shape `(chunks, mels, frames)`, frames even; gives `(chunks, frames / 2, width)`."""
        encoder = self._encoder
        hidden = gelu(encoder.conv2(gelu(encoder.conv1(features)))).transpose(1, 2)
        hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
        for layer in encoder.layers:
            normed = layer.self_attn_layer_norm(hidden)
            hidden = hidden + _attend(layer.self_attn, normed, *_keys_and_values(layer.self_attn, normed))
            hidden = _feed_forward(layer, hidden)
        return encoder.layer_norm(hidden)

    def start(self, encoded: Tensor) -> Cache:
        """A cache for texts of these chunks, none of which has begun."""
        return Cache([], [_keys_and_values(layer.encoder_attn, encoded) for layer in self._decoder.layers])

    def decode(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Append tokens of shape `(chunks * beams, new)` to the texts; logits, float32 `(chunks * beams, new, tokens)`.

        The rows of a chunk lie together, and there are as many of each.
        """
        return self._decode(tokens, cache, None)

    def cross_attention(self, tokens: Tensor, cache: Cache, heads: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """Logits as `decode`, and the scores, before any softmax, of these (layer, head), `(heads, tokens, positions)`.

        For the text of a single chunk.
        """
        seen: list[Tensor] = []
        logits = self._decode(tokens, cache, seen)
        return logits, torch.stack([seen[layer][0, head] for layer, head in heads]).float()

    def _decode(self, tokens: Tensor, cache: Cache, seen: list[Tensor] | None) -> Tensor:
        decoder = self._decoder
        past, new = cache.tokens, tokens.shape[1]
        hidden = decoder.embed_tokens(tokens) + decoder.embed_positions.weight[past : past + new]
        text: list[tuple[Tensor, Tensor]] = []
        for index, layer in enumerate(decoder.layers):
            normed = layer.self_attn_layer_norm(hidden)
            keys, values = _keys_and_values(layer.self_attn, normed)
            if past:
                keys = torch.cat([cache.text[index][0], keys], dim=2)
                values = torch.cat([cache.text[index][1], values], dim=2)
            text.append((keys, values))
            # Several tokens at once only come first, so that the mask needs no past.
            hidden = hidden + _attend(layer.self_attn, normed, keys, values, causal=new > 1)
            normed = layer.encoder_attn_layer_norm(hidden)
            if seen is not None:
                seen.append(_queries(layer.encoder_attn, normed) @ cache.audio[index][0].transpose(2, 3))
            hidden = hidden + _attend_to_audio(layer.encoder_attn, normed, *cache.audio[index])
            hidden = _feed_forward(layer, hidden)
        cache.text = text
        return self._projection(decoder.layer_norm(hidden)).float()


def _queries(attention: Any, hidden: Tensor) -> Tensor:
    return _by_head(attention, attention.q_proj(hidden) * attention.scaling)


def _keys_and_values(attention: Any, hidden: Tensor) -> tuple[Tensor, Tensor]:
    return _by_head(attention, attention.k_proj(hidden)), _by_head(attention, attention.v_proj(hidden))


def _by_head(attention: Any, projected: Tensor) -> Tensor:
    """`(rows, tokens, heads * width)` to `(rows, heads, tokens, width)`."""
    rows, tokens, _ = projected.shape
    return projected.view(rows, tokens, attention.num_heads, attention.head_dim).transpose(1, 2)


def _attend(attention: Any, hidden: Tensor, keys: Tensor, values: Tensor, *, causal: bool = False) -> Tensor:
    found = scaled_dot_product_attention(_queries(attention, hidden), keys, values, is_causal=causal, scale=1.0)
    return attention.out_proj(found.transpose(1, 2).reshape(hidden.shape))


def _attend_to_audio(attention: Any, hidden: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Every token of every beam of a chunk is one more query to the chunk's audio."""
    folded = hidden.reshape(keys.shape[0], -1, hidden.shape[2])
    return _attend(attention, folded, keys, values).view(hidden.shape)


def _feed_forward(layer: Any, hidden: Tensor) -> Tensor:
    return hidden + layer.fc2(layer.activation_fn(layer.fc1(layer.final_layer_norm(hidden))))

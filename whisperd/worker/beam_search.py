"""Beam search over a Whisper decoder in PyTorch, step for step as CTranslate2 does it.

Owns: the search and the rules on the logits: suppressed tokens, repetition, n-grams. They follow
CTranslate2's `decoding.cc`, `decoding_utils.cc` and `whisper.cc` (4.8), so that both engines write the same text; the
tests compare them. Leaves to others: the network's passes (`torch_network`).

A beam is a row of scores; a chunk has `beams` of them, which lie together. Tokens that are forbidden get the lowest
float, not minus infinity, as there.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from whisperd.worker.model import Rung
from whisperd.worker.torch_network import Cache, Network

_FORBIDDEN: Final = torch.finfo(torch.float32).min


@dataclass(frozen=True)
class Rules:
    """Which tokens may come: token ids of the vocabulary, and the rung's remedies against repetition.

    `first` may not come first.
    """

    end: int
    suppressed: Tensor
    first: Tensor
    rung: Rung


@dataclass(frozen=True)
class Found:
    """A finished text without its end token, and the sum of its tokens' log probabilities, end token included."""

    tokens: tuple[int, ...]
    score: float

    @property
    def mean(self) -> float:
        """What texts are compared by: a length penalty of 1."""
        return self.score / max(1, len(self.tokens))


def search(
    network: Network, cache: Cache, start: Tensor, rules: Rules, *, beams: int, longest: int
) -> list[list[Found]]:
    """For each chunk up to `beams` texts of at most `longest` tokens, best first.

    `start`, shape `(chunks, 1)`, is the last token before the text; what comes before is in the cache.
    """
    logits = network.decode(start, cache)[:, -1]
    if beams == 1:
        return [[found] for found in _greedy(network, cache, logits, rules, longest)]
    return _beam_search(network, cache, logits, rules, beams, longest)


def _greedy(network: Network, cache: Cache, logits: Tensor, rules: Rules, longest: int) -> list[Found]:
    texts: list[list[int]] = [[] for _ in range(len(logits))]
    scores = [0.0] * len(texts)
    active = list(range(len(texts)))
    for step in range(longest):
        scored = _log_probabilities(logits, [texts[chunk] for chunk in active], rules)
        best, tokens = (values.tolist() for values in scored.max(dim=-1))
        going_on: list[int] = []
        for row, chunk in enumerate(active):
            scores[chunk] += best[row]
            if tokens[row] != rules.end:
                texts[chunk].append(tokens[row])
                going_on.append(row)
        if not going_on or step + 1 == longest:
            break
        if len(going_on) < len(active):
            active = [active[row] for row in going_on]
            rows = torch.tensor(going_on, device=logits.device)
            cache.reorder(rows)
            cache.keep(rows)
        logits = network.decode(torch.tensor([[texts[chunk][-1]] for chunk in active], device=logits.device), cache)[
            :, -1
        ]
    return [Found(tuple(text), score) for text, score in zip(texts, scores, strict=True)]


def _beam_search(
    network: Network, cache: Cache, logits: Tensor, rules: Rules, beams: int, longest: int
) -> list[list[Found]]:
    device = logits.device
    results: list[list[Found]] = [[] for _ in range(len(logits))]
    active = list(range(len(results)))
    texts: list[list[int]] = [[] for _ in results]
    scores: Tensor | None = None  # of the active beams, `(active * beams, 1)`; none before there are beams
    for step in range(longest):
        last = step + 1 == longest
        scored = _log_probabilities(logits, texts, rules)
        if scores is not None:
            scored += scores
        rows_a_chunk, vocabulary = len(scored) // len(active), scored.shape[-1]
        # Twice as many candidates as beams: if half of them end, there are still as many that go on.
        best = scored.view(len(active), -1).topk(2 * beams, dim=-1)
        values, places = best.values.tolist(), best.indices.tolist()
        going_on: list[int] = []
        next_rows: list[int] = []
        next_texts: list[list[int]] = []
        next_scores: list[float] = []
        for index, chunk in enumerate(active):
            rows = [index * rows_a_chunk + place // vocabulary for place in places[index]]
            tokens = [place % vocabulary for place in places[index]]
            kept = list(range(beams))
            spare = beams
            for beam in range(beams):
                ended = tokens[beam] == rules.end
                if not ended and not last:
                    continue
                text = texts[rows[beam]] if ended else [*texts[rows[beam]], tokens[beam]]
                results[chunk].append(Found(tuple(text), values[index][beam]))
                while spare < 2 * beams:
                    spare += 1
                    if tokens[spare - 1] != rules.end:
                        kept[beam] = spare - 1
                        break
            if last or len(results[chunk]) >= beams:
                continue
            going_on.append(index)
            next_rows += [rows[candidate] for candidate in kept]
            next_texts += [[*texts[rows[candidate]], tokens[candidate]] for candidate in kept]
            next_scores += [values[index][candidate] for candidate in kept]
        if not going_on:
            break
        cache.reorder(torch.tensor(next_rows, device=device))
        if len(going_on) < len(active):
            cache.keep(torch.tensor(going_on, device=device))
            active = [active[index] for index in going_on]
        texts, scores = next_texts, torch.tensor(next_scores, device=device)[:, None]
        logits = network.decode(torch.tensor([[text[-1]] for text in texts], device=device), cache)[:, -1]
    return [sorted(found, key=lambda each: each.mean, reverse=True)[:beams] for found in results]


# -- rules on the logits ----------------------------------------------------------------------------------------------


def _log_probabilities(logits: Tensor, texts: Sequence[Sequence[int]], rules: Rules) -> Tensor:
    """Float32 log probabilities of the next token after each text, shape `(texts, vocabulary)`, by the rules."""
    logits = logits.clone()
    if rules.rung.repetition_penalty != 1:
        _discourage(logits, texts, rules.rung.repetition_penalty)
    if rules.rung.no_repeat_ngram_size:
        for row, text in enumerate(texts):
            logits[row, sorted(_would_repeat(text, rules.rung.no_repeat_ngram_size))] = _FORBIDDEN
    logits[:, rules.suppressed] = _FORBIDDEN
    if not texts[0]:
        logits[:, rules.first] = _FORBIDDEN
    return logits.log_softmax(dim=-1)


def _discourage(logits: Tensor, texts: Sequence[Sequence[int]], penalty: float) -> None:
    """Make tokens less likely that a text has already (https://arxiv.org/abs/1909.05858)."""
    said = torch.tensor(texts, dtype=torch.long, device=logits.device)
    if said.numel():
        before = logits.gather(1, said)
        logits.scatter_(1, said, torch.where(before < 0, before * penalty, before / penalty))


def _would_repeat(text: Sequence[int], size: int) -> set[int]:
    """The tokens that would make the last `size` tokens of the text some that it has already."""
    beginning = tuple(text[len(text) - size + 1 :])
    return {text[at + size - 1] for at in range(len(text) - size + 1) if tuple(text[at : at + size - 1]) == beginning}

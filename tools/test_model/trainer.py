"""Trainer: the network, its optimizers and its averaged weights, one step at a time.

Owns the losses, the learning rate as a function of progress, the exchange of gradients between processes, and what a
checkpoint holds. `train` decides how long and on what.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from transformers import WhisperForConditionalGeneration

from tools.test_model.features import HOP, LogMel
from tools.test_model.network import Helper, Tokens, encode, guided
from tools.test_model.targets import IGNORED
from tools.test_model.windows import Batch

# The helpers pull hard at first and step back when the decoder has learned to listen.
HELPER_WEIGHT = (1.0, 0.3)
WARM_UP_STEPS = 200
# Orthogonal updates bear larger steps than AdamW at the same root mean square.
MATRIX_RATE = 3.0
AVERAGE, AVERAGE_EVERY = 0.995, 8


@dataclass(frozen=True)
class Group:
    """The processes that train together, each on its own batches with the mean of all gradients; `rank` 0 leads."""

    rank: int
    size: int

    def mean(self, tensors: list[Tensor]) -> None:
        """Replaces `tensors` by their mean over the processes."""
        if self.size > 1:
            flat = torch.cat([tensor.flatten() for tensor in tensors])
            distributed.all_reduce(flat)
            for tensor, part in zip(
                tensors, (flat / self.size).split([tensor.numel() for tensor in tensors]), strict=True
            ):
                tensor.copy_(part.view_as(tensor))

    def led(self, value: float) -> float:
        """The leader's `value`, in every process."""
        if self.size == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(told, 0)
        return float(told)


@dataclass
class Trainer:
    """The network with everything a checkpoint holds."""

    model: WhisperForConditionalGeneration
    helper: Helper
    device: str
    peak: float
    step: int = 0

    def __post_init__(self) -> None:
        """Matrices inside the layers go to Muon, everything else to AdamW."""
        named = [(name, value) for name, value in self.model.named_parameters() if value.requires_grad]
        matrices = [value for name, value in named if value.ndim == 2 and ".layers." in name]
        others = [value for name, value in named if not (value.ndim == 2 and ".layers." in name)]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=self.peak, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(
                [{"params": others}, {"params": list(self.helper.parameters())}],
                lr=self.peak,
                betas=(0.9, 0.98),
                weight_decay=0.0,
            ),
        ]
        self.average = {name: value.detach().clone().float() for name, value in self.model.state_dict().items()}
        self.mel = LogMel(self.device)

    def losses(self, batch: Batch) -> list[Tensor]:
        """Cross entropy a token, then the helpers' losses: phonemes, words, characters."""
        lengths = batch.lengths.to(self.device)
        with torch.no_grad():
            features = self.mel(batch.audio.to(self.device), lengths, batch.frames, batch.filters.to(self.device))
        with torch.autocast(self.device.split(":")[0], torch.bfloat16):
            encoded, middle = encode(self.model, features)
            decoded = self.model.model.decoder(
                input_ids=batch.inputs.to(self.device), encoder_hidden_states=encoded, output_attentions=True
            )
            scores = self.model.proj_out(decoded.last_hidden_state)
            helped = self.helper(encoded, middle, batch.phones.to(self.device), batch.words.to(self.device))
            characters = self.helper.connectionist(encoded, (lengths // HOP + 2) // 2, batch.texts)
        labels = batch.labels.to(self.device)
        written = nn.functional.cross_entropy(scores.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        return [written, *helped, characters, guided(decoded.cross_attentions, batch.spans.to(self.device))]

    def train(self, batch: Batch, progress: float, group: Group) -> list[float]:
        """One step; returns the losses."""
        # Linear to zero, as small models like it best, with the average of the last steps on top.
        rate = self.peak * min(1.0, (self.step + 1) / WARM_UP_STEPS) * max(0.01, 1 - progress)
        for optimizer, factor in zip(self.optimizers, (MATRIX_RATE, 1.0), strict=True):
            for part in optimizer.param_groups:
                part["lr"] = rate * factor
        losses = self.losses(batch)
        weight = HELPER_WEIGHT[0] + (HELPER_WEIGHT[1] - HELPER_WEIGHT[0]) * progress
        loss = losses[0] + weight * torch.stack(losses[1:]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = [*self.model.parameters(), *self.helper.parameters()]
        group.mean([value.grad for value in parameters if value.grad is not None])
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.step % AVERAGE_EVERY == 0:
            decay = min(AVERAGE, self.step / (self.step + 10)) ** AVERAGE_EVERY
            with torch.no_grad():
                for name, value in self.model.state_dict().items():
                    self.average[name].lerp_(value.float(), 1 - decay)
        return [float(value.detach()) for value in losses]

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "model": self.model.state_dict(),
            "helper": self.helper.state_dict(),
            "average": self.average,
            "step": self.step,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.helper.load_state_dict(state["helper"])
        self.average, self.step = state["average"], state["step"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def write(self, folder: Path, tokens: Tokens) -> None:
        """Writes the averaged weights in half precision and the tokenizer into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        current = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        settings = self.model.config.to_dict()
        copy = WhisperForConditionalGeneration(type(self.model.config)(**settings))
        copy.load_state_dict(self.model.state_dict())
        copy.half().save_pretrained(folder)
        tokens.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        self.model.load_state_dict(current)

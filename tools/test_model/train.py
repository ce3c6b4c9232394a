"""Training: optimizes the network on windows of a corpus until its time is used up.

Owns the schedule (learning rate and mix follow the time used, so that a slow or paused machine still ends well), the
optimizers, the averaged weights, and checkpoints that SIGTERM writes and the next call continues from. The same code runs
on a CPU (best with one process and one thread a core) and on a GPU. What it leaves is a folder of half-precision weights with ``tokenizer.json``; `export` does the rest.
"""

from __future__ import annotations

import argparse
import itertools
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from transformers import WhisperForConditionalGeneration

from tools.test_model.augment import NoiseBank
from tools.test_model.features import HOP, LogMel
from tools.test_model.network import (
    Helper,
    Tokens,
    build,
    deepened,
    encode,
    load,
    load_tokens,
    train_tokens,
)
from tools.test_model.speech import Corpus
from tools.test_model.windows import IGNORED, Batch, Windows

# The helpers pull hard at first and step back when the decoder has learned to listen.
HELPER_WEIGHT = (1.0, 0.3)
WARM_UP_STEPS = 200
AVERAGE = 0.998
SAVE_EVERY_S = 300.0
REPORT_EVERY = 25
# A step that took this many times the median was interrupted: the machine slept or the process was stopped.
INTERRUPTED = 5.0


@dataclass
class Clock:
    """Time used for training, of a budget in seconds and up to a deadline; pauses do not count as used."""

    budget: float
    until: float | None
    used: float = 0.0
    recent: list[float] = field(default_factory=list)

    def tick(self, seconds: float) -> None:
        """Adds a step's time."""
        self.recent = [*self.recent[-49:], seconds]
        median = sorted(self.recent)[len(self.recent) // 2]
        self.used += min(seconds, INTERRUPTED * median)

    @property
    def progress(self) -> float:
        """0 at the beginning, 1 when budget or deadline is reached."""
        left = self.budget - self.used
        if self.until is not None:
            left = min(left, self.until - time.time())
        return 1.0 if left <= 0 else self.used / (self.used + left)


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
            for tensor, part in zip(tensors, (flat / self.size).split([tensor.numel() for tensor in tensors]), strict=True):
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
                [{"params": others}, {"params": list(self.helper.parameters())}], lr=self.peak, betas=(0.9, 0.98), weight_decay=0.0
            ),
        ]
        self.average = {name: value.detach().clone().float() for name, value in self.model.state_dict().items()}
        self.mel = LogMel(self.device)

    def losses(self, batch: Batch) -> list[Tensor]:
        """Cross entropy a token, then the helpers' losses: phonemes, words, characters."""
        lengths = batch.lengths.to(self.device)
        with torch.no_grad():
            features = self.mel(batch.audio.to(self.device), lengths, batch.frames)
        with torch.autocast(self.device.split(":")[0], torch.bfloat16):
            encoded, middle = encode(self.model, features)
            hidden = self.model.model.decoder(input_ids=batch.inputs.to(self.device), encoder_hidden_states=encoded)[0]
            scores = self.model.proj_out(hidden)
            helped = self.helper(encoded, middle, batch.phones.to(self.device), batch.words.to(self.device))
            characters = self.helper.connectionist(encoded, (lengths // HOP + 2) // 2, batch.texts)
        labels = batch.labels.to(self.device)
        written = nn.functional.cross_entropy(scores.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        return [written, *helped, characters]

    def train(self, batch: Batch, progress: float, group: Group) -> list[float]:
        """One step; returns the losses."""
        # Linear to zero, as small models like it best, with the average of the last steps on top.
        rate = self.peak * min(1.0, (self.step + 1) / WARM_UP_STEPS) * max(0.01, 1 - progress)
        for optimizer in self.optimizers:
            for part in optimizer.param_groups:
                part["lr"] = rate
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
        decay = min(AVERAGE, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value.float(), 1 - decay)
        return [float(value.detach()) for value in losses]

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "model": self.model.state_dict(), "helper": self.helper.state_dict(), "average": self.average, "step": self.step,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }  # fmt: skip

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


def ahead(windows: Windows, numbers: Iterator[int], progress: Callable[[], float]) -> Iterator[Batch]:
    """Batches with these `numbers`, made in a thread while the network learns."""
    made: queue.Queue[Batch] = queue.Queue(maxsize=3)

    def make() -> None:
        for number in numbers:
            made.put(windows.batch(number, progress()))

    threading.Thread(target=make, daemon=True).start()
    while True:
        yield made.get()


def deadline(text: str) -> float:
    """The next moment it is ``HH:MM`` UTC, in seconds since the epoch."""
    now = datetime.now(UTC)
    moment = datetime.strptime(text, "%H:%M").replace(year=now.year, month=now.month, day=now.day, tzinfo=UTC)
    return (moment if moment > now else moment + timedelta(days=1)).timestamp()


def start(arguments: argparse.Namespace, corpus: Corpus) -> tuple[WhisperForConditionalGeneration, Tokens]:
    """The network to begin with: a given one, deepened if asked, or random weights and a new vocabulary."""
    if arguments.init:
        places = (arguments.init / "tokenizer.json", arguments.init.parent / "tokenizer.json")
        tokens = load_tokens(next(place for place in places if place.exists()))
        model = load(arguments.init)
        layers = (max(arguments.encoder_layers, model.config.encoder_layers), max(arguments.decoder_layers, model.config.decoder_layers))
        return deepened(model, encoder_layers=layers[0], decoder_layers=layers[1]), tokens
    tokens = train_tokens([utterance.text for utterance in corpus.utterances[:20_000]], arguments.vocabulary)
    return build(tokens, width=arguments.width, encoder_layers=arguments.encoder_layers, decoder_layers=arguments.decoder_layers), tokens


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("corpus", type=Path, help="folder that `speech` made")
    parser.add_argument("out", type=Path, help="folder for checkpoint.pt and original/")
    parser.add_argument("--init", type=Path, help="begin with these Hugging Face weights instead of random ones")
    parser.add_argument("--minutes", type=float, default=180, help="training time (default: %(default)s)")
    parser.add_argument("--until", type=deadline, help="end by this time HH:MM UTC, whatever is left of the minutes")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--encoder-layers", type=int, default=6)
    parser.add_argument("--decoder-layers", type=int, default=2)
    parser.add_argument("--peak", type=float, default=1.2e-3, help="highest learning rate (default: %(default)s)")
    parser.add_argument("--work", type=int, default=16_000, help="frames a batch of short windows (default: %(default)s)")
    parser.add_argument("--vocabulary", type=int, default=1024, help="text tokens of a new vocabulary (default: %(default)s)")
    parser.add_argument("--characters", action="store_true", help="add the CTC helper")
    parser.add_argument("--processes", type=int, default=1, help="processes that train together (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="threads a process (default: as torch likes)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def main() -> None:
    """Command line: trains, or continues an interrupted training."""
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "train.pid").write_text(str(os.getpid()))
    if arguments.processes > 1:
        # The store is a file: no port to find and none to be taken.
        meeting = arguments.out / "processes"
        meeting.unlink(missing_ok=True)
        others = [get_context("spawn").Process(target=work, args=(arguments, rank), daemon=True)
                  for rank in range(1, arguments.processes)]  # fmt: skip
        for other in others:
            other.start()
    work(arguments, 0)


def work(arguments: argparse.Namespace, rank: int) -> None:
    """One process of a training."""
    group = Group(rank, arguments.processes)
    if group.size > 1:
        # Patient enough for a machine that pauses the training for other work.
        distributed.init_process_group("gloo", init_method=f"file://{(arguments.out / 'processes').resolve()}", rank=rank,
                                       world_size=group.size, timeout=timedelta(hours=6))  # fmt: skip
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    corpus = Corpus(arguments.corpus / "train")
    model, tokens = start(arguments, corpus)
    model.model.encoder.embed_positions.requires_grad_(False)
    model = model.to(arguments.device).train()
    windows = Windows(corpus, tokens, NoiseBank(arguments.seed), arguments.seed, arguments.work)
    helper = Helper(model.config.d_model, len(windows.phone_classes), len(windows.word_classes), characters=arguments.characters)
    trainer = Trainer(model, helper.to(arguments.device), arguments.device, arguments.peak)
    clock = Clock(arguments.minutes * 60, arguments.until)
    checkpoint = arguments.out / "checkpoint.pt"
    with suppress(FileNotFoundError):
        saved = torch.load(checkpoint, map_location=arguments.device, weights_only=False)
        trainer.restore(saved["trainer"])
        clock.used = saved["used"]
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())

    def save() -> None:
        torch.save({"trainer": trainer.state(), "used": clock.used}, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    batches = ahead(windows, itertools.count(trainer.step * group.size + rank, group.size), lambda: clock.progress)
    before, saved_at, sums = time.monotonic(), time.monotonic(), [0.0] * 4
    progress = clock.progress
    while progress < 1:
        losses = trainer.train(next(batches), progress, group)
        # 2 tells all processes at once that the leader was asked to stop.
        progress = group.led(2.0 if stopped.is_set() else clock.progress)
        now = time.monotonic()
        clock.tick(now - before)
        before = now
        sums = [total + loss for total, loss in zip(sums, losses, strict=True)]
        if rank == 0 and trainer.step % REPORT_EVERY == 0:
            means = " ".join(f"{name} {total / REPORT_EVERY:.3f}" for name, total in zip(("token", "phone", "word", "character"), sums, strict=True))
            print(f"{datetime.now(UTC):%H:%M:%S} step {trainer.step} of {progress:.1%} {means} "
                  f"{sum(clock.recent) / len(clock.recent):.2f} s a step", flush=True)  # fmt: skip
            sums = [0.0] * 4
        if rank == 0 and (progress >= 1 or now - saved_at > SAVE_EVERY_S):
            save()
            saved_at = now
    if rank == 0:
        trainer.write(arguments.out / "original", tokens)


if __name__ == "__main__":
    main()

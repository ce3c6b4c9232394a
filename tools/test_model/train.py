"""Training: optimizes the network on windows of a corpus until its time is used up.

Owns the schedule (learning rate and mix follow the time used, so that a slow or paused machine still ends well), the
optimizers, the averaged weights, and checkpoints that SIGTERM writes and the next call continues from. The same code
runs on a CPU (best with one process and one thread a core) and on a GPU. What it leaves is a folder of half-precision
weights with ``tokenizer.json``; `export` does the rest.
"""

from __future__ import annotations

import argparse
import gc
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

import torch
from torch import distributed
from transformers import WhisperForConditionalGeneration

from tools.test_model.augment import NoiseBank
from tools.test_model.network import (
    Helper,
    Tokens,
    build,
    deepened,
    load,
    load_tokens,
    train_tokens,
)
from tools.test_model.speech import Corpora, Corpus
from tools.test_model.trainer import Group, Trainer
from tools.test_model.windows import Batch, Windows

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


def start(arguments: argparse.Namespace, corpus: Corpora) -> tuple[WhisperForConditionalGeneration, Tokens]:
    """The network to begin with: a given one, deepened if asked, or random weights and a new vocabulary."""
    if arguments.init:
        places = (arguments.init / "tokenizer.json", arguments.init.parent / "tokenizer.json")
        tokens = load_tokens(next(place for place in places if place.exists()))
        model = load(arguments.init)
        layers = (
            max(arguments.encoder_layers, model.config.encoder_layers),
            max(arguments.decoder_layers, model.config.decoder_layers),
        )
        return deepened(model, encoder_layers=layers[0], decoder_layers=layers[1]), tokens
    tokens = train_tokens([utterance.text for utterance in corpus.utterances[:20_000]], arguments.vocabulary)
    return build(
        tokens, width=arguments.width, encoder_layers=arguments.encoder_layers, decoder_layers=arguments.decoder_layers
    ), tokens


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "corpora", type=Path, nargs="+", help="folders that `speech` made; one named twice counts twice"
    )
    parser.add_argument("out", type=Path, help="folder for checkpoint.pt and original/")
    parser.add_argument("--init", type=Path, help="begin with these Hugging Face weights instead of random ones")
    parser.add_argument("--minutes", type=float, default=180, help="training time (default: %(default)s)")
    parser.add_argument("--until", type=deadline, help="end by this time HH:MM UTC, whatever is left of the minutes")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--encoder-layers", type=int, default=6)
    parser.add_argument("--decoder-layers", type=int, default=2)
    parser.add_argument("--peak", type=float, default=1.2e-3, help="highest learning rate (default: %(default)s)")
    parser.add_argument(
        "--work", type=int, default=16_000, help="frames a batch of short windows (default: %(default)s)"
    )
    parser.add_argument(
        "--vocabulary", type=int, default=1024, help="text tokens of a new vocabulary (default: %(default)s)"
    )
    parser.add_argument(
        "--full-mix", action="store_true", help="long windows from the first step on, for a network that hears already"
    )
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
        others = [
            get_context("spawn").Process(target=work, args=(arguments, rank), daemon=True)
            for rank in range(1, arguments.processes)
        ]
        for other in others:
            other.start()
    work(arguments, 0)


def work(arguments: argparse.Namespace, rank: int) -> None:
    """One process of a training."""
    group = Group(rank, arguments.processes)
    if group.size > 1:
        # Patient enough for a machine that pauses the training for other work.
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{(arguments.out / 'processes').resolve()}",
            rank=rank,
            world_size=group.size,
            timeout=timedelta(hours=6),
        )
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    # One that is named twice is read once.
    read = {folder: Corpus(folder / "train") for folder in arguments.corpora}
    corpus = Corpora(tuple(read[folder] for folder in arguments.corpora))
    model, tokens = start(arguments, corpus)
    model.model.encoder.embed_positions.requires_grad_(False)
    # Plain matrix products: they show where the decoder listens, and on a CPU are faster than the fused kernel.
    model.set_attn_implementation("eager")
    model = model.to(arguments.device).train()
    windows = Windows(corpus, tokens, NoiseBank(arguments.seed), arguments.seed, arguments.work)
    helper = Helper(
        model.config.d_model, len(windows.phone_classes), len(windows.word_classes), characters=arguments.characters
    )
    trainer = Trainer(model, helper.to(arguments.device), arguments.device, arguments.peak)
    clock = Clock(arguments.minutes * 60, arguments.until)
    checkpoint = arguments.out / "checkpoint.pt"
    with suppress(FileNotFoundError):
        saved = torch.load(checkpoint, map_location=arguments.device, weights_only=False)
        trainer.restore(saved["trainer"])
        clock.used = saved["used"]
    # Millions of marks that live as long as the process: the collector need not look at them again and again.
    gc.collect()
    gc.freeze()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())

    def save() -> None:
        torch.save({"trainer": trainer.state(), "used": clock.used}, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    def mixed() -> float:
        return 1.0 if arguments.full_mix else clock.progress

    batches = ahead(windows, itertools.count(trainer.step * group.size + rank, group.size), mixed)
    before, saved_at, sums = time.monotonic(), time.monotonic(), [0.0] * 5
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
            means = " ".join(
                f"{name} {total / REPORT_EVERY:.3f}"
                for name, total in zip(("token", "phone", "word", "character", "guide"), sums, strict=True)
            )
            print(
                f"{datetime.now(UTC):%H:%M:%S} step {trainer.step} of {progress:.1%} {means} "
                f"{sum(clock.recent) / len(clock.recent):.2f} s a step",
                flush=True,
            )
            sums = [0.0] * 5
        if rank == 0 and (progress >= 1 or now - saved_at > SAVE_EVERY_S):
            save()
            saved_at = now
    if rank == 0:
        trainer.write(arguments.out / "original", tokens)


if __name__ == "__main__":
    main()

"""Where models are computed: the device and the engine that drives it. Pure.

Owns: the rule from settings and the machine's accelerators. Leaves to others: looking at the machine
(`whisperd.survey`), choosing a model that fits (`choose`).
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whisperd.config.settings import WorkerSettings
from whisperd.frames import Device

LEAST_MB: Final = 1_500
"""Free memory below which an accelerator holds no model that is worth it: `tiny` in 8 bits with what it works on."""

TORCH_ONLY: Final = ("rocm", "xpu")
"""Devices that CTranslate2 can't drive."""


class Placement(msgspec.Struct, frozen=True):
    """`memory_mb` is what models may take on an accelerator, None for a CPU or where it is not known."""

    backend: str
    device: str
    memory_mb: int | None
    reason: str

    @property
    def on_cpu(self) -> bool:
        return self.device == "cpu"


def place(workers: WorkerSettings, devices: Sequence[Device] | None) -> Placement:
    """The placement by these settings on a machine with these accelerators; None: nobody has looked yet."""
    limit = workers.device_memory_mb
    if workers.device != "auto":
        backend = workers.backend
        if backend == "auto":
            backend = "torch" if workers.device in TORCH_ONLY else "ctranslate2"
        named = next((device for device in devices or () if device.kind == workers.device), None)
        memory = limit or (named.free_mb if named else None)
        return Placement(backend, workers.device, memory, "workers.device in the configuration")
    on_cpu = "ctranslate2" if workers.backend == "auto" else workers.backend
    if devices is None:
        return Placement(on_cpu, "auto", limit, "the machine's accelerators are not known yet")
    usable = [device for device in devices if _engine(workers, device)]
    best = max(usable, key=lambda device: device.free_mb or 0, default=None)
    if best is None:
        why = "no accelerator was found"
        if devices:
            why = f"{devices[0].name} ({devices[0].kind}) can't be driven by the {workers.backend} engine"
        return Placement(on_cpu, "cpu", None, why)
    memory = limit or best.free_mb
    if memory is not None and memory < LEAST_MB:
        why = f"only {memory} MB of {best.name} are free"
        return Placement(on_cpu, "cpu", None, why)
    free = f" with {memory:,} MB for models" if memory is not None else ""
    return Placement(_engine(workers, best), best.kind, memory, f"{best.name}{free}")


def _engine(workers: WorkerSettings, device: Device) -> str:
    """The engine for the device, CTranslate2 before PyTorch; empty where none is allowed."""
    allowed = ("ctranslate2", "torch") if workers.backend == "auto" else (workers.backend,)
    return next((engine for engine in allowed if engine in device.engines), "")


def precision(compute_type: str, placement: Placement, float16_mb: int) -> str:
    """The compute type of a model that takes `float16_mb` megabytes in half precision.

    One that was asked for stays. On an accelerator half precision; where that does not fit and CTranslate2 drives it,
    8-bit weights, since a larger model in 8 bits beats a smaller one in 16. On a CPU `auto`, CTranslate2's fastest: its
    default would compute published models, which are in half precision, in float32.
    """
    if compute_type not in ("default", "auto"):
        return compute_type
    if placement.device in ("cpu", "auto"):
        return "auto"
    if placement.backend == "ctranslate2" and placement.memory_mb is not None and float16_mb > placement.memory_mb:
        return "int8_float16"
    return "float16"


def smallest_type(compute_type: str, placement: Placement) -> str:
    """The compute type by which a model is judged to fit: the smallest that `precision` may take."""
    if compute_type not in ("default", "auto"):
        return compute_type
    if placement.device in ("cpu", "auto"):
        return "int8"
    return "int8_float16" if placement.backend == "ctranslate2" else "float16"

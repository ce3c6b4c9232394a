"""Which accelerators this machine has, and their memory.

Owns: asking CTranslate2 and, where it is installed, PyTorch. Leaves to others: choosing one (the daemon).
Called in a process that ends afterwards: asking for memory makes a context on the device, which takes some of it.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingImports=false, reportMissingModuleSource=false

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from whisperd.frames import Device, Surveyed

T = TypeVar("T")


def survey() -> Surveyed:
    """What is there. Never raises: what can't be looked at is a note."""
    notes: list[str] = []
    cuda = _attempt(_count_for_ctranslate2, "CTranslate2", notes) or 0
    torch = _attempt(_import_torch, "PyTorch", notes)
    found: list[Device] = [] if torch is None else _attempt(lambda: seen_by_torch(torch), "PyTorch", notes) or []
    return Surveyed(tuple(merged(found, cuda)), tuple(notes))


def _attempt(look: Callable[[], T], who: str, notes: list[str]) -> T | None:
    try:
        return look()
    except Exception as error:
        notes.append(f"{who}: {' '.join(str(error).split())[:200] or type(error).__name__}")
        return None


def _count_for_ctranslate2() -> int:
    import ctranslate2

    return ctranslate2.get_cuda_device_count()


def _import_torch() -> Any:
    import torch

    return torch


def seen_by_torch(torch: Any) -> list[Device]:
    """The devices of torch's build; those of ROCm are called cuda there."""
    found: list[Device] = []
    if torch.cuda.is_available():
        kind = "rocm" if torch.version.hip else "cuda"
        found += [_device(kind, torch.cuda, index) for index in range(torch.cuda.device_count())]
    if torch.xpu.is_available():
        found += [_device("xpu", torch.xpu, index) for index in range(torch.xpu.device_count())]
    return found


def _device(kind: str, module: Any, index: int) -> Device:
    free, total = module.mem_get_info(index)
    return Device(kind, str(module.get_device_name(index)), ("torch",), total_mb=total >> 20, free_mb=free >> 20)


def merged(found: list[Device], cuda: int) -> list[Device]:
    """Torch's devices, of which the first `cuda` CUDA ones are CTranslate2's too, and those that only it sees."""
    devices: list[Device] = []
    for device in found:
        both = device.kind == "cuda" and cuda > 0
        cuda -= both
        devices.append(msgspec.structs.replace(device, engines=("ctranslate2", "torch")) if both else device)
    return [*devices, *(Device("cuda", "a CUDA device", ("ctranslate2",)) for _ in range(cuda))]

"""Where models are computed, on machines with and without accelerators."""

import pytest

from whisperd.config.settings import ModelSettings, WorkerSettings
from whisperd.frames import Device
from whisperd.jobs.abilities import Work
from whisperd.jobs.job import Kind
from whisperd.models.catalog import MODELS
from whisperd.models.choose import choose
from whisperd.models.placement import place, precision, smallest_type

CUDA = Device("cuda", "a large card", ("ctranslate2", "torch"), 24_000, 22_000)
SMALL_CUDA = Device("cuda", "a small card", ("ctranslate2", "torch"), 4_000, 3_600)
FULL_CUDA = Device("cuda", "a busy card", ("ctranslate2", "torch"), 8_000, 900)
UNTOLD = Device("cuda", "a CUDA device", ("ctranslate2",))
ROCM = Device("rocm", "a Radeon", ("torch",), 16_000, 15_000)
XPU = Device("xpu", "an Arc", ("torch",), 8_000, 7_500)
AUTO = WorkerSettings()


@pytest.mark.parametrize(
    ("workers", "devices", "backend", "device", "memory"),
    [
        (AUTO, (), "ctranslate2", "cpu", None),
        (AUTO, None, "ctranslate2", "auto", None),
        (AUTO, (CUDA,), "ctranslate2", "cuda", 22_000),
        (AUTO, (UNTOLD,), "ctranslate2", "cuda", None),
        (AUTO, (ROCM,), "torch", "rocm", 15_000),
        (AUTO, (XPU,), "torch", "xpu", 7_500),
        (AUTO, (SMALL_CUDA, CUDA), "ctranslate2", "cuda", 22_000),
        (AUTO, (SMALL_CUDA, ROCM), "torch", "rocm", 15_000),
        (AUTO, (FULL_CUDA,), "ctranslate2", "cpu", None),
        (WorkerSettings(backend="torch"), (), "torch", "cpu", None),
        (WorkerSettings(backend="torch"), (CUDA,), "torch", "cuda", 22_000),
        (WorkerSettings(backend="ctranslate2"), (ROCM,), "ctranslate2", "cpu", None),
        (WorkerSettings(device="cpu"), (CUDA,), "ctranslate2", "cpu", None),
        (WorkerSettings(device="rocm"), (), "torch", "rocm", None),
        (WorkerSettings(device="cuda"), (ROCM,), "ctranslate2", "cuda", None),
        (WorkerSettings(device="cuda"), (CUDA,), "ctranslate2", "cuda", 22_000),
        (WorkerSettings(device_memory_mb=6_000), (CUDA,), "ctranslate2", "cuda", 6_000),
    ],
)
def test_the_device_and_the_engine_that_drives_it(
    workers: WorkerSettings, devices: tuple[Device, ...] | None, backend: str, device: str, memory: int | None
) -> None:
    placement = place(workers, devices)
    assert (placement.backend, placement.device, placement.memory_mb) == (backend, device, memory)
    assert placement.reason


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ((), "no accelerator was found"),
        ((FULL_CUDA,), "only 900 MB of a busy card are free"),
        ((CUDA,), "a large card with 22,000 MB for models"),
    ],
)
def test_the_reason_says_what_was_found(devices: tuple[Device, ...], said: str) -> None:
    assert place(AUTO, devices).reason == said


def test_an_engine_that_cannot_drive_the_device_is_refused_in_the_configuration() -> None:
    with pytest.raises(ValueError, match="CTranslate2 can't drive"):
        WorkerSettings(device="xpu", backend="ctranslate2")


@pytest.mark.parametrize(
    ("device", "compute_type", "model", "expected"),
    [
        (CUDA, "default", "large-v3", "float16"),
        (SMALL_CUDA, "default", "large-v3", "int8_float16"),
        (SMALL_CUDA, "default", "small", "float16"),
        (SMALL_CUDA, "float32", "large-v3", "float32"),
        (XPU, "default", "large-v3", "float16"),
        (UNTOLD, "auto", "large-v3", "float16"),
        (None, "default", "large-v3", "auto"),
        (None, "int8", "large-v3", "int8"),
    ],
)
def test_half_precision_where_it_fits_and_eight_bits_where_it_does_not(
    device: Device | None, compute_type: str, model: str, expected: str
) -> None:
    placement = place(AUTO, () if device is None else (device,))
    assert precision(compute_type, placement, MODELS[model].memory_mb("float16")) == expected


@pytest.mark.parametrize(
    ("device", "name"), [(CUDA, "large-v3"), (SMALL_CUDA, "large-v3"), (XPU, "large-v3"), (ROCM, "large-v3")]
)
def test_the_largest_model_that_fits_in_some_precision_is_taken(device: Device, name: str) -> None:
    placement = place(AUTO, (device,))
    choice = choose(
        ModelSettings(),
        Kind.FILE,
        Work(("de",)),
        list(MODELS),
        device=placement.device,
        compute_type=smallest_type("default", placement),
        free_mb=placement.memory_mb,
    )
    assert choice.name == name


def test_torch_without_eight_bits_takes_a_smaller_model_on_a_small_card() -> None:
    placement = place(WorkerSettings(backend="torch"), (SMALL_CUDA,))
    choice = choose(
        ModelSettings(),
        Kind.FILE,
        Work(("de",)),
        list(MODELS),
        device=placement.device,
        compute_type=smallest_type("default", placement),
        free_mb=placement.memory_mb,
    )
    assert choice.name == "large-v3-turbo"

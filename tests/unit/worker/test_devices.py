"""Looking at accelerators, with stand-ins for the libraries: this has not been seen on real ones."""

from types import SimpleNamespace
from typing import Any

from whisperd.frames import Device, Surveyed
from whisperd.worker import devices
from whisperd.worker.devices import merged, seen_by_torch, survey


def memory(*free_and_total: tuple[int, int]) -> SimpleNamespace:
    """A module such as `torch.cuda` with these devices."""
    return SimpleNamespace(
        is_available=lambda: bool(free_and_total),
        device_count=lambda: len(free_and_total),
        mem_get_info=lambda index: tuple(size << 20 for size in free_and_total[index]),
        get_device_name=lambda index: f"card {index}",
    )


def torch(*, cuda: Any = None, xpu: Any = None, hip: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(cuda=cuda or memory(), xpu=xpu or memory(), version=SimpleNamespace(hip=hip))


def test_torch_tells_devices_and_their_memory() -> None:
    found = seen_by_torch(torch(cuda=memory((7_000, 8_000)), xpu=memory((3_000, 4_000))))
    assert found == [
        Device("cuda", "card 0", ("torch",), total_mb=8_000, free_mb=7_000),
        Device("xpu", "card 0", ("torch",), total_mb=4_000, free_mb=3_000),
    ]


def test_what_a_rocm_build_calls_cuda_is_rocm() -> None:
    assert [device.kind for device in seen_by_torch(torch(cuda=memory((1, 2)), hip="6.2"))] == ["rocm"]


def test_both_engines_drive_what_both_see() -> None:
    found = seen_by_torch(torch(cuda=memory((7_000, 8_000), (1_000, 2_000))))
    assert [device.engines for device in merged(found, 1)] == [("ctranslate2", "torch"), ("torch",)]


def test_a_device_that_only_ctranslate2_sees_has_no_known_memory() -> None:
    assert merged([], 1) == [Device("cuda", "a CUDA device", ("ctranslate2",))]


def test_rocm_is_not_ctranslate2s_whatever_it_counts() -> None:
    found = seen_by_torch(torch(cuda=memory((1, 2)), hip="6.2"))
    assert merged(found, 0)[0].engines == ("torch",)


def test_a_driver_in_trouble_is_a_note(monkeypatch: Any) -> None:
    def lost() -> int:
        raise RuntimeError("CUDA failed with error unknown error")

    monkeypatch.setattr(devices, "_count_for_ctranslate2", lost)
    monkeypatch.setattr(devices, "_import_torch", lambda: torch(xpu=memory((3_000, 4_000))))
    found = survey()
    assert found.notes == ("CTranslate2: CUDA failed with error unknown error",)
    assert [device.kind for device in found.devices] == ["xpu"]


def test_without_torch_the_rest_is_still_told(monkeypatch: Any) -> None:
    def missing() -> Any:
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(devices, "_count_for_ctranslate2", lambda: 0)
    monkeypatch.setattr(devices, "_import_torch", missing)
    assert survey() == Surveyed((), ("PyTorch: No module named 'torch'",))

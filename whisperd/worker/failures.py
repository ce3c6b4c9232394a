"""What goes wrong in a worker, as the daemon hears it: one exception of our own, and the one mapping to `Failed`.

Owns: `WorkError`, raised wherever the cause is known, and `failure_of`, which names every other exception by its type
and text. Leaves to others: what a failure means for a job (`whisperd.jobs.retry`).
"""

import errno
from typing import Final

from whisperd.frames import Failed, FailureKind


class WorkError(Exception):
    """A failure whose kind is known where it happens. `message` says what happened to what, `hint` what to do."""

    def __init__(self, kind: FailureKind, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


_OUT_OF_MEMORY: Final = ("out of memory", "bad_alloc", "failed to allocate", "cannot allocate memory", "alloc_failed")
"""What CUDA ("CUDA failed with error out of memory"), cuBLAS, C++ and the kernel say, in lower case."""

_ACCELERATOR: Final = ("cuda", "hip error", "hiperror", "xpu", "ur_result", "level_zero", "sycl", "cublas", "cudnn")
_LOST: Final = (
    "unknown error",
    "unspecified launch failure",
    "illegal memory access",
    "device lost",
    "device_lost",
    "device is lost",
    "gpu is lost",
    "fallen off the bus",
    "busy or unavailable",
    "ecc error",
    "context is destroyed",
    "hardware exception",
)
"""What the drivers say, in lower case, when the context that this process has of the device is gone: over a suspend,
after a reset, an unplugged device. Another process often gets a new one."""

_DEPENDENCY: Final = (
    "cudnn",
    "cublas",
    "libcuda",
    "cuda failed",
    "cuda driver",
    "nvrtc",
    "compiled with cuda",
    "no kernel image",
    "libamdhip",
    "libze_loader",
    "miopen",
    "rocblas",
)
"""What CTranslate2 says of a GPU stack that is absent, too old or broken, in lower case."""

_WITHOUT_RETRY: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO}
)
_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR})


def failure_of(error: Exception) -> Failed:
    """The reply for any exception that a call raised."""
    if isinstance(error, WorkError):
        return Failed(error.kind, error.message, error.hint)
    text = str(error) or repr(error)
    lowered = text.lower()
    if isinstance(error, MemoryError) or any(sign in lowered for sign in _OUT_OF_MEMORY):
        return Failed(
            FailureKind.OUT_OF_MEMORY,
            f"the model ran out of memory: {text}",
            "choose a smaller model or compute type, or free memory on the device",
        )
    if any(sign in lowered for sign in _ACCELERATOR) and any(sign in lowered for sign in _LOST):
        return Failed(
            FailureKind.DEVICE_LOST,
            f"the accelerator was lost: {text}",
            "after a suspend, reload its driver (for NVIDIA: `sudo modprobe -r nvidia_uvm; sudo modprobe nvidia_uvm`); "
            "workers.cpu_fallback = true goes on without it",
        )
    if isinstance(error, ImportError) or any(sign in lowered for sign in _DEPENDENCY):
        return Failed(
            FailureKind.DEPENDENCY,
            f"a library that the model needs does not work: {text}",
            "run `whisperctl doctor`; set the device to cpu to do without the GPU",
        )
    if isinstance(error, OSError):
        return Failed(
            _kind_of_os_error(error), f"the system refused: {text}", "check the path and the disk that it lies on"
        )
    return Failed(
        FailureKind.INTERNAL, f"{type(error).__name__}: {text}", "this is a defect of whisperd; please report it"
    )


def _kind_of_os_error(error: OSError) -> FailureKind:
    if error.errno in _MISSING:
        return FailureKind.INPUT_MISSING
    return FailureKind.BAD_INPUT if error.errno in _WITHOUT_RETRY else FailureKind.IO

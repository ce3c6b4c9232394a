"""Every exception has one kind, a sentence and where possible a hint."""

import errno

import pytest

from whisperd.frames import FailureKind
from whisperd.worker.failures import WorkError, failure_of


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA failed with error out of memory"), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("std::bad_alloc"), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"), FailureKind.OUT_OF_MEMORY),
        (MemoryError(), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("Library libcublas.so.12 is not found or cannot be loaded"), FailureKind.DEPENDENCY),
        (RuntimeError("Unable to load any of {libcudnn_ops.so.9}"), FailureKind.DEPENDENCY),
        (RuntimeError("CUDA failed with error CUDA driver version is insufficient"), FailureKind.DEPENDENCY),
        (ValueError("This CTranslate2 package was not compiled with CUDA support"), FailureKind.DEPENDENCY),
        (ImportError("No module named 'av'"), FailureKind.DEPENDENCY),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("XPU out of memory"), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("CUDA failed with error unknown error"), FailureKind.DEVICE_LOST),
        (RuntimeError("CUDA error: unspecified launch failure"), FailureKind.DEVICE_LOST),
        (RuntimeError("CUDA-capable device(s) is/are busy or unavailable"), FailureKind.DEVICE_LOST),
        (RuntimeError("HIP error: the operation cannot be performed: device lost"), FailureKind.DEVICE_LOST),
        (
            RuntimeError("level_zero backend failed with error: 20 (UR_RESULT_ERROR_DEVICE_LOST)"),
            FailureKind.DEVICE_LOST,
        ),
        (FileNotFoundError(errno.ENOENT, "No such file"), FailureKind.INPUT_MISSING),
        (PermissionError(errno.EACCES, "Permission denied"), FailureKind.BAD_INPUT),
        (OSError(errno.EIO, "Input/output error"), FailureKind.IO),
        (KeyError("surprise"), FailureKind.INTERNAL),
        (WorkError(FailureKind.NO_AUDIO, "no sound", "bring some"), FailureKind.NO_AUDIO),
    ],
    ids=str,
)
def test_an_exception_becomes_the_failure_it_is(error: Exception, kind: FailureKind) -> None:
    failure = failure_of(error)
    assert failure.kind is kind
    assert failure.message


def test_what_nobody_foresaw_is_named_by_type_and_text() -> None:
    assert failure_of(KeyError("surprise")).message == "KeyError: 'surprise'"


def test_a_work_error_keeps_its_words() -> None:
    failure = failure_of(WorkError(FailureKind.NO_AUDIO, "no sound", "bring some"))
    assert (failure.message, failure.hint) == ("no sound", "bring some")

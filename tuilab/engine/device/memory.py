"""When a device or this machine has no memory left, and how to get some back."""

import contextlib
import gc

import torch


def is_exhausted(error: BaseException) -> bool:
    """Whether a device or this machine had no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def release() -> None:
    """Give back what a failed step held; call it after the exception has been let go."""
    gc.collect()
    if torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):  # a GPU that has stopped can give nothing back
            torch.cuda.empty_cache()

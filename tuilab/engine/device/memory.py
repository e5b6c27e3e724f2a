"""Out-of-memory errors: recognizing them and freeing memory."""

import contextlib
import gc

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error means that the device or the machine is out of memory."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    phrases = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in phrases)


def free_memory() -> None:
    """Frees the memory of a failed step; call it outside of the `except` block."""
    gc.collect()
    if torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):  # a GPU that has failed cannot free anything
            torch.cuda.empty_cache()

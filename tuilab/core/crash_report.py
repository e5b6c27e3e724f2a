"""What is kept of an error in tuilab itself: its traceback in a file, and one line about it."""

import os
import time
import traceback

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.files.atomic_write import write_atomically


def report_crash(error: Exception) -> str:
    """Writes a traceback to a file; returns what to print about it."""
    text = "".join(traceback.format_exception(error))
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        path = paths.data_dir() / "crashes" / name
        write_atomically(path, text.encode(errors="backslashreplace"))
    except (OSError, InputError):
        return text
    return f"{type(error).__name__}; the details are in {path}"

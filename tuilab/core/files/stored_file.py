"""Files that tuilab keeps or finds in a folder: read only where they are files.

A pipe with a file's name would be waited for, and nothing that lists the folder would ever end.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_stored(path: Path) -> BinaryIO:
    """Opens a file for reading; OSError also where it is a folder, a pipe or a device."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


def read_stored(path: Path) -> bytes:
    """Reads a file; OSError also where it is a folder, a pipe or a device."""
    with open_stored(path) as file:
        return file.read()

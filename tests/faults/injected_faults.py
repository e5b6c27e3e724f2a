"""Calls of the system that fail: some at random, all once a disk is full, or one is the last."""

import builtins
import errno
import io
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EACCES)

PATH_CALLS = ("open", "replace", "rename", "link", "unlink", "mkdir", "scandir", "stat")
"""Functions of `os` whose first argument is a path."""

FILE_CALLS = ("write", "fsync", "fchmod", "fstat")
"""Functions of `os` whose first argument is an open file."""


class FaultyDisk:
    """Makes calls for the files of one folder fail in this process.

    Args:
        folder: the folder; other files are not affected.
        rate: the share of calls that fail at random.
        seed: what decides which.
        capacity: bytes that fit on the disk; None: any number.
        last_call: the call in which this process is killed, a write when half of it is done.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rate: float = 0.0,
        seed: int = 0,
        capacity: int | None = None,
        last_call: int = 0,
    ) -> None:
        self._folder = str(folder)
        self._rate, self._rng = rate, random.Random(seed)
        self._capacity, self._last_call = capacity, last_call
        self.calls = 0
        "The number of calls so far."
        self._files: set[int] = set()
        self._walk, self._getsize = os.walk, os.path.getsize

    def install(self) -> None:
        """Replaces the functions of this process; there is no way back."""
        for name in PATH_CALLS:
            setattr(os, name, self._fail_by_path(name, getattr(os, name)))
        for name in FILE_CALLS:
            setattr(os, name, self._fail_by_file(getattr(os, name), is_write=name == "write"))
        close = os.close

        def close_and_forget(fd: int) -> None:
            self._files.discard(fd)
            close(fd)

        os.close = close_and_forget
        io.open = builtins.open = self._fail_by_path("", builtins.open)

    def _fail(self) -> None:
        self.calls += 1
        if self.calls == self._last_call:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._rng.random() < self._rate:
            code = self._rng.choice(ERRORS)
            raise OSError(code, os.strerror(code))

    def _is_ours(self, path: object) -> bool:
        return isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self._folder)

    def _fail_by_path(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            is_ours = self._is_ours(path)
            if is_ours:
                self._fail()
            result = function(path, *arguments, **options)
            if is_ours and name == "open":
                self._files.add(result)
            return result

        return call

    def _fail_by_file(self, function: Callable[..., Any], *, is_write: bool) -> Callable[..., Any]:
        def call(file: int, *arguments: Any) -> Any:
            if file in self._files:
                if is_write and self.calls + 1 == self._last_call:
                    function(file, arguments[0][: len(arguments[0]) // 2])
                self._fail()
                if is_write and self._capacity is not None:
                    arguments = (self._cut(arguments[0]),)
            return function(file, *arguments)

        return call

    def _cut(self, content: Any) -> Any:
        """Returns what still fits on the disk of what is to be written; fails if nothing does."""
        used = sum(
            self._getsize(os.path.join(parent, name))
            for parent, _, names in self._walk(self._folder)
            for name in names
            if os.path.exists(os.path.join(parent, name))
        )
        free = (self._capacity or 0) - used
        if free <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return content[:free]

"""Files are written whole or not at all, and the remains of dead writers go."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuilab.core.files import atomic_write
from tuilab.core.files.atomic_write import remove_dead_parts, write_atomically

CALLS = ("open", "write", "fsync", "replace", "fchmod")


def fail_at(name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets one call of a function of `os` fail."""
    function: Callable[..., Any] = getattr(os, name)
    calls = iter(range(1000))

    def call(*arguments: Any, **options: Any) -> Any:
        if next(calls) == number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return function(*arguments, **options)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("name", CALLS)
def test_whatever_call_fails_the_file_is_the_old_one_or_the_new_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, previous = tmp_path / "file", tmp_path / "file.previous"
    for number in range(3):
        path.write_bytes(b"old")
        previous.write_bytes(b"older")
        with monkeypatch.context() as patch:
            fail_at(name, number, patch)
            try:
                write_atomically(path, b"new", previous=previous)
                is_written = True
            except OSError:
                is_written = False

        contents = [file.read_bytes() for file in (path, previous) if file.exists()]
        assert (b"new" if is_written else b"old") in contents, (name, number)
        assert list(tmp_path.glob(".*")) == []


def test_what_reads_back_differently_does_not_take_the_place_of_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(atomic_write, "write_all", lambda file, _: os.write(file, b"nwe"))

    with pytest.raises(OSError, match="reads back differently"):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"


def test_a_link_stays_a_link_and_a_private_file_private(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to(target)

    write_atomically(link, b"new")

    assert link.is_symlink() and target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


WRITER = """
import os, sys, time
from pathlib import Path
from tuilab.core.files import atomic_write

def wait(file, content):
    print(flush=True)
    time.sleep(60)

atomic_write.write_all = wait
atomic_write.write_atomically(Path(sys.argv[1]), b"new")
"""


def test_the_part_of_a_dead_writer_is_removed_and_that_of_a_living_one_stays(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    old = tmp_path / ".file.4000000.part"  # as older versions named them
    others = tmp_path / ".other.12-ab.part"
    old.touch()
    others.touch()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()

    remove_dead_parts(tmp_path, "file")
    living = list(tmp_path.glob(".file.*.part"))
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    write_atomically(path, b"newer")

    assert len(living) == 1 and living[0] != old
    assert set(tmp_path.iterdir()) == {path, others}
    remove_dead_parts(tmp_path)
    assert not others.exists()

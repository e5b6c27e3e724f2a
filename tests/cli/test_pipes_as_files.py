"""A pipe with the name of a file that tuilab reads is said or passed over, never waited for."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.support.shell import RunCommand
from tuilab.core import paths
from tuilab.core.files.stored_file import open_stored, read_stored

STORED = Path(__file__).resolve().parent.parent / "fixtures" / "runs" / "old-7f3a"

SAID = "it is a pipe or a device, not a file"


@pytest.fixture(autouse=True)
def _interrupted_when_it_waits() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it waits for the pipe")

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize(
    ("file", "command", "said"),
    [
        ("runs/old-7f3a/events.jsonl", ("runs",), "old-7f3a"),
        ("runs/old-7f3a/events.jsonl", ("diagnose", "old-7f3a"), SAID),
        ("runs/old-7f3a/experiment.toml", ("runs",), "old-7f3a"),
        ("runs/old-7f3a/checkpoint.pt", ("train", "--resume", "old-7f3a", "--plain"), SAID),
        ("lessons/mine/lesson.toml", ("lessons",), SAID),
        ("lessons/mine/lesson.toml", ("lessons", "check", "mine"), SAID),
        ("progress.json", ("lessons",), SAID),
        ("experiments/mine.toml", ("presets",), "mine"),
    ],
)
def test_a_pipe_does_not_hold_up_a_command(
    home: Path, run_command: RunCommand, file: str, command: tuple[str, ...], said: str
) -> None:
    shutil.copytree(STORED, paths.runs_dir() / STORED.name)
    path = paths.data_dir() / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)

    _, out, err = run_command(*command)

    assert said in out + err


def test_a_folder_a_pipe_and_nothing_are_no_stored_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")

    assert read_stored(tmp_path / "file") == read_stored(tmp_path / "link") == b"abc"
    for name, error in (("pipe", OSError), ("", IsADirectoryError), ("no", FileNotFoundError)):
        with pytest.raises(error):
            open_stored(tmp_path / name)

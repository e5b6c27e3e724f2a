"""What was open in the lab when it was left, so that it opens again."""

from pathlib import Path

import msgspec
from msgspec import Struct

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import read_stored
from tuilab.core.printable import encode_json


class LastOpened(Struct, frozen=True):
    """A lesson, or else an experiment: in a file, or on its own."""

    lesson: str = ""
    "Its name, or its folder."
    name: str = ""
    "Of a preset, or the path of a file; the experiment is the one in it."
    experiment: Experiment | None = None
    "Where it is in no file."
    run: str = ""
    "The id of the run that was shown."


def load_last_opened() -> LastOpened | None:
    """Returns what was open last; None for a new user, and where that cannot be read."""
    try:
        return msgspec.json.decode(read_stored(_file()), type=LastOpened)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def save_last_opened(last: LastOpened) -> None:
    """Writes what is open."""
    write_atomically(_file(), encode_json(last) + b"\n")


def name_file(path: Path, experiment: Experiment) -> str:
    """Returns the name of a preset, else the whole path; empty if it holds something else."""
    try:
        if toml_file.read(path) != experiment:
            return ""
    except InputError:
        return ""
    is_shipped = path.resolve().is_relative_to(paths.presets_dir().resolve())
    return path.stem if is_shipped else str(path.resolve())


def _file() -> Path:
    return paths.data_dir() / "last_opened.json"

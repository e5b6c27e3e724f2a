"""The data that a run was trained on, and whether it is still the same when the run goes on."""

from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.file_paths import iter_path_keys
from tuilab.core.files.fingerprint import DataFile, describe_change, fingerprint
from tuilab.core.files.typed_path import clean_path
from tuilab.host import run_store


def identify_data(experiment: Experiment) -> tuple[DataFile, ...]:
    """Returns what identifies the files of the user that an experiment is trained on."""
    with suppress(OSError, InputError):  # it was loaded a moment ago
        return tuple(map(fingerprint, experiment.data.files))
    return ()


def check_data(folder: Path) -> tuple[DataFile, ...]:
    """Returns the files that a run was trained on, none for runs of older versions.

    Raises:
        InputError: they are not what they were.
    """
    files = _read_data_files(folder)
    for file in files:
        if change := describe_change(file):
            raise InputError(
                f"the data of the run has changed since it began: {change}. A resumed run would go "
                "on with other examples, so that its history means nothing. Bring the data back; "
                f"or start a new run: tuilab train {folder / run_store.EXPERIMENT}; or insist, "
                f"with --accept-changed-data: tuilab train --resume {folder.name} "
                "--accept-changed-data",
                file.path,
            )
    return files


def describe_changes(folder: Path) -> list[str]:
    """Returns how the data of a run differs from what it was trained on, in sentences."""
    changes = ((file, describe_change(file)) for file in _read_data_files(folder))
    return [f"{file.path} has changed since the run began: {change}" for file, change in changes
            if change]  # fmt: skip


def _read_data_files(folder: Path) -> tuple[DataFile, ...]:
    with suppress(InputError):
        started = run_store.read_run(folder, ends_only=True).started
        files = () if started is None else started.data_files
        return tuple(replace(file, path=clean_path(file.path)) for file in files)
    return ()


def locate_data(experiment: Experiment, files: tuple[DataFile, ...]) -> Experiment:
    """Returns an experiment whose relative paths lead to the files of the run, from any folder."""
    for section, name in iter_path_keys(experiment):
        part = getattr(experiment, section)
        value = getattr(part, name)
        path = Path(clean_path(value)).name
        match = next((file.path for file in files if Path(file.path).name == path), None)
        is_relative = bool(value) and not Path(value).expanduser().is_absolute()
        if section == "data" and is_relative and match is not None:
            experiment = replace(experiment, data=replace(part, **{name: match}))
    return experiment

"""Launches the lab on an experiment, for `tuilab NAME` and `tuilab open NAME`.

It does without Typer, whose import takes 100 ms of the time to the first frame. The host starts
first, so that it loads PyTorch while the screen is being built.
"""

import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuilab.cli.command_names import COMMANDS
from tuilab.cli.short_form import DEFAULT_PRESET
from tuilab.core.errors import InputError, find_near, with_suggestion
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.from_file import is_data
from tuilab.core.last_opened import load_last_opened

if TYPE_CHECKING:  # the first frame must not wait for it
    from tuilab.host.link import Link


def open_experiment(
    name: str = "", sets: Sequence[str] = (), *, in_process: bool = False, plain: bool = False,
    is_listing_runs: bool = False, notify: Sequence[str] = (),
) -> int:  # fmt: skip
    """Opens the lab on a preset or a file; trains in plain lines if the lab cannot be shown.

    Without a name, what was open last, or the default preset.

    Args:
        is_listing_runs: whether the screen of all runs is shown first.
    """
    requests = _read_requests(notify)
    is_named = bool(name or sets)
    name = name or DEFAULT_PRESET
    path = find_experiment(name)
    if sets:
        from tuilab.cli.overrides import read_with_changes

        experiment = read_with_changes(path, sets)
    else:
        experiment = toml_file.read(path)
    from tuilab.ui.terminal import terminal

    reason = "as requested" if plain else terminal.unusable_reason()
    if reason:
        from tuilab.cli.train import train

        gc.enable()
        print(f"tuilab: plain lines instead of the lab, {reason}", file=sys.stderr)
        return train([name], list(sets), plain=True, notify=list(notify))
    opened = None if is_named else find_last_opened()
    if opened is None:
        is_made = is_data(path)
        note = f"Made for {path.name}: space trains, ctrl+s keeps it as an experiment file"
        opened = Opened(experiment, None if is_made else path, note=note if is_made else "")
    host = _start_host(in_process, requests)
    from tuilab.ui import app

    return app.run_app(
        host, opened.experiment, opened.path, opened.lesson, opened.note,
        is_listing_runs=is_listing_runs,
    )  # fmt: skip


def _read_requests(notify: Sequence[str]) -> list[str]:
    """Returns what `--notify` asks for."""
    if not notify:
        return []
    from tuilab.cli.alerts import read_requests

    return read_requests(notify)


def _start_host(in_process: bool, requests: list[str]) -> "Link":
    """Starts what trains, and says of what it notifies the user."""
    from tuilab.host import link

    host = link.train_in_process() if in_process else link.spawn_host()
    if requests:
        from tuilab.core.protocol.commands import SetAlerts

        host.send(SetAlerts(requests))
    return host


@dataclass(frozen=True, slots=True)
class Opened:
    """What the lab opens."""

    experiment: Experiment
    path: Path | None = None
    lesson: str = ""
    note: str = ""


def find_last_opened() -> Opened | None:
    """Returns what was open last; None where that was the default, or is gone."""
    last = load_last_opened()
    if last is None or last.name == DEFAULT_PRESET:
        return None
    # What is too long is cut at its end: the command comes first.
    run = f"Its run: tuilab attach {last.run} · " if last.run else ""
    note = f"{run}From last time: {{}} · ctrl+o opens another · C course"
    try:
        if last.lesson:
            from tuilab.core.lessons import library

            loaded = library.read_lesson(library.find_folder(last.lesson))
            note = note.format(f"the lesson {loaded.lesson.title}")
            return Opened(loaded.lesson.start, None, str(loaded.folder), note)
        path = toml_file.find(last.name) if last.name else None
        experiment = toml_file.read(path) if path is not None else last.experiment
    except InputError:
        return None
    if experiment is None:
        return None
    return Opened(experiment, path, note=note.format(experiment.title or experiment.data.title))


def require_terminal(command: str) -> None:
    """Raises InputError if the lab cannot be shown in this terminal."""
    from tuilab.ui.terminal import terminal

    if reason := terminal.unusable_reason():
        raise InputError(f"the lab cannot be shown here: {reason}", command)


def find_experiment(name: str) -> Path:
    """Returns the file of a preset's name or a path; the name may be a mistyped command."""
    try:
        return toml_file.find(name)
    except InputError as error:
        if not name.isalpha():
            raise
        known = [*COMMANDS, *toml_file.find_presets()]
        problem = with_suggestion("there is no command, preset or file of this name", name, known)
        if not find_near(name, known):
            problem += "; `tuilab --help` lists the commands, `tuilab presets` the presets"
        raise InputError(problem, *error.where) from None

"""Launches the lab on an experiment, for `tuilab NAME` and `tuilab open NAME`.

It does without Typer, whose import takes 100 ms of the time to the first frame. The host starts
first, so that it loads PyTorch while the screen is being built.
"""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from tuilab.cli.exit_codes import COMMANDS
from tuilab.core import paths
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment import toml_file

DEFAULT_PRESET = "spiral"


def open_experiment(
    name: str = "", sets: Sequence[str] = (), *, in_process: bool = False, plain: bool = False
) -> int:
    """Opens the lab on a preset or a file; trains in plain lines if the lab cannot be shown."""
    name = name or DEFAULT_PRESET
    path = _find(name)
    experiment = toml_file.read(path)
    if sets:
        from tuilab.cli.overrides import apply_overrides

        experiment = apply_overrides(experiment, sets)
    from tuilab.ui.terminal import terminal

    reason = "as requested" if plain else terminal.unusable_reason()
    if reason:
        from tuilab.cli.train import train

        gc.enable()
        print(f"tuilab: plain lines instead of the lab, {reason}", file=sys.stderr)
        return train(name, list(sets), plain=True)
    from tuilab.host import link

    host = link.train_in_process() if in_process else link.spawn_host()
    from tuilab.ui import app

    # A shipped preset is a template, not a file to save to.
    file = None if path.is_relative_to(paths.presets_dir()) else path
    return app.run_app(host, experiment, file)


def require_terminal(command: str) -> None:
    """Raises InputError if the lab cannot be shown in this terminal."""
    from tuilab.ui.terminal import terminal

    if reason := terminal.unusable_reason():
        raise InputError(f"the lab cannot be shown here: {reason}", command)


def _find(name: str) -> Path:
    """Returns the file of a preset's name or a path; the name may be a mistyped command."""
    try:
        return toml_file.find(name)
    except InputError as error:
        if not name.isalpha():
            raise
        known = [*COMMANDS, *toml_file.find_presets()]
        problem = with_suggestion("there is no command, preset or file of this name", name, known)
        raise InputError(problem, *error.where) from None

"""Opening the lab: the host first, so that it loads PyTorch while the screen is being built."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuilab.cli.exit_codes import COMMANDS
from tuilab.core import paths
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment import toml_file

if TYPE_CHECKING:
    from tuilab.host.link import Link

DEFAULT = "spiral"


def open_lab(
    name: str = "", sets: Sequence[str] = (), *, in_process: bool = False, plain: bool = False
) -> int:
    """Show the lab with an experiment, or train it in plain lines where it cannot be shown."""
    path = _find(name or DEFAULT)
    experiment = toml_file.read(path)
    if sets:
        from tuilab.cli.overrides import changed

        experiment = changed(experiment, sets)
    from tuilab.ui.terminal import terminal

    reason = "as asked" if plain else terminal.usable()
    if reason:
        from tuilab.cli import train

        gc.enable()
        print(f"tuilab: plain lines instead of the lab, {reason}", file=sys.stderr)
        return train.run(name or DEFAULT, sets, "", train.output(plain=True))
    from tuilab.host import link

    end = link.in_process() if in_process else link.spawn()
    from tuilab.ui import app

    # A shipped preset is a start, not a place to save to.
    own = None if path.is_relative_to(paths.presets()) else path
    return app.run(end, experiment, own)


def open_course(name: str = "") -> int:
    """Show the lab with a lesson: the one that is named, or the next."""
    from tuilab.core.lessons import library, progress
    from tuilab.core.lessons.library import Book
    from tuilab.ui.terminal import terminal

    if name:
        book = library.read(library.find(name))
    else:
        books = [book for book in library.every().values() if isinstance(book, Book)]
        book = progress.next_lesson(books, progress.load()[0]) or books[0]
    if reason := terminal.usable():
        raise InputError(f"the lab cannot be shown here: {reason}", "lessons open")
    from tuilab.host import link

    end = link.spawn()
    from tuilab.ui import app

    return app.run(end, book.lesson.start, lesson=str(book.folder))


def _find(name: str) -> Path:
    """The file; what is none may be a command, typed wrongly."""
    try:
        return toml_file.find(name)
    except InputError as error:
        if not name.isalpha():
            raise
        offer = nearest(name, [*COMMANDS, *toml_file.presets()])
        sentence = f"there is no command, preset or file of this name; {offer}"
        raise InputError(sentence.rstrip("; "), *error.where) from None


def attach_lab(run: str = "") -> int:
    """Show the lab with a run in progress."""
    from tuilab.ui.terminal import terminal

    if reason := terminal.usable():
        raise InputError(f"the lab cannot be shown here: {reason}", "attach")
    from tuilab.host import link

    end = link.attach(run) if not run or _is_in_progress(run) else _reopened(run)
    from tuilab.ui import app

    return app.run(end, None)


def _is_in_progress(run: str) -> bool:
    from tuilab.host import discovery

    return any(run in host.run for host in discovery.hosts() if host.run)


def _reopened(run: str) -> "Link":
    """A new host that waits at the checkpoint of a stored run."""
    from tuilab.cli import resume
    from tuilab.host import link

    start = resume.start(run, paused=True)
    end = link.spawn()
    end.send(start)
    return end

"""Training without the lab: the same host, its events shown on this terminal or as JSON."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tuilab.cli import exit_codes
from tuilab.cli.output import lines
from tuilab.cli.overrides import changed
from tuilab.cli.resume import start as resume_run
from tuilab.core.errors import CANNOT_START, InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import problems
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Failed, Finished
from tuilab.core.run.run import new_id

if TYPE_CHECKING:  # the host is imported when it is needed, not to show help
    from tuilab.host.host import Host


def experiment(name: str, sets: Sequence[str] = (), device: str = "") -> Experiment:
    """The experiment of a preset or file, changed as asked; InputError if it cannot be trained."""
    path = toml_file.find(name)
    chosen = toml_file.read(path)
    chosen = changed(chosen, sets)
    if device:
        chosen = changed(chosen, [f"training.device={device}"], "--device")
    if chosen.training.device not in ("auto", "cpu"):
        from tuilab.engine.device import devices

        devices.choose(chosen.training.device)
    if found := problems(chosen):
        as_written = toml_file.problems(path)
        raise InputError("\n".join(as_written if len(as_written) == len(found) else found))
    return chosen


def output(*, json: bool = False, plain: bool = False) -> lines.Output:
    """How to show a run: JSON lines, plain lines or, on a terminal, a progress bar."""
    if json:
        return lines.Json()
    if plain or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return lines.Lines()
    from tuilab.cli.output.progress_bar import Bar

    return Bar()


def run(
    name: str, sets: Sequence[str], device: str, shown: lines.Output, *, resume: bool = False
) -> int:
    """Train what was typed to the end; the exit code.

    Args:
        name: a preset or a file, or where it is to `resume` a part of a stored run's id.
    """
    try:
        with closing(shown):
            end = _train(name, sets, device, shown, resume)
    except BrokenPipeError:
        # Whoever read our output has gone: say no more, not even when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return exit_codes.INTERRUPTED
    if isinstance(end, Failed):
        sentences = [*lines.failure(end), *lines.ways_out(end, name, sets)]
        code = exit_codes.BAD_INPUT if end.title == CANNOT_START else exit_codes.FAILED
        return exit_codes.complain("\n".join(sentences), code)
    return exit_codes.DONE if end.reason == "done" else exit_codes.INTERRUPTED


def _train(
    name: str, sets: Sequence[str], device: str, shown: lines.Output, resume: bool
) -> Finished | Failed:
    try:
        start = resume_run(name, sets, device) if resume else _start(name, sets, device)
    except InputError as error:
        shown.show(Failed("", CANNOT_START, hint=str(error)))
        raise
    from tuilab.host import discovery
    from tuilab.host.host import Host

    with Host(discovery.new_path()) as host, _signals(host):
        host.submit(start)
        return _follow(host, shown)


def _start(name: str, sets: Sequence[str], device: str) -> Start:
    chosen = experiment(name, sets, device)
    return Start(new_id(chosen), chosen)


def _follow(host: "Host", shown: lines.Output) -> Finished | Failed:
    """Show what happens until the run is over, then end the host in good order."""
    from tuilab.cli.diagnose import Diagnosing

    end: Finished | Failed | None = None
    trouble: OSError | None = None
    diagnosing = Diagnosing()
    for event in host.events():
        if end is not None or trouble is not None:
            continue
        try:
            for news in diagnosing.beside(event, host.run):
                shown.show(news)
        except OSError as error:  # nobody reads any more, or the disk behind stdout is full
            trouble = error
        if isinstance(event, (Finished, Failed)):
            end = event
        if end is not None or trouble is not None:
            host.interrupt()
    if trouble is not None:
        raise trouble
    if end is None:  # interrupted before there was anything to finish
        end = Finished(host.run.id, "interrupted", host.run.step, 0, 0.0, {})
        shown.show(end)
    return end


@contextmanager
def _signals(host: "Host") -> Iterator[None]:
    """The first signal asks for an end in good order, the second ends at once."""
    asked = False

    def interrupt(*_: object) -> None:
        nonlocal asked
        if asked:
            if host.path is not None:
                host.path.unlink(missing_ok=True)
            os._exit(exit_codes.INTERRUPTED)
        asked = True
        host.interrupt()

    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    # What nohup has told us to ignore stays ignored.
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

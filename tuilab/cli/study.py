"""The commands about studies: `find` and `validate`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tuilab.cli.completion import complete_quantities
from tuilab.cli.help import Commands
from tuilab.cli.options import Device, ExperimentName, JsonLine, Sets, format_examples
from tuilab.cli.streams import get_raw_stream
from tuilab.core.errors import InputError
from tuilab.core.format import format_count, format_number, format_percent, format_rounds
from tuilab.core.printable import escape_line

if TYPE_CHECKING:
    from tuilab.core.protocol.events import AnyEvent, FinderReported

commands = Commands()

BAR_WIDTH = 32
"""Cells of the longest bar of a table."""

MAX_ROWS = 30
"""Learning rates listed at most."""


@commands.command(
    epilog=format_examples("tuilab find lr spiral", "tuilab find batch_size fashion-mnist-cnn")
)
def find(
    what: Annotated[
        str,
        typer.Argument(
            metavar="lr|batch_size", help="What to find.", autocompletion=complete_quantities,
            show_default=False,
        ),
    ],
    experiment: ExperimentName,
    sets: Sets = None,
    device: Device = "",
    json: JsonLine = False,
) -> None:  # fmt: skip
    """Finds a good learning rate or batch size.

    Trains for up to ten seconds, starting from the initial weights of the experiment.
    """
    if what not in ("lr", "batch_size"):
        raise InputError("say what to find: lr or batch_size", what)
    from tuilab.cli.output.json import print_json
    from tuilab.cli.overrides import load_experiment
    from tuilab.core.protocol.commands import Find
    from tuilab.host import studies

    loaded = load_experiment(experiment, sets or [], device)
    from tuilab.engine.data.load import load
    from tuilab.engine.device.devices import device_for
    from tuilab.engine.session import Session

    torch_device = device_for(loaded.training)
    session = Session("trial", loaded, load(loaded, torch_device, show_progress), torch_device)
    result = studies.run_finder(
        session, Find("lr" if what == "lr" else "batch_size"), show_progress
    )
    show_progress("", 1.0)
    if not result.points:
        raise InputError(result.note, "find")
    if json:
        print_json(result)
    else:
        print(_format_rates(result) if what == "lr" else _format_batch_sizes(result))


@commands.command(
    epilog=format_examples("tuilab validate moons --folds 10", "tuilab validate moons --repeats 5")
)
def validate(
    experiment: ExperimentName,
    sets: Sets = None,
    folds: Annotated[int, typer.Option(metavar="N", min=2, help="Number of folds.")] = 5,
    repeats: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Use this many random validation sets instead of folds."
        ),
    ] = 0,
    device: Device = "",
    json: JsonLine = False,
) -> None:
    """Cross-validates an experiment.

    Trains on several folds and shows the mean and standard deviation of every metric. The test
    examples are not used.
    """
    from tuilab.cli.output.json import print_json
    from tuilab.cli.overrides import load_experiment
    from tuilab.core.protocol.commands import CrossValidate
    from tuilab.core.protocol.events import CrossValidated
    from tuilab.host import studies

    command = CrossValidate(load_experiment(experiment, sets or [], device), folds, repeats)
    results: list[CrossValidated] = []

    def collect(event: "AnyEvent") -> None:
        if isinstance(event, CrossValidated):
            results.append(event)

    studies.run_cross_validation(command, collect, show_progress)
    show_progress("", 1.0)
    if not results[-1].results:
        raise InputError(results[-1].note, "validate")
    if json:
        print_json(results[-1])
    else:
        last = results[-1]
        print(format_rounds(last.results, {"mean": last.mean, "std": last.std}, last.mean))


def show_progress(what: str, fraction: float | None) -> None:
    """Shows the progress on one line of stderr if that is a terminal."""
    if sys.stderr.isatty():
        percent = "" if fraction is None else f" {format_percent(fraction):>4}"
        line = f"\r\033[K{escape_line(what)}{percent if what else ''}"
        print(line, end="", file=get_raw_stream(sys.stderr), flush=True)


# --- tables ---------------------------------------------------------------------------------


def _format_rates(result: "FinderReported") -> str:
    stride, best = max(1, len(result.points) // MAX_ROWS), result.suggestion
    rows = [
        (format_number(rate, 2), loss, rate == best)
        for number, (rate, loss) in enumerate(result.points)
        if number % stride == 0 or rate == best
    ]
    if best is None:
        end = f"No suggestion: {result.note}."
    else:
        end = f"Suggested: --set optimizer.lr={format_number(best, 2)}, {result.note}."
    return "\n".join([*_format_bars(("lr", "loss"), rows), end])


def _format_batch_sizes(result: "FinderReported") -> str:
    best = int(result.suggestion or 0)
    rows = [(format_count(int(size)), speed, size == best) for size, speed in result.points]
    end = f"Suggested: --set data.batch_size={best}, {result.note}."
    return "\n".join([*_format_bars(("batch", "examples/s"), rows), end])


def _format_bars(head: tuple[str, str], rows: list[tuple[str, float, bool]]) -> list[str]:
    largest = max(value for _, value, _ in rows) or 1.0
    lines = [f"{head[0]:>9}  {head[1]:>10}"]
    for label, value, is_best in rows:
        bar = "#" * max(0, round(BAR_WIDTH * value / largest))
        lines.append(f"{label:>9}  {format_number(value):>10}  {bar}{' <' if is_best else ''}")
    return lines

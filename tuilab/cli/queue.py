"""The group `tuilab queue`: lists the queue of runs, changes it and works it off."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuilab.cli import completion, exit_codes
from tuilab.cli.help import LIST, Commands, ListGroup
from tuilab.cli.options import (
    AcceptsChangedData,
    BranchedRun,
    Device,
    ExperimentNames,
    JsonList,
    ResumedRun,
    Sets,
    format_examples,
)
from tuilab.core.errors import InputError
from tuilab.core.format import format_count, format_counted, format_number

if TYPE_CHECKING:  # help must not wait for these
    from tuilab.core.protocol.events import AnyEvent
    from tuilab.core.run.run_summary import RunSummary
    from tuilab.host.run_queue import QueueEntry


class QueueGroup(ListGroup):
    """The commands of `tuilab queue`; without one it lists the queue."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        """Parses the arguments; those of the list need no command."""
        is_completed = bool(extra.get("resilient_parsing")) and not args
        if not is_completed and (not args or args[0] == "--json"):
            args = [LIST, *args]
        return super().make_context(info_name, args, *rest, **extra)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Returns how the list is called; the commands are below."""
        return ["[OPTIONS] | COMMAND ..."]


commands = Commands()
queue = Commands(
    cls=QueueGroup,
    help="Lists the queue of runs: those in progress, those that wait, how the others ended.\n\n"
    "Each is a run like any other: `tuilab attach RUN` opens the lab on it, `tuilab stop RUN` ends "
    "it. One that fails does not stop the others.",
    epilog=format_examples(
        "tuilab queue add spiral moons", "tuilab queue add spiral --set optimizer.lr=0.03",
        "tuilab queue move 3 1", "tuilab queue",
    ),
    rich_markup_mode=None,
)  # fmt: skip
commands.add_typer(queue, name="queue")

QueuedRun = Annotated[
    str,
    typer.Argument(
        metavar="N|RUN", help="Its position, or any unique part of its id.",
        autocompletion=completion.complete_queue, show_default=False,
    ),
]  # fmt: skip
QueuedRuns = Annotated[
    list[str],
    typer.Argument(
        metavar="N|RUN", help="Positions, or any unique parts of ids.",
        autocompletion=completion.complete_queue, show_default=False,
    ),
]  # fmt: skip
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", metavar="N", min=1, max=64, show_default=False,
        help="Train N runs at a time on each device; 1 at first, then as many as were named last.",
    ),
]  # fmt: skip


@queue.command(LIST, hidden=True)
def list_queue(*, json: JsonList = False) -> None:
    """Lists the queue."""
    from tuilab.cli.output.json import print_json
    from tuilab.cli.output.tables import format_table
    from tuilab.host import run_queue

    entries = run_queue.list_entries()
    unfinished = [entry for entry in entries if not entry.is_over]
    positions = {entry.run: number for number, entry in enumerate(unfinished, 1)}
    summaries = {entry.run: _summarize(entry) for entry in entries}
    if json:
        items = [_to_json(e, positions.get(e.run), summaries[e.run]) for e in entries]
        print_json(items)
        return
    if not entries:
        print("The queue is empty; `tuilab queue add PRESET|FILE` adds a run.")
        return
    rows = [("N", "RUN", "STATE", "PROGRESS", "DEVICE", "TITLE")]
    rows += [
        (
            str(positions.get(entry.run, "-")), entry.run, entry.state,
            _describe_progress(summaries[entry.run]),
            entry.device or entry.experiment.training.device, entry.title,
        )
        for entry in entries
    ]  # fmt: skip
    print(format_table(rows))
    for entry in entries:
        if entry.problem:
            print(f"\n{entry.run}: {entry.problem}")
    if unfinished and run_queue.find_runner() is None:
        print("\nNo process works it off; `tuilab queue start` starts one.")


def _summarize(entry: "QueueEntry") -> "RunSummary | None":
    """Returns what is stored of a run of the queue; None where nothing is yet."""
    from tuilab.host.run_library import RunLibrary

    try:
        return RunLibrary().summarize(entry.run)
    except InputError:
        return None


def _describe_progress(summary: "RunSummary | None") -> str:
    """Returns the epochs and the held-out metric, such as `epoch 12/20, accuracy 0.97`."""
    if summary is None:
        return "-"
    parts = [f"epoch {format_count(summary.epoch)}/{format_count(summary.epochs)}"]
    for split in ("test", "validation", "train"):
        names = [name for name in summary.values if name.startswith(f"{split}.")]
        names.sort(key=lambda name: name.endswith(".loss"))
        if names:
            parts.append(f"{names[0]} {format_number(summary.values[names[0]].last, 3)}")
            break
    return ", ".join(parts)


def _to_json(
    entry: "QueueEntry", position: int | None, summary: "RunSummary | None"
) -> dict[str, object]:
    return {
        "position": position, "run": entry.run, "title": entry.title, "state": entry.state,
        "device": entry.device or entry.experiment.training.device, "problem": entry.problem,
        "added": entry.added,
        "epoch": summary.epoch if summary is not None else 0,
        "epochs": entry.experiment.training.epochs,
        "step": summary.step if summary is not None else 0,
        "values": {name: value.last for name, value in summary.values.items()
                   if value.last - value.last == 0} if summary is not None else {},
    }  # fmt: skip


@queue.command(
    epilog=format_examples(
        "tuilab queue add spiral moons xor",
        "tuilab queue add spiral --set optimizer.lr=0.03 --device cuda:1",
        "tuilab queue add --resume spiral-4e2b --set training.epochs=300",
    )
)
def add(
    experiments: ExperimentNames = None,
    sets: Sets = None,
    resume: ResumedRun = "",
    branch: BranchedRun = "",
    device: Device = "",
    changed_data: AcceptsChangedData = False,
    jobs: Jobs = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Only add: `queue start` or `queue run` trains them.")
    ] = False,
) -> None:
    """Adds runs to the end of the queue and starts to work it off, in the background.

    What works it off goes on when this shell is closed. The changes are made in each experiment. A
    run whose device is `auto` takes the GPU with the fewest runs, or the CPU.
    """
    from tuilab.cli.start_commands import Source, build_starts
    from tuilab.host import run_queue

    source = Source(experiments or (), resume, branch)
    source.check()
    starts = build_starts(source, sets or (), device, accepts_changed_data=changed_data)
    added = run_queue.add_runs(starts)
    for entry in added:
        print(f"added {entry.run} at position {run_queue.find_position(entry.run)}")
    if not hold:
        run_queue.start_runner(jobs)
        print("`tuilab queue` shows how far they are, `tuilab attach RUN` opens one in the lab")


@queue.command(epilog=format_examples("tuilab queue move 3 1"))
def move(
    run: QueuedRun,
    position: Annotated[
        int, typer.Argument(metavar="M", help="Its new position, from 1.", show_default=False)
    ],
) -> None:
    """Moves a run to another position in the queue."""
    from tuilab.host import run_queue

    entry = run_queue.move_entry(run, position)
    print(f"{entry.run} is at position {position}")


@queue.command(epilog=format_examples("tuilab queue remove 2", "tuilab queue remove spiral-4e2b"))
def remove(runs: QueuedRuns) -> None:
    """Removes runs from the queue; what is stored of them stays.

    One in progress is not removed: `tuilab stop RUN` ends it.
    """
    from tuilab.host import run_queue

    for entry in run_queue.remove_entries(runs):
        print(f"removed {entry.run}")


@queue.command(epilog=format_examples("tuilab queue clear"))
def clear() -> None:
    """Removes the runs that are over from the list; they stay stored."""
    from tuilab.host import run_queue

    print(f"removed {format_counted(run_queue.clear_finished(), 'run')}")


@queue.command(epilog=format_examples("tuilab queue start", "tuilab queue start --jobs 2"))
def start(jobs: Jobs = None) -> None:
    """Works the queue off in the background.

    Runs that were cut off go on from their checkpoints.
    """
    from tuilab.host import run_queue

    if run_queue.start_runner(jobs):
        print("It works the queue off; `tuilab queue` shows how far it is.")
    else:
        print("A process works the queue off already.")


@queue.command(epilog=format_examples("tuilab queue stop"))
def stop() -> None:
    """Stops working the queue off: the runs in progress are saved and wait in it."""
    from tuilab.host import run_queue

    if run_queue.stop_runner():
        print("stopped; `tuilab queue start` goes on from the checkpoints")
    else:
        print("No process works the queue off.")


@queue.command("run", epilog=format_examples("tuilab queue run", "tuilab queue run --jobs 2"))
def run_here(jobs: Jobs = None) -> int:
    """Works the queue off in the foreground and shows how the runs begin and end.

    Ctrl-C saves the runs in progress, which then wait in the queue; a second Ctrl-C leaves them to
    their hosts. Exit codes: 0 done, 1 a run failed or was cut off, 2 bad usage or input, 130
    interrupted.
    """
    from tuilab.cli.signals import SignalHandlers
    from tuilab.host import run_queue
    from tuilab.host.queue_runner import QueueRunner

    if jobs:
        run_queue.set_jobs(jobs)
    runner = QueueRunner(_print_event)
    signals: list[int] = []
    with SignalHandlers(signals, runner.interrupt):
        runner.run()
    if signals:
        return exit_codes.signal_code(signals[0])
    bad = [entry for entry in runner.ended if entry.state in ("failed", "cut off")]
    lines = [f"{entry.run} {entry.state}: {entry.problem}" for entry in bad]
    return exit_codes.report_error("\n".join(lines), exit_codes.FAILED) if bad else exit_codes.DONE


def _print_event(run: str, event: "AnyEvent") -> None:
    """Prints how a run of the queue begins and ends."""
    from tuilab.cli.output import lines
    from tuilab.core.printable import escape_controls
    from tuilab.core.protocol.events import Finished, Started

    if isinstance(event, Started) and event.run == run:
        print(escape_controls(f"{run}: {lines.describe_start(event)}"), flush=True)
    elif isinstance(event, Finished) and event.run == run:
        for line in lines.describe_end(event):
            print(escape_controls(f"{run}: {line.strip()}"), flush=True)

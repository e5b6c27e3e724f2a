"""The command `snapshots`: lists the states of a run that one can go back to."""

from datetime import datetime
from typing import Any

from tuilab.cli.help import Commands
from tuilab.cli.options import JsonList, StoredRun, format_examples
from tuilab.core.errors import InputError
from tuilab.core.format import format_bytes, format_count, format_number

commands = Commands()


@commands.command(
    epilog=format_examples("tuilab snapshots spiral-4e2b", "tuilab snapshots spiral --json")
)
def snapshots(run: StoredRun, *, json: JsonList = False) -> None:
    """Lists the snapshots of a run: `tuilab train --branch RUN@STEP` goes on from one.

    `training.snapshots` is the space that they may take.
    """
    from tuilab.cli.output.json import print_json
    from tuilab.cli.output.tables import format_table
    from tuilab.host import run_store

    folder = run_store.find_run(run)
    entries = _list_entries(folder.name)
    if json:
        print_json(entries)
        return
    if not entries:
        print(f"{folder.name} has no snapshots.")
        return
    rows: list[tuple[str, ...]] = [("STEP", "EPOCH", "WHEN", "SIZE", "LOSS")]
    rows += [
        (
            format_count(entry["step"]),
            "-" if entry["epoch"] is None else format_number(entry["epoch"], 3),
            f"{entry['time']:%Y-%m-%d %H:%M:%S}",
            format_bytes(entry["size"]),
            "-" if entry["loss"] is None else format_number(entry["loss"]),
        )
        for entry in entries
    ]
    total = format_bytes(sum(entry["size"] for entry in entries))
    example = f"{folder.name}@{entries[-1]['step']}"
    print(
        f"{format_table(rows)}\n\n{total} in all. Go on from one: tuilab train --branch {example}"
    )


def _list_entries(run: str) -> list[dict[str, Any]]:
    """Returns what is known of each snapshot without reading it; the lowest step first."""
    from tuilab.core.run import run_files
    from tuilab.core.run.snapshot_paths import list_snapshots
    from tuilab.host import run_store

    folder = run_store.run_dir(run)
    losses, batches = None, 0
    try:
        stored = run_store.read_run(folder)
        losses = stored.find_series("loss/train")
        batches = stored.started.batches if stored.started is not None else 0
    except InputError:  # its log is gone; the snapshots are there all the same
        pass
    entries = []
    for step, size, time in list_snapshots(folder / run_files.SNAPSHOTS):
        points = losses.points(stop=step) if losses is not None else []
        entries.append(
            {
                "step": step,
                "epoch": step / batches if batches else None,
                "time": datetime.fromtimestamp(time),
                "size": size,
                "loss": points[-1][1] if points else None,
            }
        )
    return entries

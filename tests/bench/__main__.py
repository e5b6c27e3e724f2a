"""Speed and memory of the lab, as ratios: `uv run python -m tests.bench [PART...]`."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from tests.bench import (
    architectures,
    attached,
    charts,
    diagnosis,
    opening,
    runs,
    seeds,
    snapshots,
    spiral,
    training,
    views,
)
from tests.bench.measure import Row

PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "training": training.rows,
    "architectures": architectures.rows,
    "spiral": spiral.rows,
    "seeds": seeds.rows,
    "snapshots": snapshots.rows,
    "charts": charts.rows,
    "opening": opening.rows,
    "attached": attached.rows,
    "keys": attached.key_rows,
    "views": views.rows,
    "diagnosis": diagnosis.rows,
    "runs": runs.rows,
}


def main(names: list[str]) -> int:
    """Measures the named parts, or all; returns 1 if a row misses its target."""
    table = Table("what", "measured", "target", "", "median (range)")
    console, failed = Console(), 0
    for name in names or PARTS:
        for row in PARTS[name]():
            sign = {True: "✓", False: "✗", None: ""}[row.passed]
            failed += row.passed is False
            line = f"{row.measured:.3g}{row.unit}", row.target, sign, row.detail
            console.print(f"[dim]{row.what}: {' '.join(line)}[/dim]", highlight=False)
            table.add_row(row.what, *line)
    console.print(table)
    return 1 if failed else 0


def parse_arguments() -> list[str]:
    """Returns the names of the parts on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}")
    names: list[str] = parser.parse_args().parts
    if unknown := set(names) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a host that trains is stopped
    sys.exit(main(parse_arguments()))

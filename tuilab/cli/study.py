"""Studies without the lab: find a learning rate or a batch size, cross-validate."""

import sys
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from tuilab.cli import train
from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import Find, Validate
from tuilab.core.protocol.events import AnyEvent, Found, Validated
from tuilab.host import studies

BAR = 32
"""Cells of the longest bar of a table."""

ROWS = 30
"""Learning rates listed at most."""


def find(
    what: Literal["lr", "batch_size"], name: str, sets: Sequence[str], device: str, *, json: bool
) -> None:
    """Search on an experiment that has just begun, and print what was found."""
    experiment = train.experiment(name, sets, device)
    from tuilab.engine.data.load import load
    from tuilab.engine.device import devices
    from tuilab.engine.session import Session

    place = devices.of(experiment.training)
    session = Session("trial", experiment, load(experiment, place, _report), place)
    found = studies.find(session, Find(what), _report)
    _report("", 1.0)
    if not found.points:
        raise InputError(found.note, "find")
    _print(found, json, _rates if what == "lr" else _sizes)


def validate(
    name: str, sets: Sequence[str], device: str, folds: int, repeats: int, *, json: bool
) -> None:
    """Cross-validate, and print mean and spread of every metric."""
    experiment = train.experiment(name, sets, device)
    latest: list[Validated] = []
    studies.validate(Validate(experiment, folds, repeats), lambda e: _keep(e, latest), _report)
    _report("", 1.0)
    if not latest[-1].results:
        raise InputError(latest[-1].note, "validate")
    _print(latest[-1], json, _folds)


def _keep(event: AnyEvent, latest: list[Validated]) -> None:
    if isinstance(event, Validated):
        latest.append(event)


def _print(event: Found | Validated, json: bool, table: Any) -> None:
    print(msgspec.json.encode(event).decode() if json else table(event))


def _report(what: str, fraction: float | None) -> None:
    """Show on a terminal how far it is, on one line of stderr."""
    if sys.stderr.isatty():
        done = "" if fraction is None else f" {fraction:4.0%}"
        print(f"\r\033[K{what}{done if what else ''}", end="", file=sys.stderr, flush=True)


# --- tables ---------------------------------------------------------------------------------


def _rates(found: Found) -> str:
    spacing, best = max(1, len(found.points) // ROWS), found.suggestion
    rows = [
        (f"{rate:9.2g}", loss, rate == best)
        for number, (rate, loss) in enumerate(found.points)
        if number % spacing == 0 or rate == best
    ]
    if found.suggestion is None:
        return "\n".join([*_bars(("lr", "loss"), rows), f"No suggestion: {found.note}."])
    end = f"Suggested: --set optimizer.lr={found.suggestion:.2g}, {found.note}."
    return "\n".join([*_bars(("lr", "loss"), rows), end])


def _sizes(found: Found) -> str:
    rows = [(f"{size:9,.0f}", speed, size == found.suggestion) for size, speed in found.points]
    end = f"Suggested: --set data.batch_size={found.suggestion:.0f}, {found.note}."
    return "\n".join([*_bars(("batch", "examples/s"), rows), end])


def _bars(head: tuple[str, str], rows: list[tuple[str, float, bool]]) -> list[str]:
    most = max(value for _, value, _ in rows) or 1.0
    lines = [f"{head[0]:>9}  {head[1]:>10}"]
    for label, value, is_it in rows:
        bar = "#" * max(0, round(BAR * value / most))
        lines.append(f"{label}  {value:10,.4g}  {bar}{' <' if is_it else ''}")
    return lines


def _folds(validated: Validated) -> str:
    names = list(validated.mean)
    width = max(10, *(len(name) + 2 for name in names))
    lines = ["round".ljust(8) + "".join(name.rjust(width) for name in names)]
    for number, result in enumerate(validated.results, 1):
        cells = "".join(f"{result.get(name, float('nan')):{width}.4g}" for name in names)
        lines.append(f"{number:<8}{cells}")
    for title, row in (("mean", validated.mean), ("spread", validated.spread)):
        lines.append(title.ljust(8) + "".join(f"{row[name]:{width}.4g}" for name in names))
    return "\n".join(lines)

"""Studies beside a run: searches for a learning rate or a batch size, cross-validation.

The run finds everything as it was, also where a study is cut short.
"""

from collections.abc import Callable
from statistics import mean, stdev
from typing import TYPE_CHECKING

from tuilab.core.errors import InputError
from tuilab.core.experiment.validation import problems
from tuilab.core.protocol.commands import Find, Validate
from tuilab.core.protocol.events import AnyEvent, Found, Validated

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    from tuilab.engine.session import Session

Report = Callable[[str, float | None], None]
"""Told how far a study is; it may raise to cut it short."""

STEEPEST = "where the loss falls fastest; a little higher may work, ten times higher rarely does"
NOWHERE = (
    "the loss fell by less than 5 % at every rate: usual once a network is trained; "
    "a new one hardly learns"
)
ENOUGH = "the smallest batch that is nearly as fast as the fastest"


def find(session: "Session | None", command: Find, report: Report) -> Found:
    """What was found; a note says why nothing was."""
    run = session.run if session is not None else ""
    try:
        if session is None:
            raise InputError("there is no run; start one first")
        return _found(session, command, report)
    except InputError as error:
        return Found(run, command.what, [], None, str(error))


def _found(session: "Session", command: Find, report: Report) -> Found:
    from tuilab.engine.studies import lr_finder

    is_rate = command.what == "lr"
    trials = lr_finder.learning_rates(session) if is_rate else lr_finder.batch_sizes(session)
    points = []
    for number, point in enumerate(trials, 1):
        points.append(point)
        what = f"Trying learning rate {point[0]:.2g}" if is_rate else f"Trying {point[0]} a batch"
        report(what, number / (lr_finder.RATES if is_rate else lr_finder.SIZES))
    suggestion = lr_finder.steepest(points) if is_rate else lr_finder.enough(points)
    note = STEEPEST if is_rate else ENOUGH
    return Found(session.run, command.what, points, suggestion, note if suggestion else NOWHERE)


def validate(command: Validate, tell: Callable[[AnyEvent], None], report: Report) -> None:
    """Train on every fold, and tell after each how all of them stand so far."""
    try:
        if wrong := problems(command.experiment):
            raise InputError("\n".join(wrong))
        from tuilab.engine.device import devices
        from tuilab.engine.studies.cross_validation import validated

        device = devices.of(command.experiment.training)
        of, results = command.repeats or command.folds, []
        for result in validated(command.experiment, command.folds, command.repeats, device, report):
            if result is not None:
                results.append(result)
                tell(Validated(results.copy(), of, *_summary(results)))
    except InputError as error:
        tell(Validated([], 0, {}, {}, str(error)))


def _summary(results: list[dict[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and standard deviation of every metric that all rounds have."""
    names = [name for name in results[0] if all(name in result for result in results)]
    columns = {name: [result[name] for result in results] for name in names}
    return (
        {name: mean(column) for name, column in columns.items()},
        {name: stdev(column) if len(column) > 1 else 0.0 for name, column in columns.items()},
    )

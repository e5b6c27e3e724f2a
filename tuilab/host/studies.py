"""Studies beside a run: finders of a learning rate or a batch size, cross-validation.

They leave the run unchanged, also when they are canceled.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from statistics import mean, stdev
from typing import TYPE_CHECKING

from tuilab.core.errors import InputError
from tuilab.core.experiment.validation import find_errors
from tuilab.core.format import format_number
from tuilab.core.protocol.commands import CrossValidate, Find
from tuilab.core.protocol.events import AnyEvent, CrossValidated, FinderReported

if TYPE_CHECKING:  # importing the host must not load PyTorch
    from tuilab.engine.session import Session

ProgressCallback = Callable[[str, float | None], None]
"""Gets what is done and the progress from 0 to 1; it may raise to cancel the study."""

STEEPEST_NOTE = (
    "where the loss falls fastest; a little higher may work, ten times higher rarely does"
)
FLAT_NOTE = (
    "the loss fell by less than 5% at every rate: the network hardly learns, or is trained already"
)
BATCH_SIZE_NOTE = "the smallest batch size that is nearly as fast as the fastest one"


def run_finder(
    session: "Session | None", command: Find, report_progress: ProgressCallback
) -> FinderReported:
    """Searches for a learning rate or batch size; a note says why there is no result."""
    run = session.run if session is not None else ""
    try:
        points, suggestion, note = _search(session, command, report_progress)
    except InputError as error:
        points, suggestion, note = [], None, str(error)
    return FinderReported(run, command.what, points, suggestion, note)


def _search(
    session: "Session | None", command: Find, report_progress: ProgressCallback
) -> tuple[list[tuple[float, float]], float | None, str]:
    """Returns the points, the suggestion and a note."""
    from tuilab.engine.studies import batch_size_finder, lr_finder

    if command.what == "lr":
        name, note, max_trials = "learning rate", STEEPEST_NOTE, lr_finder.MAX_TRIALS
        try_values, suggest = lr_finder.try_learning_rates, lr_finder.suggest_learning_rate
    else:
        name, note, max_trials = "batch size", BATCH_SIZE_NOTE, batch_size_finder.MAX_TRIALS
        try_values, suggest = (
            batch_size_finder.try_batch_sizes,
            batch_size_finder.suggest_batch_size,
        )
    points = []
    with _open_session(session, command, report_progress) as target:
        for number, point in enumerate(try_values(target), 1):
            points.append(point)
            report_progress(f"Trying {name} {format_number(point[0], 2)}", number / max_trials)
    suggestion = suggest(points)
    return points, suggestion, note if suggestion else FLAT_NOTE


def _open_session(
    session: "Session | None", command: Find, report_progress: ProgressCallback
) -> "AbstractContextManager[Session]":
    """Returns the session to measure: of the command's experiment, or else of the run."""
    from tuilab.engine.preserve import fresh_session
    from tuilab.engine.studies.separate_session import separate_session

    if command.experiment is not None:
        if errors := find_errors(command.experiment):
            raise InputError("\n".join(errors))
        return separate_session(command.experiment, report_progress)
    if session is None:
        raise InputError("there is no run; start one first")
    if command.what == "lr" and not command.from_current_weights:
        return fresh_session(session)  # a trained network answers another question
    return nullcontext(session)


def run_cross_validation(
    command: CrossValidate, publish: Callable[[AnyEvent], None], report_progress: ProgressCallback
) -> None:
    """Trains on every fold; publishes the results so far after each."""
    try:
        if errors := find_errors(command.experiment):
            raise InputError("\n".join(errors))
        from tuilab.engine.device import devices
        from tuilab.engine.studies.cross_validation import cross_validate

        device = devices.device_for(command.experiment.training)
        total, results = command.repeats or command.folds, []
        for result in cross_validate(
            command.experiment, command.folds, command.repeats, device, report_progress
        ):
            if result is not None:
                results.append(result)
                publish(CrossValidated(results.copy(), total, *_summarize(results)))
    except InputError as error:
        publish(CrossValidated([], 0, {}, {}, str(error)))


def _summarize(results: list[dict[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the mean and standard deviation of every metric that all rounds have."""
    names = [name for name in results[0] if all(name in result for result in results)]
    columns = {name: [result[name] for result in results] for name in names}
    return (
        {name: mean(column) for name, column in columns.items()},
        {name: stdev(column) if len(column) > 1 else 0.0 for name, column in columns.items()},
    )

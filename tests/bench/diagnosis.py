"""How often the diagnosis is correct, on experiments broken on purpose and on sound ones."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator

import torch

from tests.bench.broken_experiments import Case, broken
from tests.bench.broken_task_experiments import broken_tasks
from tests.bench.held_out_experiments import broken_held_out, formerly_held_out, sound_held_out
from tests.bench.measure import Row, at_least, at_most
from tests.bench.sound_experiments import sound
from tests.support.datasets import CPU, ignore_progress
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Failed
from tuilab.core.run.run import Run
from tuilab.engine import progress
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

REPORTS = 60
"""Evenly spaced reports per run, as in a run of six seconds, on a machine of any speed."""

NEVER = 1e9
"""Seconds between two reports by the clock."""


def train_to_end(experiment: Experiment) -> Run:
    """Returns the run of an experiment with its whole history."""
    dataset = load(experiment, CPU, ignore_progress)
    session = Session("bench", experiment, dataset, CPU)
    run, epochs = Run(), experiment.training.epochs
    steps = max(1, session.batches_per_epoch * epochs // REPORTS)
    evaluations = max(1, epochs // REPORTS)
    run.apply(session.started_event())
    session.report_at_step, session.report_at_epoch = 1, evaluations
    for event in train(session):
        if session.step >= session.report_at_step:
            session.report_at_step = session.step + steps
        session.report_at_epoch = (session.epoch // evaluations + 1) * evaluations
        if event is not None:
            run.apply(event)
        if isinstance(event, Failed):
            return run
    run.apply(session.finished_event("done"))
    return run


def train_all(cases: Iterable[Case]) -> Iterator[tuple[Case, Run]]:
    """Yields every case with its run for every seed."""
    before, threads = progress.REPORT_INTERVAL, torch.get_num_threads()
    progress.REPORT_INTERVAL = NEVER
    torch.set_num_threads(1)
    try:
        for case in cases:
            for experiment in case.experiments():
                yield case, train_to_end(experiment)
    finally:
        progress.REPORT_INTERVAL = before
        torch.set_num_threads(threads)


def rows() -> Iterator[Row]:
    """Yields the percentage of faults named, and of sound experiments with a diagnosis."""
    yield from _rows_on_faults(
        [*broken(), *broken_tasks(), *formerly_held_out(), *broken_held_out()]
    )
    yield from _rows_on_false_alarms([*sound(), *sound_held_out()])


def _rows_on_faults(cases: list[Case]) -> Iterator[Row]:
    for is_held_out, what in ((False, "faults named"), (True, "faults named, held out")):
        named_count = first = count = 0
        confusions: Counter[str] = Counter()
        for case, run in train_all(case for case in cases if case.is_held_out == is_held_out):
            names = [diagnosis.name for diagnosis in diagnose(run)]
            count += 1
            named_count += not set(case.faults).isdisjoint(names)
            first += names[:1] != [] and names[0] in case.faults
            if set(case.faults).isdisjoint(names):
                confusions[f"{case.faults[0]} diagnosed as {names[0] if names else 'nothing'}"] += 1
        detail = f"{named_count} of {count}, diagnosed first {first}"
        mistakes = ", ".join(f"{text} ({times})" for text, times in confusions.most_common())
        yield at_least(
            f"diagnosis: {what}",
            100 * named_count / count,
            95,
            f"{detail}; {mistakes}".rstrip("; "),
            "%",
        )


def _rows_on_false_alarms(cases: list[Case]) -> Iterator[Row]:
    for is_held_out, what in ((False, "false alarms"), (True, "false alarms, held out")):
        alarms: list[str] = []
        count = 0
        for case, run in train_all(case for case in cases if case.is_held_out == is_held_out):
            count += 1
            if diagnoses := diagnose(run):
                alarms.append(f"{diagnoses[0].name} in {case.name}")
        percentage = 100 * len(alarms) / count
        detail = f"{len(alarms)} of {count}; {', '.join(alarms)}".rstrip("; ")
        yield at_most(f"diagnosis: {what}", percentage, 2, detail, "%")


if __name__ == "__main__":
    from tests.bench.__main__ import main

    sys.exit(main(["diagnosis"]))

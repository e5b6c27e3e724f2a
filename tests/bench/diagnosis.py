"""How often the diagnosis is right: experiments broken on purpose, and sound ones."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator

import torch

from tests.bench.aside import broken_aside, broken_later, sound_aside
from tests.bench.broken import Case, broken
from tests.bench.broken_rare import rare
from tests.bench.measure import Row, at_least, at_most
from tests.bench.sound import sound
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Failed
from tuilab.core.run.run import Run
from tuilab.engine import progress
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

CPU = torch.device("cpu")

REPORTS = 60
"""Reports of a run, evenly: what a run of six seconds has, whatever the speed of the machine."""

NEVER = 1e9
"""Seconds between two reports by the clock."""


def lived(experiment: Experiment) -> Run:
    """The whole history of a run."""
    dataset = load(experiment, CPU, lambda what, part: None)
    session = Session("bench", experiment, dataset, CPU)
    run, epochs = Run(), experiment.training.epochs
    every, rarely = max(1, session.batches_per_epoch * epochs // REPORTS), max(1, epochs // REPORTS)
    run.apply(session.started_event())
    session.report_at_step, session.report_at_epoch = 1, rarely
    for event in train(session):
        if session.step >= session.report_at_step:
            session.report_at_step = session.step + every
        session.report_at_epoch = (session.epoch // rarely + 1) * rarely
        if event is not None:
            run.apply(event)
        if isinstance(event, Failed):
            return run
    run.apply(session.finished_event("done"))
    return run


def history(cases: Iterable[Case]) -> Iterator[tuple[Case, Run]]:
    """Every case trained with every seed."""
    before, threads = progress.REPORT_INTERVAL, torch.get_num_threads()
    progress.REPORT_INTERVAL = NEVER
    torch.set_num_threads(1)
    try:
        for case in cases:
            for experiment in case.experiments():
                yield case, lived(experiment)
    finally:
        progress.REPORT_INTERVAL = before
        torch.set_num_threads(threads)


def rows() -> Iterator[Row]:
    """The share of faults that were named, and of sound experiments that were called broken."""
    yield from _named([*broken(), *rare(), *broken_later(), *broken_aside()])
    yield from _alarms([*sound(), *sound_aside()])


def _named(cases: list[Case]) -> Iterator[Row]:
    for is_aside, what in ((False, "faults named"), (True, "faults named, kept aside")):
        named = first = count = 0
        mistaken: Counter[str] = Counter()
        for case, run in history(case for case in cases if case.is_kept_aside == is_aside):
            names = [diagnosis.name for diagnosis in diagnose(run)]
            count += 1
            named += not set(case.faults).isdisjoint(names)
            first += names[:1] != [] and names[0] in case.faults
            if set(case.faults).isdisjoint(names):
                mistaken[f"{case.faults[0]} told as {names[0] if names else 'nothing'}"] += 1
        detail = f"{named} of {count}, told first {first}"
        confused = ", ".join(f"{text} ({times})" for text, times in mistaken.most_common())
        yield at_least(
            f"diagnosis: {what}",
            100 * named / count,
            95,
            f"{detail}; {confused}".rstrip("; "),
            " %",
        )


def _alarms(cases: list[Case]) -> Iterator[Row]:
    for is_aside, what in ((False, "wrong alarms"), (True, "wrong alarms, kept aside")):
        wrong, count = [], 0
        for case, run in history(case for case in cases if case.is_kept_aside == is_aside):
            count += 1
            if found := diagnose(run):
                wrong.append(f"{found[0].name} in {case.name}")
        share = 100 * len(wrong) / count
        detail = f"{len(wrong)} of {count}; {', '.join(wrong)}".rstrip("; ")
        yield at_most(f"diagnosis: {what}", share, 2, detail, " %")


if __name__ == "__main__":
    from tests.bench.__main__ import main

    sys.exit(main(["diagnosis"]))

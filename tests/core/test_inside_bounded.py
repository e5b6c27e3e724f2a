"""However long a run is looked at, what is kept of the looks stays small."""

import sys

import msgspec

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Progressed, Started
from tuilab.core.protocol.inspect.backprop_messages import BackpropResponse, Phase
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse
from tuilab.core.protocol.inspect.histograms import BINS, MOST, Histories
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Slice
from tuilab.core.protocol.inspect.layer_messages import HistogramRow, LayerResponse
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.inspect.units_messages import Column, UnitsResponse
from tuilab.core.run.run import Run, Snapshot


def answers(run: str, step: int) -> list[AnyInspectResponse]:
    """One of each view."""
    plane = bytes(range(256))
    return [
        UnitsResponse(run, step, [Column("1 Linear", 1, responses=[plane], weights=[[0.5, 1.5]])]),
        LayerResponse(run, step, "1 Linear", layers=["1 Linear"]),
        ExamplesResponse(run, step, counts=[[10**6 + 1, 10**6 + 2], [10**6 + 3, 10**6 + 4]]),
        BackpropResponse(run, step, phases=[Phase("batch", "", "", ["[32, 2]"])]),
        LandscapeResponse(run, step, step, 9, 9, 9, Slice(3, 1.0, [0.5] * 9, [], 1.0, "random", 0)),
    ]


def looked_at(looks: int, stride: int) -> Run:
    """A run with all views open, up to so many looks."""
    run = Run()
    run.apply(Started("a", Experiment(), "cpu", 9, 9, {}, "/runs/a"))
    for look in range(looks):
        step = 10**6 + look * stride
        run.apply(Progressed("a", step, 1.0, 0.5, 0.5, 0.5, {}, 0.1, 9.0, 9.0, 1.0, 1.0))
        for answer in answers("a", step):
            run.apply(answer)
    return run


def size(run: Run) -> int:
    """What a viewer that comes late is sent of the answers."""
    return len(msgspec.msgpack.encode(run.views))


def test_a_run_keeps_the_newest_answer_of_each_view_and_no_more() -> None:
    short, long = looked_at(20, 1), looked_at(2000, 5000)

    assert len(long.views) == len(answers("a", 0)) == len(short.views)
    assert all(seen.step == long.step == 10_995_000 for seen in long.views.values())
    assert size(long) == size(short)


def test_what_a_late_viewer_is_sent_of_ten_million_steps_stays_small() -> None:
    sizes = [
        len(msgspec.msgpack.encode(Snapshot(looked_at(looks, 10**7 // looks), "1", 1)))
        for looks in (2000, 20_000)
    ]

    assert sizes[1] < 1.5 * sizes[0] < 500_000


def test_histograms_over_time_take_no_more_however_often_a_layer_is_looked_at() -> None:
    subject = Histories()
    shares = [1 / BINS] * BINS
    for step in range(0, 10**7, 2000):
        row = HistogramRow(step, step, -1.0, 1.0 + step / 10**6, shares)
        subject.see(("weights", "1 Linear", "weight"), row)

    rows = subject.rows(("weights", "1 Linear", "weight"))
    assert len(rows) <= MOST
    assert all(len(row.shares) == BINS for row in rows)
    assert (rows[0].step, rows[-1].last) == (0, 10**7 - 2000)
    assert sum(sys.getsizeof(row.shares) for row in rows) < 200_000

"""However often a run is inspected, the responses that it keeps stay small."""

import sys
import typing

import msgspec

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Progressed, Started
from tuilab.core.protocol.inspect.backprop_messages import BackpropResponse, Phase
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse
from tuilab.core.protocol.inspect.histograms import BINS, MAX_ROWS, HistogramHistories
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Slice
from tuilab.core.protocol.inspect.layer_messages import HistogramRow, LayerResponse
from tuilab.core.protocol.inspect.result_messages import DecisionSurface, ResultResponse
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.inspect.units_messages import UnitColumn, UnitsResponse
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.core.run.run import Run, Snapshot


def responses(run: str, step: int) -> list[AnyInspectResponse]:
    """One for each view."""
    plane = bytes(range(256))
    return [
        UnitsResponse(
            run, step, [UnitColumn("1 Linear", 1, responses=[plane], weights=[[0.5, 1.5]])]
        ),
        LayerResponse(run, step, "1 Linear", layers=["1 Linear"]),
        ExamplesResponse(
            run, step, matrix=ConfusionMatrix([[10**6 + 1, 10**6 + 2], [10**6 + 3, 10**6 + 4]])
        ),
        ResultResponse(run, step, DecisionSurface((-1, 1, -1, 1), 2, 1, [0.5, 1.5], [])),
        BackpropResponse(run, step, phases=[Phase("batch", "", "", ["[32, 2]"])]),
        LandscapeResponse(run, step, step, 9, 9, 9, Slice(3, 1.0, [0.5] * 9, [], 1.0, "random", 0)),
    ]


def inspected_run(count: int, stride: int) -> Run:
    """A run with all views open, inspected this many times."""
    run = Run()
    run.apply(Started("a", Experiment(), "cpu", 9, 9, {}, "/runs/a"))
    for number in range(count):
        step = 10**6 + number * stride
        run.apply(Progressed("a", step, 1.0, 0.5, 0.5, 0.5, {}, 0.1, 9.0, 9.0, 1.0, 1.0))
        for response in responses("a", step):
            run.apply(response)
    return run


def size(run: Run) -> int:
    """Bytes of the responses that a late client is sent."""
    return len(msgspec.msgpack.encode(run.responses))


def test_a_run_keeps_only_the_newest_response_of_each_view() -> None:
    short, long = inspected_run(20, 1), inspected_run(2000, 5000)

    assert (
        len(long.responses)
        == len(responses("a", 0))
        == len(typing.get_args(AnyInspectResponse))
        == len(short.responses)
    )
    assert all(response.step == long.step == 10_995_000 for response in long.responses.values())
    assert size(long) == size(short)


def test_the_snapshot_of_ten_million_steps_stays_small() -> None:
    sizes = [
        len(msgspec.msgpack.encode(Snapshot(inspected_run(count, 10**7 // count), "1", 1)))
        for count in (2000, 20_000)
    ]

    assert sizes[1] < 1.5 * sizes[0] < 500_000


def test_histograms_over_time_are_bounded() -> None:
    histories = HistogramHistories()
    fractions = [1 / BINS] * BINS
    for step in range(0, 10**7, 2000):
        row = HistogramRow(step, step, -1.0, 1.0 + step / 10**6, fractions)
        histories.add(("weights", "1 Linear", "weight"), row)

    rows = histories.rows(("weights", "1 Linear", "weight"))
    assert len(rows) <= MAX_ROWS
    assert all(len(row.fractions) == BINS for row in rows)
    assert (rows[0].step, rows[-1].last_step) == (0, 10**7 - 2000)
    assert sum(sys.getsizeof(row.fractions) for row in rows) < 200_000

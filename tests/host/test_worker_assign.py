"""A weight that is written by hand while a run waits and while it trains."""

from tests.support.watching import Watcher, begun
from tuilab.core.protocol.commands import Inspect, Resume
from tuilab.core.protocol.events import Logged, Progressed
from tuilab.core.protocol.inspect.set_weight import Assign, Assigned
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse


def test_a_weight_is_written_seen_and_put_back(lab: Watcher) -> None:
    begun(lab)
    lab.send(Inspect(UnitsRequest(4, 4)))
    before = lab.wait(UnitsResponse).columns[1].weights

    lab.send(Assign("1 Linear", "weight", [2, 1], 1.5), Inspect(UnitsRequest(4, 4)))
    assert lab.wait(Assigned).before == before[2][1]
    assert lab.wait(UnitsResponse).columns[1].weights[2][1] == 1.5

    lab.send(Assign(), Inspect(UnitsRequest(4, 4)))
    assert lab.wait(UnitsResponse).columns[1].weights == before
    assert (lab.run.rewritten, len(lab.run.marks)) == (2, 2)


def test_what_cannot_be_written_is_noted_and_training_goes_on(lab: Watcher) -> None:
    begun(lab)
    lab.send(Resume())
    lab.wait(Progressed)

    lab.send(Assign("1 Linear", "bias", [99], 1.0), Assign("1 Linear", "bias", [0], 0.25))

    assert "Nothing was changed" in lab.wait(Logged).text
    assert lab.wait(Assigned).value == 0.25
    lab.wait(Progressed)

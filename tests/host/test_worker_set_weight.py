"""Setting a weight by hand while a run is paused and while it trains."""

from tests.support.link_watcher import LinkWatcher, start_paused
from tuilab.core.protocol.commands import Inspect, Resume
from tuilab.core.protocol.events import Logged, Progressed
from tuilab.core.protocol.inspect.set_weight import SetWeight, WeightSet
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse


def test_a_weight_is_set_shown_and_undone(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Inspect(UnitsRequest(4, 4)))
    before = lab.wait_for(UnitsResponse).columns[1].weights

    lab.send(SetWeight("1 Linear", "weight", [2, 1], 1.5), Inspect(UnitsRequest(4, 4)))
    assert lab.wait_for(WeightSet).previous == before[2][1]
    assert lab.wait_for(UnitsResponse).columns[1].weights[2][1] == 1.5

    lab.send(SetWeight(), Inspect(UnitsRequest(4, 4)))
    assert lab.wait_for(UnitsResponse).columns[1].weights == before
    assert (lab.run.weight_edits, len(lab.run.marks)) == (2, 2)


def test_a_weight_that_cannot_be_set_is_logged_and_training_continues(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Resume())
    lab.wait_for(Progressed)

    lab.send(SetWeight("1 Linear", "bias", [99], 1.0), SetWeight("1 Linear", "bias", [0], 0.25))

    assert "Nothing was changed" in lab.wait_for(Logged).text
    assert lab.wait_for(WeightSet).value == 0.25
    lab.wait_for(Progressed)

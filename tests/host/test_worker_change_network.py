"""Changing the network of a run that is paused or trains, and going on from its checkpoint."""

from tests.support.link_watcher import LinkWatcher, start_paused
from tuilab.core.protocol.commands import ChangeNetwork, Inspect, Pause, Resume, Start, Stop
from tuilab.core.protocol.events import (
    Finished,
    Logged,
    NetworkChanged,
    Paused,
    Progressed,
    Saved,
    Started,
)
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse


def widened(lab: LinkWatcher) -> tuple[str, ...]:
    """Returns the network of the run with a wider first layer."""
    assert lab.run.experiment is not None
    first, *rest = lab.run.experiment.network
    name, size = str(first).split()[:2]
    return (f"{name} {int(size) + 3}", *rest)


def test_a_paused_network_is_changed_and_seen(lab: LinkWatcher) -> None:
    start_paused(lab)
    lines = widened(lab)
    lab.send(ChangeNetwork(lines), Inspect(UnitsRequest(40, 40)))
    event = lab.wait_for(NetworkChanged)
    assert event.difference < 1e-5
    assert lab.wait_for(Saved).step == 0
    columns = lab.wait_for(UnitsResponse).columns
    assert lab.run.experiment is not None
    assert lab.run.experiment.network == lines
    assert lab.run.started is not None
    assert lab.run.started.parameters == event.parameters
    assert len(columns[1].weights) == int(lines[0].split()[1])
    lab.send(Resume())
    assert lab.wait_for(Progressed).step > 0


def test_a_run_that_trains_goes_on_with_another_network_and_is_resumed_with_it(
    lab: LinkWatcher,
) -> None:
    start_paused(lab)
    lab.send(Resume())
    lab.wait_for(Progressed)
    lines = widened(lab)
    lab.send(ChangeNetwork(lines))
    changed = lab.wait_for(NetworkChanged)
    lab.wait_for(Progressed)
    lab.send(Pause())
    assert lab.wait_for(Paused).step > changed.step
    assert [mark.step for mark in lab.run.marks] == [changed.step]
    lab.send(Stop())
    lab.wait_for(Finished)
    experiment, checkpoint = lab.run.experiment, lab.run.checkpoint
    assert experiment is not None
    lab.send(Start(lab.run.id, experiment, paused=True, checkpoint=checkpoint))
    assert lab.wait_for(Started).experiment.network == lines


def test_what_is_not_possible_is_logged_and_training_goes_on(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Resume())
    lab.wait_for(Progressed)
    lab.send(ChangeNetwork(("Linear 2", "Flatten", "Linear 77")))
    assert "The network was not changed" in lab.wait_for(Logged).text
    lab.wait_for(Progressed)

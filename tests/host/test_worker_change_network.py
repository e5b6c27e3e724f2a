"""Changing the network of a run that is paused or trains, and going on from its checkpoint."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.support.link_watcher import LinkWatcher, make_long_experiment, start_paused
from tests.support.not_none import not_none
from tuilab.core.network.line import Line
from tuilab.core.protocol.commands import ChangeNetwork, Inspect, Pause, Resume, Start, Step, Stop
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
from tuilab.host import discovery, link, run_store


def widened(lab: LinkWatcher) -> tuple[Line, ...]:
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
    assert len(columns[1].weights) == int(str(lines[0]).split()[1])
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


def test_a_branch_from_just_before_has_the_network_before(lab: LinkWatcher) -> None:
    start_paused(lab)
    lab.send(Step(steps=5))
    lab.wait_for(Paused)
    before = not_none(lab.run.experiment)
    lab.send(ChangeNetwork(widened(lab)))
    step = lab.wait_for(NetworkChanged).step
    lab.send(Start("run-2", before, paused=True, parent="run-1", parent_step=step))
    assert lab.wait_for(Started).experiment.network == before.network
    lab.wait_for(Paused)
    branch = run_store.read_run(run_store.run_dir("run-2"))
    assert not_none(branch.experiment).network == before.network
    assert not any(mark.text.startswith("network") for mark in branch.marks)


@pytest.mark.usefixtures("hosts")
def test_a_host_that_is_killed_is_resumed_with_the_changed_network(
    watch: Callable[[link.Link], LinkWatcher],
) -> None:
    lab = watch(link.spawn_host())
    lab.send(Start("spiral-1", make_long_experiment()))
    lab.wait_until(lambda: lab.run.progress)
    lines = widened(lab)
    lab.send(ChangeNetwork(lines))
    lab.wait_for(Saved)
    os.kill(discovery.find_host("spiral").pid, signal.SIGKILL)
    lab.wait_until_lost()

    stored = run_store.read_run(run_store.run_dir("spiral-1"))
    assert not_none(stored.experiment).network == lines
    resumed = watch(link.spawn_host())
    resumed.send(Start("spiral-1", not_none(stored.experiment), checkpoint=stored.checkpoint))
    resumed.wait_until(lambda: resumed.run.state == "training" and resumed.run.step > stored.step)

"""Time travel in the lab: the keys, what the panes show of a snapshot, and branches."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.fake_context import FakeLab
from tests.support.fake_link import READY, SPIRAL, training_events
from tests.support.lab_pilot import Lab, open_lab
from tests.support.not_none import not_none
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import AnyCommand, Inspect, KeepSnapshot, Start, Travel
from tuilab.core.protocol.events import Finished, SnapshotKept, SnapshotsListed, Traveled
from tuilab.core.protocol.inspect.result_messages import ResultResponse
from tuilab.core.run.past import as_shown
from tuilab.core.run.run import Run
from tuilab.ui.controllers.time_travel import TimeTravelController
from tuilab.ui.workspace import Workspace

STEPS = [0, 10, 40, 90]


class TravelLab(FakeLab):
    """A lab whose run has snapshots; the host answers each command at once."""

    def __init__(self, *answers: Any, leave: str | None = "stop", state: str = "training") -> None:
        workspace = Workspace(SPIRAL)
        (start,) = workspace.start()
        assert isinstance(start, Start)
        super().__init__(workspace, *answers)
        self.parent, self.leave, self.questions = start.run, leave, 0
        for event in (READY, *training_events(start.run, SPIRAL, 100)):
            workspace.receive(event)
        workspace.receive(SnapshotsListed(start.run, STEPS))
        if state == "finished":
            workspace.receive(Finished(start.run, "done", 100, 4, 1.0, {}))
        self.travel = TimeTravelController(self.context, self._ask_about_run)

    async def _ask_about_run(self, title: str, then: str) -> Any:
        self.questions += 1
        return self.leave

    def _send(self, commands: Iterable[AnyCommand]) -> None:
        super()._send(commands)
        for command in self.sent[-1:]:
            if isinstance(command, KeepSnapshot):
                self.travel.handle_event(SnapshotKept(self.parent, 103))

    def arrive(self, experiment: Experiment = SPIRAL) -> None:
        """Answers the last travel."""
        step = next(c.step for c in reversed(self.sent) if isinstance(c, Travel))
        event = Traveled(self.parent, step or 0, step is None, 1, experiment)
        self.workspace.receive(event)
        self.travel.handle_event(event)

    def branch(self) -> Start | None:
        asyncio.run(self.travel.branch())
        return next((command for command in self.sent if isinstance(command, Start)), None)


def travels(lab: FakeLab) -> list[int | None]:
    return [command.step for command in lab.sent if isinstance(command, Travel)]


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrives", [True, False], ids=["each answered", "held down"])
def test_the_keys_walk_through_the_snapshots(arrives: bool) -> None:
    lab = TravelLab()
    for direction in (-1, -1, -1, -1, -1, 1, 1, 1, 1):
        lab.travel.walk(direction)
        if arrives and lab.sent:
            lab.arrive()

    assert travels(lab) == [90, 40, 10, 0, 10, 40, 90, None]
    assert lab.notes == ["This is the first snapshot."]
    lab.arrive()
    lab.travel.walk(1)
    lab.travel.come_back()
    assert lab.notes[1:] == ["This is the run as it is now."] * 2


def test_one_key_comes_back_to_now() -> None:
    lab = TravelLab()
    lab.travel.walk(-1)
    lab.travel.come_back()
    lab.arrive()

    assert travels(lab) == [90, None] and lab.workspace.run.past is None


@pytest.mark.parametrize(("size", "note"), [
    ("512 MB", "There are no earlier snapshots."), ("off", "training.snapshots is off"),
])  # fmt: skip
def test_it_is_said_why_there_are_no_snapshots(size: str, note: str) -> None:
    lab = TravelLab()
    lab.workspace.receive(SnapshotsListed(lab.parent, []))
    run = lab.workspace.run
    run.experiment = with_value(SPIRAL, "training.snapshots", size)

    lab.travel.walk(-1)
    assert note in lab.notes[0]


# --- branches -----------------------------------------------------------------------------------


def test_a_branch_begins_paused_where_one_looks_and_stops_its_parent() -> None:
    lab = TravelLab()
    lab.travel.walk(-1)
    lab.travel.walk(-1)
    lab.arrive()
    start = not_none(lab.branch())

    assert (start.parent, start.parent_step, start.paused) == (lab.parent, 40, True)
    assert start.experiment == SPIRAL and start.run != lab.parent
    assert lab.questions == 1 and lab.left_runs == []
    assert lab.workspace.run.id == start.run and lab.workspace.run.past is None


def test_a_branch_from_now_begins_at_a_snapshot_that_is_taken_for_it() -> None:
    start = not_none(TravelLab().branch())
    assert start.parent_step == 103


def test_the_parent_is_left_once_its_past_is_on_the_disk() -> None:
    lab = TravelLab(leave="leave")
    start = not_none(lab.branch())

    assert lab.left_runs == [lab.parent]
    assert [type(command) for command in lab.sent] == [KeepSnapshot, Start]
    assert start.parent == lab.parent


def test_a_finished_run_is_branched_without_a_question() -> None:
    lab = TravelLab(state="finished")
    start = not_none(lab.branch())

    assert lab.questions == 0 and start.parent_step == 100
    assert not any(isinstance(command, KeepSnapshot) for command in lab.sent)


def test_a_canceled_branch_changes_nothing() -> None:
    lab = TravelLab(leave=None)
    assert lab.branch() is None and lab.sent == []


def test_changed_knobs_are_asked_about() -> None:
    slower = with_value(SPIRAL, "optimizer.lr", 0.123)
    for answer in (SPIRAL, slower, None):
        lab = TravelLab(answer)
        lab.travel.walk(-1)
        lab.arrive()
        lab.workspace.edit(slower)
        start = lab.branch()
        assert lab.dialogs == ["Ask"]
        assert (None if start is None else start.experiment) == answer


def test_a_branch_of_nothing_says_so() -> None:
    lab = TravelLab()
    lab.workspace.run = Run()
    assert lab.branch() is None
    assert lab.notes == ["There is no run to branch off."]


# --- what is shown ------------------------------------------------------------------------------


def test_a_run_is_shown_as_it_was() -> None:
    run = Run()
    for event in (READY, *training_events("a-1", SPIRAL, 1990)):
        run.apply(event)
    assert as_shown(run) is run
    step = 900
    then = with_value(SPIRAL, "optimizer.lr", 0.5)
    run.apply(Traveled("a-1", step, epoch=3, experiment=then))

    past = as_shown(run)
    assert (past.step, past.state, past.experiment) == (step, "paused", then)
    epoch = not_none(past.epoch)
    assert epoch.epoch == 3
    assert epoch.train["loss"] == run.series["loss/train"].points(stop=step)[-1][1]
    assert epoch.validation == {}, "the only evaluation was at the end"
    assert all(each <= step for each, _ in past.confusion_history)
    assert past.series is run.series and run.step > step
    run.apply(Traveled("a-1", run.step, is_now=True))
    assert as_shown(run) is run


async def open_past(lab: Lab) -> str:
    run = await lab.train(400)
    await lab.play(SnapshotsListed(run, STEPS))
    await lab.press("comma")
    await lab.play(Traveled(run, 90, epoch=3, experiment=SPIRAL))
    return run


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
async def test_the_status_and_the_cursor_of_the_charts_follow(size: tuple[int, int]) -> None:
    async with open_lab(size=size) as lab:
        run = await open_past(lab)
        await lab.press("3")
        await lab.wait_for_text("at step 90 of 400 · back to now: 0", "step 90")
        chart = lab.app.main_screen.panes.charts.upper.chart
        assert chart.read_x == 90

        await lab.press("0")
        assert travels_of(lab) == [90, None]
        await lab.play(Traveled(run, 400, is_now=True))
        await lab.wait_until(lambda: "back to now" not in lab.text)
        assert chart.read_x is None


def travels_of(lab: Lab) -> list[int | None]:
    return [command.step for command in lab.link.commands(Travel)]


async def test_the_views_ask_for_each_snapshot_and_again_for_now() -> None:
    async with open_lab() as lab:
        run = await open_past(lab)
        await lab.wait_until(lambda: lab.link.commands(Inspect))
        for event in (
            Traveled(run, 40, epoch=1, experiment=SPIRAL), Traveled(run, 400, is_now=True),
        ):  # fmt: skip
            await lab.play(ResultResponse(run, 90))
            count = len(lab.link.commands(Inspect))
            await lab.play(ResultResponse(run, 91))
            assert len(lab.link.commands(Inspect)) == count, "it has what it asked for"
            await lab.play(event)
            assert len(lab.link.commands(Inspect)) > count

"""The key that changes the network in the run: at once, after a question, or not at all."""

from typing import Any

from msgspec.structs import replace

from tests.support.fake_context import FakeLab, run_coroutine
from tests.support.fake_link import READY, SPIRAL, progressed_event, started_event
from tests.support.lab_pilot import open_lab
from tuilab.core.network.line import Line
from tuilab.core.network.surgery import plan_surgery
from tuilab.core.protocol.commands import AnyCommand, ChangeNetwork, Start
from tuilab.core.protocol.events import NetworkChanged
from tuilab.ui.controllers.describe_surgery import describe_obstacles, describe_surgery
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.controllers.training import TrainingController
from tuilab.ui.workspace import Workspace

LINES: tuple[Line, ...] = ("Linear 16", "ReLU", "Linear 2")
WIDER: tuple[Line, ...] = ("Linear 24", "ReLU", "Linear 2")
OTHER: tuple[Line, ...] = ("Linear 16", "GELU", "Linear 2")
EXPERIMENT = replace(SPIRAL, network=LINES)


def edited_lab(
    network: tuple[Line, ...], *answers: Any, running: tuple[Line, ...] = LINES
) -> tuple[FakeLab, TrainingController]:
    """A lab whose run trains while its lines are edited."""
    experiment = replace(EXPERIMENT, network=running)
    workspace = Workspace(experiment)
    (start,) = workspace.start()
    assert isinstance(start, Start)
    for event in (READY, started_event(start.run, experiment), progressed_event(start.run, 50)):
        workspace.receive(event)
    workspace.edit(replace(experiment, network=network))
    lab = FakeLab(workspace, *answers)
    edits = EditController(lab.context, lambda: None)
    return lab, TrainingController(lab.context, edits, lambda: None)


def press(network: tuple[Line, ...], *answers: Any) -> tuple[FakeLab, list[AnyCommand]]:
    lab, training = edited_lab(network, *answers)
    run_coroutine(training.change_network())
    return lab, lab.sent


def changed_event(run: str, network: tuple[Line, ...]) -> NetworkChanged:
    return NetworkChanged(
        run, 50, network, ["Linear 16 becomes Linear 24"], parameters=122, difference=1e-7,
        layers={"1 Linear": "1 Linear", "2 Linear": "2 Linear"},
    )  # fmt: skip


def test_what_leaves_the_outputs_alone_is_done_at_once() -> None:
    lab, sent = press(WIDER)
    assert sent == [ChangeNetwork(WIDER)]
    assert not lab.dialogs


def test_what_changes_the_outputs_asks_first() -> None:
    assert press(OTHER, "change")[1] == [ChangeNetwork(OTHER)]
    lab, sent = press(OTHER, None)
    assert (lab.dialogs, sent) == (["Ask"], [])


def test_what_cannot_be_done_offers_a_restart() -> None:
    lab, training = edited_lab(
        ("BatchNorm1d affine=false", *LINES), "keep", running=("BatchNorm1d", *LINES)
    )
    run_coroutine(training.change_network())
    (command,) = lab.sent
    assert isinstance(command, Start)
    assert command.keep


def test_without_a_run_or_a_change_it_says_so() -> None:
    lab, sent = press(LINES)
    assert (lab.notes, sent) == (["The run has this network already; edit its lines first."], [])
    lab = FakeLab(Workspace(EXPERIMENT))
    training = TrainingController(
        lab.context, EditController(lab.context, lambda: None), lambda: None
    )
    run_coroutine(training.change_network())
    assert "No run is in progress" in lab.notes[0]


def test_the_run_has_the_network_once_the_host_says_so() -> None:
    lab, _ = press(WIDER)
    workspace = lab.workspace
    assert workspace.restart_keys == ["network"]
    workspace.receive(changed_event(workspace.run.id, WIDER))
    assert workspace.restart_keys == []
    assert workspace.run.experiment == workspace.experiment
    assert [mark.step for mark in workspace.run.marks] == [50]


def test_a_change_by_another_client_is_taken_over_unless_lines_wait() -> None:
    lab, _ = edited_lab(LINES)
    lab.workspace.receive(changed_event(lab.workspace.run.id, WIDER))
    assert lab.workspace.experiment.network == WIDER
    lab, _ = edited_lab(OTHER)
    lab.workspace.receive(changed_event(lab.workspace.run.id, WIDER))
    assert lab.workspace.experiment.network == OTHER
    assert lab.workspace.restart_keys == ["network"]


def test_each_line_says_what_happens_to_the_outputs() -> None:
    text = describe_surgery(plan_surgery(LINES, ("Linear 24", "GELU", "Linear 2"), (2,)))
    assert "✓ Linear 16 becomes Linear 24" in text
    assert "~ ReLU becomes GELU: another function" in text
    text = describe_obstacles(plan_surgery(LINES, ("Linear 16", "ReLU", "Linear 5"), (2,)))
    assert text.startswith("✗ line 3: the output of the network would be [5]")


async def test_the_key_changes_the_network_of_the_run() -> None:
    async with open_lab(EXPERIMENT) as lab:
        run = await lab.train(50)
        await lab.press("1", "home", "enter", "ctrl+u", *"Linear 24", "enter")
        await lab.wait_for_text("E changes it in the run")
        await lab.press("E")
        assert lab.link.commands(ChangeNetwork)[-1] == ChangeNetwork(WIDER)
        await lab.play(changed_event(run, WIDER))
        await lab.wait_for_text("The outputs are the same")
        assert "E changes it in the run" not in lab.text
        await lab.press("Z")
        assert lab.link.commands(ChangeNetwork)[-1] == ChangeNetwork(WIDER, reset=[[0]])

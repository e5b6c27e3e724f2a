"""The lab: what keys send to the host, and what events show on the screen."""

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input

from tests.support.fake_link import READY, SPIRAL, FakeLink, progressed_event, started_event
from tests.support.lab_pilot import open_lab
from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Inspect, Pause, Resume, Rewind, SetKnob, Start, Step, Stop
from tuilab.core.protocol.events import Failed, Finished, Loading, Logged, Offer, Paused
from tuilab.core.run.run import Run, Snapshot
from tuilab.ui.keymap import list_actions


async def test_space_starts_pauses_and_resumes() -> None:
    async with open_lab() as lab:
        await lab.press("space")
        assert lab.link.commands(Start)[-1].experiment == SPIRAL

        await lab.play(READY, started_event(lab.link.run, SPIRAL))
        await lab.press("space")
        assert lab.link.sent[-1:] == [Pause()]

        await lab.play(Paused(lab.link.run, 7))
        await lab.wait_for_text("‖ paused")
        await lab.press("space")
        assert lab.link.sent[-1] == Resume()


async def test_a_run_can_be_started_before_pytorch_is_loaded() -> None:
    async with open_lab() as lab:
        await lab.press("space")
        assert lab.link.commands(Start)
        await lab.wait_for_text("◌ starting", "waiting for PyTorch")


async def test_one_batch_one_epoch_and_some_steps() -> None:
    async with open_lab() as lab:
        await lab.press("s")
        assert lab.link.commands(Start)[-1].paused
        assert lab.link.commands(Step)[-1] == Step(steps=1)

        await lab.play(READY, started_event(lab.link.run, SPIRAL))
        await lab.press("e")
        assert lab.link.commands(Step)[-1] == Step(epochs=1)

        await lab.press("n")
        await lab.wait_for_text("How many batches")
        await lab.press("ctrl+a", "ctrl+k", *"250", "enter")
        await lab.wait_until(lambda: lab.link.commands(Step)[-1] == Step(steps=250))

        await lab.press("n", "enter")
        await lab.wait_until(lambda: lab.link.commands(Step)[-1] == Step(steps=250))


async def test_an_invalid_number_of_steps_is_refused_while_it_is_typed() -> None:
    async with open_lab() as lab:
        await lab.train()
        await lab.press("n", *"x")
        await lab.wait_for_text("enter a whole number")
        await lab.press("enter")
        assert not lab.link.commands(Step)
        await lab.press("escape")


async def test_changes_of_the_learning_rate_and_their_undo_are_sent_to_the_run() -> None:
    async with open_lab() as lab:
        await lab.train()
        await lab.press("]", "[", "[")
        rates = [command.value for command in lab.link.commands(SetKnob)]
        assert rates == pytest.approx([2e-3, 1e-3, 5e-4])

        await lab.press("u")
        assert lab.link.sent[-1] == SetKnob("optimizer.lr", pytest.approx(1e-3))
        await lab.press("U")
        assert lab.link.sent[-1] == SetKnob("optimizer.lr", pytest.approx(5e-4))


async def test_a_change_of_the_network_waits_for_a_restart() -> None:
    async with open_lab() as lab:
        await lab.train()
        lab.app.main_screen.send(
            lab.workspace.edit(msgspec.structs.replace(SPIRAL, network=("Linear 2",)))
        )
        await lab.wait_for_text("network: E changes it in the run, r restarts")

        await lab.press("W")
        await lab.wait_until(lambda: len(lab.link.commands(Start)) == 2)
        assert lab.link.commands(Start)[-1].keep
        assert lab.link.commands(Start)[-1].experiment.network == ("Linear 2",)


async def test_a_restart_keeps_the_seed_or_uses_the_next() -> None:
    async with open_lab() as lab:
        await lab.train(steps=20)
        await lab.play(progressed_event(lab.link.run, 30, seconds=2))
        await lab.press("r")
        await lab.wait_until(lambda: len(lab.link.commands(Start)) == 2)
        await lab.press("N")
        await lab.wait_until(lambda: len(lab.link.commands(Start)) == 3)
        assert [start.experiment.seed for start in lab.link.commands(Start)] == [0, 0, 1]
        assert len({start.run for start in lab.link.commands(Start)}) == 3


async def test_a_restart_that_would_lose_a_long_run_asks_first() -> None:
    async with open_lab() as lab:
        await lab.train()
        await lab.play(progressed_event(lab.link.run, 2000, seconds=75))
        await lab.press("r")
        await lab.wait_for_text("Restart?", "trained for 75 seconds", "Its log stays")
        await lab.press("c")
        assert len(lab.link.commands(Start)) == 1

        await lab.press("r")
        await lab.wait_for_text("Restart?")
        await lab.press("r")
        await lab.wait_until(lambda: len(lab.link.commands(Start)) == 2)


async def test_stopping_ends_the_run() -> None:
    async with open_lab() as lab:
        await lab.press("x")
        await lab.wait_for_text("There is no run to stop")
        await lab.train()
        await lab.press("x")
        assert lab.link.sent[-1] == Stop()

        results = {"test": {"loss": 0.1, "accuracy": 0.97}}
        await lab.play(Finished(lab.link.run, "stopped", 1990, 153, 12.5, results))
        await lab.wait_for_text("✓ finished", "stopped")


async def test_an_experiment_with_an_error_is_not_started_and_the_error_is_shown() -> None:
    async with open_lab(Experiment(network=("Linear 16",))) as lab:
        lab.app.main_screen.pane_layout.show("charts")
        await lab.press("space")
        await lab.wait_for_text("It cannot start yet", "2 classes")
        assert not lab.link.commands(Start)
        assert lab.app.main_screen.has_class("-on-network")


async def test_a_failure_is_explained_and_its_offers_are_followed() -> None:
    offer = Offer("Go back and lower the learning rate", [Rewind(), SetKnob("optimizer.lr", 5e-4)])
    async with open_lab() as lab:
        run = await lab.train()
        await lab.play(
            Failed(
                run,
                "The loss became infinite",
                "Lower the learning rate.",
                "step 1990: loss=inf",
                1990,
                True,
                [offer],
            )
        )
        await lab.wait_for_text("The loss became infinite", "Lower the learning rate.", offer.label)

        await lab.press("1")
        await lab.wait_until(lambda: lab.link.sent[-1] == SetKnob("optimizer.lr", 5e-4))
        assert Rewind() in lab.link.sent
        assert lab.workspace.experiment.optimizer.lr == 5e-4


async def test_after_a_failure_the_lab_can_be_used() -> None:
    async with open_lab() as lab:
        run = await lab.train()
        sent = list(lab.link.sent)
        await lab.play(Failed(run, "The network is gone", "Restart it.", "Traceback: ..."))
        await lab.wait_for_text("The network is gone", "Look around")
        await lab.press("l")
        await lab.wait_for_text("✗ failed")
        assert [command for command in lab.link.sent if not _is_inspection(command)] == [
            command for command in sent if not _is_inspection(command)
        ]


def _is_inspection(command: object) -> bool:
    return isinstance(command, Inspect)


async def test_loading_is_shown_in_the_status_bar() -> None:
    async with open_lab() as lab:
        await lab.play(Loading("importing PyTorch"))
        await lab.wait_for_text("importing PyTorch…")
        await lab.play(READY, Loading("downloading Fashion-MNIST", 0.42))
        await lab.wait_for_text("downloading Fashion-MNIST", "42%")


async def test_the_status_bar_shows_the_progress_of_the_run() -> None:
    async with open_lab() as lab:
        await lab.train(steps=26)
        await lab.wait_for_text("● training", "A spiral", "epoch 2/10", "step 26", "3,412 steps/s",
                       "1:04 left", "cuda:0 NVIDIA H200")  # fmt: skip


async def test_a_device_is_chosen_among_those_found() -> None:
    async with open_lab() as lab:
        await lab.press("D")
        await lab.wait_for_text("PyTorch is still loading")
        await lab.play(READY)
        await lab.press("D")
        await lab.wait_for_text("NVIDIA H200, 139 GiB", "this is not a Mac")
        await lab.press("4")
        await lab.press("3")
        await lab.wait_until(lambda: lab.workspace.experiment.training.device == "cuda:0")


async def test_log_lines_and_printed_text_are_in_the_log() -> None:
    async with open_lab() as lab:
        await lab.press("5")
        await lab.play(Logged("drew 500 points", "output"))
        print("a stray print")
        await lab.wait_for_text("drew 500 points", "a stray print")
        await lab.press("5")
        assert "drew 500 points" not in lab.text


async def test_opening_a_preset_asks_for_unsaved_changes() -> None:
    async with open_lab() as lab:
        await lab.press("]", "ctrl+o")
        await lab.wait_for_text("Open", "enter opens")
        await lab.press(*"xor")
        await lab.wait_for_text("XOR")
        await lab.press("enter")
        await lab.wait_for_text("The experiment has unsaved changes")
        await lab.press("d")
        await lab.wait_until(lambda: type(lab.workspace.experiment.data).__name__.lower() == "xor")
        assert (
            lab.workspace.path == toml_file.find_presets()["xor"].path
            and not lab.workspace.is_edited
        )


async def test_a_file_is_opened_by_its_path_with_completion(tmp_path: Path) -> None:
    toml_file.write(tmp_path / "mine.toml", with_value(SPIRAL, "seed", 77))
    async with open_lab() as lab:
        await lab.press("ctrl+o")
        lab.app.screen.query_one(Input).value = str(tmp_path / "mi")
        await lab.wait_for_text("mine.toml")
        await lab.press("tab", "enter")
        await lab.wait_until(lambda: lab.workspace.experiment.seed == 77)


async def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("seed = 'three'\n")
    async with open_lab() as lab:
        await lab.press("ctrl+o")
        lab.app.screen.query_one(Input).value = str(tmp_path / "bad.toml")
        await lab.press("enter")
        await lab.wait_for_text("expected a whole number")
        assert lab.workspace.experiment == SPIRAL


async def test_saving_asks_where_and_before_it_overwrites() -> None:
    async with open_lab() as lab:
        await lab.press("]", "ctrl+s")
        await lab.wait_for_text("Save")
        await lab.press("enter")
        path = paths.experiments_dir() / "spiral.toml"
        await lab.wait_until(lambda: not lab.workspace.is_edited)
        assert toml_file.read(path) == lab.workspace.experiment

        await lab.press("]", "ctrl+s", "enter")
        await lab.wait_for_text("Overwrite?")
        await lab.press("c")
        assert lab.workspace.is_edited and toml_file.read(path) != lab.workspace.experiment


async def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    async with open_lab() as lab:
        await lab.press("]", "ctrl+s")
        lab.app.screen.query_one(Input).value = "/dev/full/mine.toml"
        await lab.press("enter")
        await lab.wait_for_text("Not saved")
        assert lab.workspace.is_edited


async def test_copying_goes_to_the_terminal_and_to_a_file() -> None:
    async with open_lab() as lab:
        await lab.press("y")
        await lab.wait_for_text("The experiment", "The network")
        await lab.press("n")
        await lab.wait_for_text("Copied")
        assert lab.app.clipboard == "Linear 16\nTanh\nLinear 16\nTanh\nLinear 2\n"
        assert (paths.data_dir() / "copied.txt").read_text() == lab.app.clipboard


async def test_without_unsaved_work_quitting_asks_nothing() -> None:
    async with open_lab() as lab:
        await lab.press("q")
        await lab.wait_until(lambda: lab.app.return_code == 0)


async def test_quitting_asks_what_becomes_of_the_run() -> None:
    async with open_lab() as lab:
        run = await lab.train()
        await lab.press("q")
        await lab.wait_for_text("Quit?", f"tuilab attach {run}")
        await lab.press("c")
        assert not lab.link.commands(Stop)

        await lab.press("q")
        await lab.wait_for_text("Quit?")
        await lab.press("s")
        await lab.wait_until(lambda: lab.app.return_code == 0)
        assert lab.link.sent[-1] == Stop()


async def test_a_run_is_left_training() -> None:
    async with open_lab() as lab:
        await lab.train()
        await lab.press("q")
        await lab.wait_for_text("Leave it training")
        await lab.press("l")
        await lab.wait_until(lambda: lab.app.return_code == 0)
        assert not lab.link.commands(Stop)


async def test_quitting_asks_for_unsaved_changes() -> None:
    async with open_lab() as lab:
        await lab.press("]", "q")
        await lab.wait_for_text("Unsaved changes")
        await lab.press("d")
        await lab.wait_until(lambda: lab.app.return_code == 0)


async def test_a_lost_host_is_reported_and_the_run_starts_again_on_a_new_one() -> None:
    second = FakeLink()
    async with open_lab(respawn=lambda: second) as lab:
        run = await lab.train()
        lab.link.lost_reason = "The host was killed (signal 9)."
        lab.app.poll()
        await lab.wait_for_text("The host is gone", "signal 9", "Train it again")
        await lab.press("g")
        await lab.wait_until(lambda: second.sent)
        (start,) = second.commands(Start)
        assert start.experiment == SPIRAL and start.run != run
        assert lab.link.is_closed


async def test_after_a_lost_host_the_run_resumes_from_its_checkpoint() -> None:
    second = FakeLink()
    async with open_lab(respawn=lambda: second) as lab:
        run = Run(
            id="a-1", state="training", experiment=SPIRAL, checkpoint="/runs/a-1/checkpoint.pt"
        )
        await lab.play(Snapshot(run, "0.1.0", 7))
        lab.link.lost_reason = "The host was killed."
        lab.app.poll()
        await lab.wait_for_text("Resume from its checkpoint")
        await lab.press("g")
        await lab.wait_until(lambda: second.sent)
        start = second.commands(Start)[-1]
        assert (start.run, start.checkpoint) == ("a-1", "/runs/a-1/checkpoint.pt")


async def test_after_a_lost_host_the_lab_stays_open_and_space_starts_a_new_one() -> None:
    second = FakeLink()
    async with open_lab(respawn=lambda: second) as lab:
        lab.link.lost_reason = "The host was killed."
        lab.app.poll()
        await lab.wait_for_text("Keep looking")
        await lab.press("l")
        await lab.press("space")
        assert second.commands(Start)


async def test_the_help_shows_every_key_of_every_pane() -> None:
    async with open_lab() as lab:
        actions = list(list_actions(lab.app.main_screen))
        await lab.press("?")
        lines = [str(line.render()) for line in lab.app.screen.query(".key")]
        text = " ".join(" ".join(lines).split())
        missing = [a for a in actions if a.binding.tooltip not in text]
        # Left out are only keys that those of another line stand for, such as 1-9 or ↑↓.
        methods = {action.binding.action.partition("(")[0] for action in missing}
        said = {a.binding.action.partition("(")[0] for a in actions if a not in missing}
        assert len(actions) - len(missing) > 60 and methods <= said
        assert all(len(action.keys) == 1 and len(action.keys[0]) == 1 for action in missing)


async def test_every_action_has_a_tooltip_and_an_id() -> None:
    async with open_lab() as lab:
        for action in list_actions(lab.app.main_screen):
            assert action.binding.tooltip, action
            if action.section in ("Training", "Experiment", "View", "Lab"):
                assert action.binding.id, action


async def test_the_palette_lists_every_action_and_every_preset() -> None:
    async with open_lab() as lab:
        titles = {command.title for command in lab.app.get_system_commands(lab.app.main_screen)}
        assert {"Training: run", "Training: restart, keep weights", "View: theme"} <= titles
        assert {f"Open: {preset.title}" for preset in toml_file.find_presets().values()} <= titles
        assert "Inspect: View" in titles
        assert not [title for title in titles if "[" in title or "@click" in title]

        await lab.press("/", *"keep weights", "enter")
        await lab.wait_until(lambda: lab.link.commands(Start) and lab.link.commands(Start)[-1].keep)


async def test_a_chosen_theme_is_remembered() -> None:
    async with open_lab() as lab:
        assert lab.app.theme == "tuilab-dark"
        lab.app.theme = "tuilab-light"
        await lab.pilot.pause()
    async with open_lab() as lab:
        assert lab.app.theme == "tuilab-light"


async def test_without_color_the_terminals_own_theme_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_lab() as lab:
        assert lab.app.theme == "ansi-dark"


async def test_a_crowded_terminal_gets_fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_lab() as lab:
        monkeypatch.setattr(lab.app, "_is_crowded", lambda: True)
        polls = 0
        for number in range(8):
            lab.link.play(Logged(f"line {number}", "output"))
            lab.app.poll()
            polls += not lab.link._queued
        assert polls == 2


async def test_tab_goes_through_the_panes_one_by_one_where_one_is_shown() -> None:
    async with open_lab(size=(80, 24)) as lab:
        panes = []
        for _ in range(7):
            panes.append(lab.app.main_screen.pane_layout.current)
            await lab.press("tab")
        assert panes == ["network", "knobs", "charts", "result", "log", "inside", "lesson"]
        assert lab.app.main_screen.pane_layout.current == "network"


async def test_messages_of_the_host_are_notified_and_printed_text_is_only_logged() -> None:
    async with open_lab() as lab:
        await lab.play(Logged("a library prints", "output"), Logged("The log cannot be written."))

        await lab.wait_for_text("The log cannot be written.")
        assert "a library prints" not in lab.text

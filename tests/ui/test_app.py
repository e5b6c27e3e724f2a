"""Keys and what follows from them; events and what they show."""

from pathlib import Path

import msgspec
import pytest

from tests.support.fakes import READY, SPIRAL, FakeLink, Lab, lab, progressed, started
from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Pause, Resume, Rewind, Set, Start, Step, Stop
from tuilab.core.protocol.events import Failed, Finished, Loading, Logged, Offer, Paused
from tuilab.core.run.run import Run, Snapshot
from tuilab.ui.keymap import every


async def test_space_trains_pauses_and_goes_on() -> None:
    async with lab() as it:
        await it.press("space")
        assert it.link.commands(Start)[-1].experiment == SPIRAL

        await it.play(READY, started(it.link.run, SPIRAL))
        await it.press("space")
        assert it.link.sent[-1] == Pause()

        await it.play(Paused(it.link.run, 7))
        await it.shows("‖ paused")
        await it.press("space")
        assert it.link.sent[-1] == Resume()


async def test_a_run_may_begin_before_pytorch_is_loaded() -> None:
    async with lab() as it:
        await it.press("space")
        assert it.link.commands(Start)
        await it.shows("◌ starting", "waiting for PyTorch")


async def test_one_batch_one_epoch_and_some_steps() -> None:
    async with lab() as it:
        await it.press("s")
        assert it.link.commands(Start)[-1].paused
        assert it.link.sent[-1] == Step(steps=1)

        await it.play(READY, started(it.link.run, SPIRAL))
        await it.press("e")
        assert it.link.sent[-1] == Step(epochs=1)

        await it.press("n")
        await it.shows("How many batches")
        await it.press("ctrl+a", "ctrl+k", *"250", "enter")
        await it.until(lambda: it.link.sent[-1] == Step(steps=250))

        await it.press("n", "enter")
        await it.until(lambda: it.link.sent[-1] == Step(steps=250))


async def test_a_number_of_steps_that_is_none_is_refused_while_it_is_written() -> None:
    async with lab() as it:
        await it.train()
        await it.press("n", *"x")
        await it.shows("write a whole number")
        await it.press("enter")
        assert not it.link.commands(Step)
        await it.press("escape")


async def test_the_learning_rate_keys_go_live_and_undo_goes_live_too() -> None:
    async with lab() as it:
        await it.train()
        await it.press("]", "[", "[")
        rates = [command.value for command in it.link.commands(Set)]
        assert rates == pytest.approx([2e-3, 1e-3, 5e-4])

        await it.press("u")
        assert it.link.sent[-1] == Set("optimizer.lr", pytest.approx(1e-3))
        await it.press("U")
        assert it.link.sent[-1] == Set("optimizer.lr", pytest.approx(5e-4))


async def test_a_change_of_the_network_says_that_it_waits_for_a_restart() -> None:
    async with lab() as it:
        await it.train()
        it.app.lab.send(it.desk.edit(msgspec.structs.replace(SPIRAL, network=("Linear 2",))))
        await it.shows("network: r restarts to use it")

        await it.press("R")
        await it.until(lambda: len(it.link.commands(Start)) == 2)
        assert it.link.commands(Start)[-1].keep
        assert it.link.commands(Start)[-1].experiment.network == ("Linear 2",)


async def test_restarting_keeps_the_seed_or_takes_the_next() -> None:
    async with lab() as it:
        await it.train(steps=20)
        await it.play(progressed(it.link.run, 30, seconds=2))
        await it.press("r")
        await it.until(lambda: len(it.link.commands(Start)) == 2)
        await it.press("N")
        await it.until(lambda: len(it.link.commands(Start)) == 3)
        assert [start.experiment.seed for start in it.link.commands(Start)] == [0, 0, 1]
        assert len({start.run for start in it.link.commands(Start)}) == 3


async def test_a_restart_that_would_lose_real_work_asks_first() -> None:
    async with lab() as it:
        await it.train()
        await it.play(progressed(it.link.run, 2000, seconds=75))
        await it.press("r")
        await it.shows("Restart?", "trained for 75 seconds", "Its log stays")
        await it.press("c")
        assert len(it.link.commands(Start)) == 1

        await it.press("r")
        await it.shows("Restart?")
        await it.press("r")
        await it.until(lambda: len(it.link.commands(Start)) == 2)


async def test_stopping_ends_the_run() -> None:
    async with lab() as it:
        await it.press("x")
        await it.shows("There is no run to stop")
        await it.train()
        await it.press("x")
        assert it.link.sent[-1] == Stop()

        results = {"test": {"loss": 0.1, "accuracy": 0.97}}
        await it.play(Finished(it.link.run, "stopped", 1990, 153, 12.5, results))
        await it.shows("✓ finished", "stopped")


async def test_an_experiment_that_cannot_start_says_why_and_goes_there() -> None:
    async with lab(Experiment(network=("Linear 16",))) as it:
        it.app.lab.action_pane("charts")
        await it.press("space")
        await it.shows("It cannot start yet", "2 classes")
        assert not it.link.commands(Start)
        assert it.app.lab.has_class("-on-network")


async def test_a_failure_is_explained_and_its_offers_are_followed() -> None:
    offer = Offer("Go back and lower the learning rate", [Rewind(), Set("optimizer.lr", 5e-4)])
    async with lab() as it:
        run = await it.train()
        await it.play(
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
        await it.shows("The loss became infinite", "Lower the learning rate.", offer.label)

        await it.press("1")
        await it.until(lambda: it.link.sent[-1] == Set("optimizer.lr", 5e-4))
        assert Rewind() in it.link.sent
        assert it.desk.experiment.optimizer.lr == 5e-4


async def test_a_failure_can_be_looked_at() -> None:
    async with lab() as it:
        run = await it.train()
        sent = list(it.link.sent)
        await it.play(Failed(run, "The network is gone", "Restart it.", "Traceback: ..."))
        await it.shows("The network is gone", "Look around")
        await it.press("l")
        await it.shows("✗ failed")
        assert [command for command in it.link.sent if not _is_probe(command)] == [
            command for command in sent if not _is_probe(command)
        ]


def _is_probe(command: object) -> bool:
    return type(command).__name__ == "Probe"


async def test_what_takes_a_while_is_shown_in_the_status_line() -> None:
    async with lab() as it:
        await it.play(Loading("importing PyTorch"))
        await it.shows("importing PyTorch…")
        await it.play(READY, Loading("downloading Fashion-MNIST", 0.42))
        await it.shows("downloading Fashion-MNIST", "42%")


async def test_the_status_line_says_how_it_goes() -> None:
    async with lab() as it:
        await it.train(steps=26)
        await it.shows("● training", "A spiral", "epoch 2/10", "step 26", "3\u2009412 steps/s",
                       "1:04 left", "cuda:0 NVIDIA H200")  # fmt: skip


async def test_a_device_is_chosen_among_those_found() -> None:
    async with lab() as it:
        await it.press("D")
        await it.shows("PyTorch is still being loaded")
        await it.play(READY)
        await it.press("D")
        await it.shows("NVIDIA H200, 139 GiB", "this is no Mac")
        await it.press("4")
        await it.press("3")
        await it.until(lambda: it.desk.experiment.training.device == "cuda:0")


async def test_log_lines_and_prints_come_into_the_log() -> None:
    async with lab() as it:
        await it.press("5")
        await it.play(Logged("drew 500 points", "output"))
        print("a stray print")
        await it.shows("drew 500 points", "a stray print")
        await it.press("5")
        assert "drew 500 points" not in it.text


async def test_opening_a_preset_asks_for_unsaved_changes() -> None:
    async with lab() as it:
        await it.press("]", "ctrl+o")
        await it.shows("Open", "enter opens")
        await it.press(*"xor")
        await it.shows("XOR")
        await it.press("enter")
        await it.shows("changes that are in no file")
        await it.press("d")
        await it.until(lambda: type(it.desk.experiment.data).__name__.lower() == "xor")
        assert it.desk.path == toml_file.presets()["xor"].path and not it.desk.is_edited


async def test_a_file_is_opened_by_its_path_with_completion(tmp_path: Path) -> None:
    toml_file.write(tmp_path / "mine.toml", with_value(SPIRAL, "seed", 77))
    async with lab() as it:
        await it.press("ctrl+o")
        it.app.screen.query_one("Input").value = str(tmp_path / "mi")
        await it.shows("mine.toml")
        await it.press("tab", "enter")
        await it.until(lambda: it.desk.experiment.seed == 77)


async def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("seed = 'three'\n")
    async with lab() as it:
        await it.press("ctrl+o")
        it.app.screen.query_one("Input").value = str(tmp_path / "bad.toml")
        await it.press("enter")
        await it.shows("expected a whole number")
        assert it.desk.experiment == SPIRAL


async def test_saving_asks_where_and_before_it_overwrites() -> None:
    async with lab() as it:
        await it.press("]", "ctrl+s")
        await it.shows("Save")
        await it.press("enter")
        path = paths.experiments() / "spiral.toml"
        await it.until(lambda: not it.desk.is_edited)
        assert toml_file.read(path) == it.desk.experiment

        await it.press("]", "ctrl+s", "enter")
        await it.shows("Overwrite?")
        await it.press("c")
        assert it.desk.is_edited and toml_file.read(path) != it.desk.experiment


async def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    async with lab() as it:
        await it.press("]", "ctrl+s")
        it.app.screen.query_one("Input").value = "/dev/full/mine.toml"
        await it.press("enter")
        await it.shows("Not saved")
        assert it.desk.is_edited


async def test_copying_goes_to_the_terminal_and_to_a_file() -> None:
    async with lab() as it:
        await it.press("y")
        await it.shows("The experiment", "The network")
        await it.press("n")
        await it.shows("Copied")
        assert it.app.clipboard == "Linear 16\nTanh\nLinear 16\nTanh\nLinear 2\n"
        assert (paths.data() / "copied.txt").read_text() == it.app.clipboard


async def test_quitting_with_nothing_to_lose_just_quits() -> None:
    async with lab() as it:
        await it.press("q")
        await it.until(lambda: it.app.return_code == 0)


async def test_quitting_asks_what_becomes_of_the_run() -> None:
    async with lab() as it:
        run = await it.train()
        await it.press("q")
        await it.shows("Quit?", f"tuilab attach {run}")
        await it.press("c")
        assert not it.link.commands(Stop)

        await it.press("q")
        await it.shows("Quit?")
        await it.press("s")
        await it.until(lambda: it.app.return_code == 0)
        assert it.link.sent[-1] == Stop()


async def test_a_run_is_left_training() -> None:
    async with lab() as it:
        await it.train()
        await it.press("q")
        await it.shows("Leave it training")
        await it.press("l")
        await it.until(lambda: it.app.return_code == 0)
        assert not it.link.commands(Stop)


async def test_quitting_asks_for_unsaved_changes() -> None:
    async with lab() as it:
        await it.press("]", "q")
        await it.shows("Unsaved changes")
        await it.press("d")
        await it.until(lambda: it.app.return_code == 0)


async def test_a_lost_host_is_told_and_the_run_begins_again_on_a_new_one() -> None:
    second = FakeLink()
    async with lab(respawn=lambda: second) as it:
        run = await it.train()
        it.link.lost = "The host was killed (signal 9)."
        it.app.tick()
        await it.shows("The host is gone", "signal 9", "Train it again")
        await it.press("g")
        await it.until(lambda: second.sent)
        (start,) = second.commands(Start)
        assert start.experiment == SPIRAL and start.run != run
        assert it.link.is_closed


async def test_a_lost_host_goes_on_from_the_checkpoint() -> None:
    second = FakeLink()
    async with lab(respawn=lambda: second) as it:
        run = Run(
            id="a-1", state="training", experiment=SPIRAL, checkpoint="/runs/a-1/checkpoint.pt"
        )
        await it.play(Snapshot(run, "0.1.0", 7))
        it.link.lost = "The host was killed."
        it.app.tick()
        await it.shows("Go on from its checkpoint")
        await it.press("g")
        await it.until(lambda: second.sent)
        assert second.commands(Start)[-1].checkpoint == "/runs/a-1/checkpoint.pt"


async def test_after_a_lost_host_the_lab_stays_up_and_space_begins_on_a_new_one() -> None:
    second = FakeLink()
    async with lab(respawn=lambda: second) as it:
        it.link.lost = "The host was killed."
        it.app.tick()
        await it.shows("Keep looking")
        await it.press("l")
        await it.press("space")
        assert second.commands(Start)


async def test_the_help_shows_every_key_of_every_pane() -> None:
    async with lab() as it:
        tooltips = {action.binding.tooltip for action in every(it.app.lab)}
        await it.press("?")
        shown = " ".join(str(line.render()) for line in it.app.screen.query(".key"))
        assert len(tooltips) > 30
        assert [tooltip for tooltip in tooltips if tooltip not in shown] == []


async def test_every_action_has_a_name_an_explanation_and_an_id() -> None:
    async with lab() as it:
        for action in every(it.app.lab):
            assert action.binding.tooltip, action
            if action.place in ("Training", "Experiment", "View", "Lab"):
                assert action.binding.id, action


async def test_the_palette_holds_every_action_and_every_preset() -> None:
    async with lab() as it:
        titles = {command.title for command in it.app.get_system_commands(it.app.lab)}
        assert {"Training: run", "Training: restart, keep weights", "View: theme"} <= titles
        assert {f"Open: {preset.title}" for preset in toml_file.presets().values()} <= titles

        await it.press("/", *"keep weights", "enter")
        await it.until(lambda: it.link.commands(Start) and it.link.commands(Start)[-1].keep)


async def test_a_chosen_theme_is_remembered() -> None:
    async with lab() as it:
        assert it.app.theme == "tuilab-dark"
        it.app.theme = "tuilab-light"
        await it.pilot.pause()
    async with lab() as it:
        assert it.app.theme == "tuilab-light"


async def test_without_colour_the_terminals_own_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with lab() as it:
        assert it.app.theme == "ansi-dark"


async def test_a_crowded_terminal_gets_fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    async with lab() as it:
        monkeypatch.setattr(it.app, "_is_crowded", lambda: True)
        heard = 0
        for number in range(8):
            it.link.play(Logged(f"line {number}", "output"))
            it.app.tick()
            heard += not it.link._news
        assert heard == 2


async def test_tab_goes_through_the_panes_one_by_one_where_one_is_shown() -> None:
    async with lab(size=(80, 24)) as it:
        assert isinstance(it, Lab)
        seen = []
        for _ in range(7):
            seen.append(it.app.lab._current)
            await it.press("tab")
        assert seen == ["network", "knobs", "charts", "result", "log", "inside", "lesson"]
        assert it.app.lab._current == "network"


async def test_what_the_host_has_to_say_is_seen_and_what_libraries_print_is_only_logged() -> None:
    async with lab() as it:
        await it.play(Logged("a library prints", "output"), Logged("The log cannot be written."))

        await it.shows("The log cannot be written.")
        assert "a library prints" not in it.text

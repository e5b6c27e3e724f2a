"""The hyperparameters pane: the edits it requests, and what it shows."""

import pytest

from tests.support.fake_link import DEVICES
from tests.support.pane_pilot import SIZES, PanePilot, make_training_run, open_pane
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.run.run import Run
from tuilab.ui.panes.knobs.knobs_pane import KnobsPane

SPIRAL = Experiment(network=("Linear 8", "Dropout 0.5", "Linear 2"))


async def move_cursor_to(pane: PanePilot[KnobsPane], key: str) -> None:
    """Puts the cursor on a knob."""
    pane.pane.line_list.cursor = key
    await pane.pilot.pause()


# Edits


async def test_a_number_is_typed_in_the_place_of_the_old_one() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "optimizer.lr")
        await pane.press("enter")
        await pane.type("3e-4")
        assert pane.edits == []
        await pane.press("enter")

        assert pane.edits == [("optimizer.lr", 3e-4)]
        assert "3e-4" in pane.line(" lr ")


async def test_a_number_out_of_range_is_refused_while_it_is_typed() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "data.batch_size")
        await pane.press("enter")
        await pane.type("-1")
        below = pane.text.splitlines()[pane.row("batch_size") + 1]
        assert "✗ expected a whole number ≥ 0" in below

        await pane.press("enter")
        assert pane.edits == [] and pane.pane.is_typing
        await pane.press("escape")
        assert "✗" not in pane.text and "32" in pane.line("batch_size")
        assert pane.pane.line_list.has_focus


async def test_arrows_step_and_stay_in_range() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "data.batch_size")
        await pane.press("right", "plus", "left", "minus")
        assert [value for _, value in pane.edits] == [64, 128, 64, 32]

        await move_cursor_to(pane, "seed")
        await pane.press("left")
        assert pane.edits[-1] == ("data.batch_size", 32)


async def test_enter_toggles_true_and_false() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "data.normalize")
        await pane.press("enter")

        assert pane.edits == [("data.normalize", False)]


async def test_arrows_go_through_the_choices() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "optimizer.name")
        await pane.press("right", "left", "left")

        assert [value for _, value in pane.edits] == ["nadam", "adamw", "adam"]


async def test_enter_opens_the_choices_with_their_help() -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=(80, 24)) as pane:
        await move_cursor_to(pane, "schedule.name")
        await pane.press("enter")
        assert "✓ constant" in pane.text
        assert "A decay along half a cosine" in pane.text
        await pane.press(*["down"] * 6, "enter")

        assert pane.edits == [("schedule.name", "cosine")]
        assert "A decay along half a cosine" in pane.text
        assert "Multiply by gamma" not in pane.text
        assert pane.pane.line_list.has_focus


async def test_escape_chooses_nothing() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "schedule.name")
        await pane.press("enter", "down", "escape")

        assert pane.edits == []
        assert pane.pane.line_list.has_focus


async def test_each_of_several_choices_is_added_or_removed() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "data.features")
        await pane.press("enter", "down", "down", "space", "up", "enter", "escape")

        assert pane.edits == [
            ("data.features", ("x1", "x2", "x1^2")),
            ("data.features", ("x1", "x1^2")),
        ]


async def test_a_list_is_typed_with_commas() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "optimizer.betas")
        await pane.press("enter")
        await pane.type("0.8, 0.9")
        await pane.press("enter")

        assert pane.edits == [("optimizer.betas", [0.8, 0.9])]


async def test_one_knob_sets_every_dropout_line() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "network.dropout")
        await pane.press("enter")
        await pane.type(".2")
        await pane.press("enter")

        assert pane.edits == [("network", ("Linear 8", "Dropout 0.2", "Linear 2"))]


async def test_backspace_resets_to_the_default() -> None:
    async with open_pane(KnobsPane(), with_value(SPIRAL, "optimizer.lr", 0.5)) as pane:
        await move_cursor_to(pane, "optimizer.lr")
        assert "default 1e-3" in pane.text
        await pane.press("backspace", "backspace")

        assert pane.edits == [("optimizer.lr", 1e-3)]


async def test_devices_are_those_of_the_host_with_the_reason_if_one_is_unusable() -> None:
    async with open_pane(KnobsPane(), SPIRAL, Run(devices=DEVICES)) as pane:
        await move_cursor_to(pane, "training.device")
        await pane.press("enter")
        assert "NVIDIA H200, 139 GiB" in pane.text
        assert "mps" in pane.line("✗ this is not a Mac")

        await pane.press("up", "end", "enter")
        assert pane.edits == []
        await pane.press("up", "enter")
        assert pane.edits == [("training.device", "cuda:0")]


async def test_before_the_host_reports_devices_one_can_be_typed() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "training.device")
        await pane.press("enter")
        await pane.type("cpu")
        await pane.press("enter")

        assert pane.edits == [("training.device", "cpu")]


async def test_a_click_elsewhere_keeps_a_valid_value_and_drops_another() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await move_cursor_to(pane, "data.batch_size")
        await pane.press("enter")
        await pane.type("7")
        await pane.click("seed")
        assert pane.edits == [("data.batch_size", 7)]

        await move_cursor_to(pane, "data.batch_size")
        await pane.press("enter")
        await pane.type("7.5")
        await pane.click("seed")
        assert len(pane.edits) == 1 and not pane.pane.is_typing


async def test_a_click_selects_and_another_changes() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await pane.click("normalize")
        assert pane.edits == []
        await pane.click("normalize")

        assert pane.edits == [("data.normalize", False)]


# Drawing


@pytest.mark.parametrize("size", SIZES)
async def test_every_knob_is_shown_with_its_value(size: tuple[int, int]) -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=size) as pane:
        assert "classification" in pane.line("task")
        assert "32" in pane.line("batch_size")
        await pane.press("end")
        assert "0.5" in pane.line("dropout")
        assert "schedule" in pane.text and "training" in pane.text
        assert all(len(line) <= size[0] for line in pane.text.splitlines())


async def test_sections_that_are_at_their_defaults_are_folded_until_they_are_opened() -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=(80, 40)) as pane:
        assert "at defaults" in pane.line("augmentation") and "mixup" not in pane.text
        await move_cursor_to(pane, "augmentation")
        assert "Random changes of the training examples" in pane.text
        await pane.press("enter")
        assert "mixup" in pane.text
        await pane.press("left")
        assert "mixup" not in pane.text
        await pane.press("right", "down", "right", "up", "left")
        assert pane.edits == [("augmentation.shift", 2.0)]
        assert "1 of 7 set" in pane.line("augmentation")


async def test_a_section_with_a_changed_knob_is_unfolded() -> None:
    experiment = with_value(SPIRAL, "regularization.l1", 0.1)
    async with open_pane(KnobsPane(), experiment, size=(80, 70)) as pane:
        assert "0.1" in pane.line(" l1 ") and "mixup" not in pane.text


@pytest.mark.parametrize("size", SIZES)
async def test_help_and_range_of_the_knob_at_the_cursor_are_shown_below(
    size: tuple[int, int],
) -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=size) as pane:
        await move_cursor_to(pane, "optimizer.lr")

        assert "Step size: what each update is" in pane.text
        assert "0 ≤ … ≤ 1,000" in pane.text


async def test_knobs_are_found_by_a_part_of_the_name() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        await pane.press("ctrl+f")
        await pane.type("decay")
        assert "weight_decay" in pane.text and "batch_size" not in pane.text
        await pane.press("enter", "right")
        assert pane.edits == [("optimizer.weight_decay", 0.02)]
        assert "find: decay (esc shows all)" in pane.text

        await pane.press("escape")
        assert "augmentation" in pane.text and "esc shows all" not in pane.text
        await pane.press("ctrl+f")
        await pane.type("nothing such")
        assert 'no hyperparameter has "nothing such" in its name' in pane.text
        await pane.press("escape")
        assert "batch_size" in pane.text


async def test_during_training_live_knobs_are_marked_and_others_wait_for_a_restart() -> None:
    async with open_pane(KnobsPane(), SPIRAL, make_training_run(SPIRAL), size=(80, 24)) as pane:
        assert "live" in pane.line("batch_size") and "live" not in pane.line("validation")
        await move_cursor_to(pane, "data.validation")
        assert "a change needs a restart" in pane.text
        await pane.press("right")

        assert "~" in pane.line("validation")
        assert "~ the run has 0.2: restart to use it (r)" in pane.text


async def test_before_a_run_nothing_is_marked() -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=(80, 24)) as pane:
        assert "live" not in pane.text and "restart" not in pane.text


async def test_another_optimizer_brings_its_own_knobs() -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=(80, 70)) as pane:
        assert "momentum" not in pane.text
        pane.app.show(with_value(SPIRAL, "optimizer.name", "sgd"))
        await pane.pilot.pause()

        assert "momentum" in pane.text and "betas" not in pane.text


async def test_an_unchanged_experiment_repaints_nothing() -> None:
    async with open_pane(KnobsPane(), SPIRAL) as pane:
        before = pane.pane.line_list.lines
        pane.app.show(SPIRAL)
        await pane.pilot.pause()

        assert pane.pane.line_list.lines is before

"""The lines of the network pane: shapes, parameters, folds, errors and warnings."""

import pytest

from tests.support.pane_pilot import SIZES, make_training_run, open_pane
from tests.ui.test_network_pane import CONVNET, SPIRAL
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.ui.panes.network.network_pane import NetworkPane


def columns(line: str) -> list[str]:
    """The words of a line without the frame."""
    return line.strip("│┃▁▂▃▄▅▆▇█ ").removeprefix("›").split()


@pytest.mark.parametrize("size", SIZES)
async def test_each_line_shows_its_shape_and_the_last_one_the_total(size: tuple[int, int]) -> None:
    async with open_pane(NetworkPane(), SPIRAL, size=size) as pane:
        assert columns(pane.line("input"))[-1].strip("[]") == "2"
        shape = columns(pane.line("Linear 8"))[2]
        assert shape.strip("[]") == "8"
        assert columns(pane.line("Linear 8"))[3] == "24"
        assert "42" in columns(pane.line("+ add a layer"))


@pytest.mark.parametrize("size", SIZES)
async def test_a_convolutional_network_fits(size: tuple[int, int]) -> None:
    async with open_pane(NetworkPane(), CONVNET, size=size) as pane:
        first = pane.line("Conv2d 16")
        assert "16×28×28" in first or "[16, 28, 28]" in first
        assert "Linear 10" in pane.text
        assert all(len(line) <= size[0] for line in pane.text.splitlines())


async def test_thousands_have_commas() -> None:
    async with open_pane(NetworkPane(), CONVNET, size=(80, 24)) as pane:
        assert columns(pane.line("Flatten"))[1] == "[12544]"
        assert "125,450" in pane.line("Linear 10")


async def test_shapes_below_follow_each_keystroke() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("enter", "0")
        assert columns(pane.line("Tanh")) == ["Tanh", "[80]"]
        assert columns(pane.line("Linear 2"))[2:] == ["[2]", "162"]

        await pane.press("backspace", "backspace")
        assert "✗ Linear needs out_features" in pane.text
        assert columns(pane.line("Tanh")) == ["Tanh"]

        await pane.press("3")
        assert columns(pane.line("Tanh")) == ["Tanh", "[3]"]
        assert pane.edits == []


async def test_a_line_below_that_no_longer_fits_says_why() -> None:
    async with open_pane(NetworkPane(), CONVNET, size=(80, 24)) as pane:
        await pane.press("down", "down", "enter", "ctrl+u")
        await pane.type("Conv2d 8 padding=same")

        assert "✗ Residual adds its input, [16, 28, 28], to its output" in pane.text


async def test_an_output_that_does_not_fit_the_data_is_reported_with_a_fix() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("end", "up", "enter", "backspace", "3", "enter")

        assert "✗ its output is [3], but 2 classes" in pane.text
        assert "end it with Linear 2" in pane.text

        await pane.press("F")

        assert pane.edits[-1] == ("network", ("Linear 8", "Tanh", "Linear auto"))
        assert columns(pane.line("auto"))[:4] == ["Linear", "auto", "[2]", "18"]
        assert "its output is" not in pane.text


async def test_an_empty_network_shows_what_to_press() -> None:
    async with open_pane(NetworkPane(), Experiment(), size=(80, 24)) as pane:
        assert "No layers yet. Press a and type, such as Linear 16" in pane.text
        await pane.press("a")
        await pane.type("Linear 2")
        await pane.press("enter")

        assert pane.edits == [("network", ("Linear 2",))]


async def test_blocks_fold_and_stay_folded_where_they_move() -> None:
    async with open_pane(NetworkPane(), CONVNET, size=(80, 24)) as pane:
        await pane.press("down", "left")
        assert "▸ Residual … 2 inside" in pane.text and "padding=same" not in pane.text
        await pane.press("K")
        assert "▸ Residual … 2 inside" in pane.text
        await pane.press("right")
        assert "▾ Residual" in pane.text and "│ ReLU" in pane.text


async def test_a_click_on_the_triangle_folds() -> None:
    async with open_pane(NetworkPane(), CONVNET, size=(80, 24)) as pane:
        await pane.click("▾ Residual", column=pane.line("▾").index("▾"))

        assert "▸ Residual … 2 inside" in pane.text
        assert not pane.pane.is_typing


async def test_a_change_during_training_is_marked_and_waits_for_a_restart() -> None:
    async with open_pane(NetworkPane(), SPIRAL, make_training_run(SPIRAL)) as pane:
        assert "restart" not in pane.text
        await pane.press("down", "enter", "ctrl+u")
        await pane.type("ReLU")
        await pane.press("enter")

        assert "~ReLU" in pane.line("ReLU")
        assert "~Linear" not in pane.text
        assert "~ changed: E live, r restart" in pane.text


async def test_a_change_of_dropout_needs_no_restart() -> None:
    dropping = Experiment(network=("Linear 8", "Dropout 0.5", "Linear 2"))
    async with open_pane(NetworkPane(), dropping, make_training_run(dropping)) as pane:
        await pane.press("down", "enter", "backspace", "1", "enter")

        assert pane.edits[-1][1][1] == "Dropout 0.1"
        assert "restart" not in pane.text


async def test_the_cursor_goes_to_the_line_that_undo_restored() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("down", "d", "home")
        pane.app.show(SPIRAL)
        await pane.pilot.pause()

        assert pane.pane.line_list.cursor == (1,)


async def test_a_line_longer_than_its_room_is_shown_in_full_below() -> None:
    async with open_pane(NetworkPane(), CONVNET) as pane:
        assert "kernel_size=3 padding=1" not in pane.line("Conv2d 16 ker")
        assert "Conv2d 16 kernel_size=3 padding=1" in pane.text


async def test_escape_sequences_of_a_file_never_reach_the_terminal() -> None:
    experiment = Experiment(network=("Linear 8\x1b[31m\tx", "Linear 2"))
    async with open_pane(NetworkPane(), experiment) as pane:
        assert "\x1b" not in pane.text and "\t" not in pane.text
        await pane.press("enter", "escape")


async def test_a_hundred_layers_scroll_and_are_drawn_in_one_widget() -> None:
    deep = Experiment(network=("Linear 8", "Tanh") * 50 + ("Linear 2",))
    async with open_pane(NetworkPane(), deep) as pane:
        await pane.press("end", "up")

        assert columns(pane.line("›"))[:2] == ["Linear", "2"]
        assert len(pane.pane.query("*")) < 8


async def test_resizing_the_screen_keeps_typed_text() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("down", "enter")
        await pane.pilot.resize_terminal(20, 5)
        await pane.pilot.resize_terminal(52, 26)
        await pane.press("x", "enter")

        assert pane.edits == [("network", ("Linear 8", "Tanhx", "Linear 2"))]


async def test_a_terminal_without_unicode_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUILAB_GLYPHS", "ascii")
    async with open_pane(NetworkPane(), CONVNET, size=(80, 24)) as pane:
        await pane.press("down")
        assert pane.line("v Residual").lstrip("│┃ ").startswith(">")
        await pane.press("left")
        assert "> Residual ~ 2 inside" in pane.text


async def test_a_warning_is_shown_under_its_line() -> None:
    experiment = Experiment(network=("Linear 8", "Linear 2"))
    async with open_pane(NetworkPane(), experiment, size=(80, 24)) as pane:
        below = pane.text.splitlines()[pane.row("Linear 2") + 1]
        assert "! two Linear layers without an activation" in below
        await pane.press("a")
        assert "! two Linear" not in pane.text, "not while a line is typed"
        await pane.type("ReLU")
        await pane.press("enter")
        assert "!" not in pane.text


async def test_a_warning_about_another_knob_names_its_key() -> None:
    experiment = with_value(SPIRAL, "initialization.weights", "zeros")
    async with open_pane(NetworkPane(), experiment, size=(80, 24)) as pane:
        assert "! initialization.weights: all units of a layer start with the same" in pane.text


async def test_with_an_error_there_are_no_warnings() -> None:
    wrong = Experiment(network=("Linear 8", "Linear 3"))
    async with open_pane(NetworkPane(), wrong, size=(80, 24)) as pane:
        assert "✗ " in pane.text and "! " not in pane.text


async def test_a_frozen_layer_is_marked_and_a_frozen_block_marks_its_lines() -> None:
    frozen = Experiment(
        network=("Linear 8 frozen=true", ("Residual frozen=true", "Linear 8"), "ReLU", "Linear 2")
    )
    async with open_pane(NetworkPane(), frozen, size=(80, 24)) as pane:
        assert "❄ Linear 8 " in pane.line("[8]") and "frozen=true" not in pane.text
        assert "frozen ❄" in pane.text
        assert "❄ Residual" in pane.text and "│ ❄ Linear 8" in pane.text
        assert "❄" not in pane.line("Linear 2")

"""The network pane: the edits it requests."""

from textual import events

from tests.support.pane_pilot import open_pane
from tuilab.core.catalogue.data.images import FashionMNIST
from tuilab.core.catalogue.data.points import Spiral
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.network.complete import complete
from tuilab.ui.panes.network.network_pane import NetworkPane

SPIRAL = Experiment(network=("Linear 8", "Tanh", "Linear 2"), data=Spiral())
CONVNET = Experiment(
    network=(
        "Conv2d 16 kernel_size=3 padding=1",
        ("Residual", "Conv2d 16 padding=same", "ReLU"),
        "Flatten",
        "Linear 10",
    ),
    data=FashionMNIST(),
)


async def test_a_line_is_added_below_the_cursor() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("down", "a")
        await pane.type("Linear 4")
        assert pane.edits == []
        await pane.press("enter")

        assert pane.edits == [("network", ("Linear 8", "Tanh", "Linear 4", "Linear 2"))]


async def test_pasted_code_over_several_lines_is_taken_whole() -> None:
    code = "nn.Sequential(\n    nn.Linear(2, 4 * 4),  # hidden\n    nn.ReLU(),\n)\n"
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("a")
        pane.pane.screen.post_message(events.Paste(code))
        await pane.press("enter", "a")
        pane.pane.screen.post_message(events.Paste("\n\nDropout 0.2\nTanh\n"))
        await pane.press("enter")

        block, line = pane.edits[0][1][1], pane.edits[1][1]
        assert block == ("Sequential", "Linear 16 in_features=2", "ReLU")
        assert "Dropout 0.2" in str(line) and "Tanh\n" not in str(line)


async def test_a_line_is_added_above_the_cursor() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("A")
        await pane.type("Dropout")
        await pane.press("enter")

        assert pane.edits == [("network", ("Dropout", "Linear 8", "Tanh", "Linear 2"))]


async def test_adding_in_an_open_block_puts_the_line_into_it() -> None:
    async with open_pane(NetworkPane(), CONVNET) as pane:
        await pane.press("down", "a")
        await pane.type("ReLU")
        await pane.press("enter")

        block = ("Residual", "ReLU", "Conv2d 16 padding=same", "ReLU")
        assert pane.edits[-1][1][1] == block


async def test_a_line_is_edited_in_place() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("enter", "backspace")
        await pane.type("16")
        await pane.press("enter")

        assert pane.edits == [("network", ("Linear 16", "Tanh", "Linear 2"))]


async def test_escape_leaves_the_network_as_it_was() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("enter")
        await pane.type("000")
        await pane.press("escape", "a", "x", "escape")

        assert pane.edits == []
        assert "Linear 8000" not in pane.text
        assert pane.pane.line_list.has_focus


async def test_an_invalid_line_is_kept_with_its_error() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("down", "enter")
        await pane.type("h 3")
        await pane.press("enter")

        assert pane.edits == [("network", ("Linear 8", "Tanhh 3", "Linear 2"))]
        assert "✗ there is no layer Tanhh; nearest to" in pane.text


async def test_a_block_is_created_by_its_name_and_keeps_its_lines_when_renamed() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("a")
        await pane.type("residual")
        await pane.press("enter")
        assert pane.edits == [("network", ("Linear 8", ("Residual",), "Tanh", "Linear 2"))]

        await pane.press("a")
        await pane.type("Linear 8")
        await pane.press("enter", "up", "enter", "ctrl+u")
        await pane.type("Repeat 2")
        await pane.press("enter")
        assert pane.edits[-1][1] == ("Linear 8", ("Repeat 2", "Linear 8"), "Tanh", "Linear 2")


async def test_lines_are_removed_duplicated_and_moved() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("d")
        assert pane.edits[-1][1] == ("Tanh", "Linear 2")
        await pane.press("c")
        assert pane.edits[-1][1] == ("Tanh", "Tanh", "Linear 2")
        await pane.press("J")
        assert pane.edits[-1][1] == ("Tanh", "Linear 2", "Tanh")
        await pane.press("shift+up")
        assert pane.edits[-1][1] == ("Tanh", "Tanh", "Linear 2")
        await pane.press("end", "up", "K", "K")
        assert pane.edits[-1][1] == ("Linear 2", "Tanh", "Tanh")
        await pane.press("K")
        assert len(pane.edits) == 6


async def test_a_line_is_wrapped_in_a_block_that_is_chosen() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("down", "b")
        assert "A block: its input is added" in pane.text
        await pane.press("down", "enter", "enter")
        assert pane.edits == [("network", ("Linear 8", ("Repeat 2", "Tanh"), "Linear 2"))]

        await pane.press("B")
        assert pane.edits[-1] == ("network", ("Linear 8", "Tanh", "Linear 2"))


async def test_tab_completes_layers_and_their_arguments() -> None:
    async with open_pane(NetworkPane(), CONVNET, size=(80, 24)) as pane:
        await pane.press("a")
        await pane.type("maxp")
        assert "Keeps the largest value in each window." in pane.text
        await pane.press("tab")
        assert "kernel_size: Height and width of the window" in pane.text
        await pane.type("3 s")
        await pane.press("tab", "2", "enter")

        assert pane.edits[-1][1][1] == "MaxPool2d 3 stride=2"


async def test_enter_takes_the_suggestion_that_the_arrows_selected() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("a", "down", "up", "up", "enter")
        last = complete("", (8,)).suggestions[-1].text
        assert pane.pane.input.value == last
        await pane.press("2", "enter")

        assert pane.edits[-1][1][1] == f"{last}2"


async def test_a_click_selects_and_another_edits() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.click("Tanh")
        assert pane.pane.line_list.cursor == (1,) and not pane.pane.is_typing
        await pane.click("Tanh")
        assert pane.pane.is_typing and pane.pane.input.value == "Tanh"


async def test_a_click_elsewhere_keeps_what_was_typed() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("enter", "0")
        await pane.click("Tanh")

        assert pane.edits == [("network", ("Linear 80", "Tanh", "Linear 2"))]
        assert not pane.pane.is_typing


async def test_a_click_on_the_last_line_adds_and_one_on_a_suggestion_takes_it() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.click("+ add a layer")
        assert pane.pane.is_typing
        await pane.click("Dropout  ")
        assert pane.pane.input.value == "Dropout "
        assert pane.pane.input.has_focus


async def test_a_key_freezes_and_unfreezes_a_layer() -> None:
    async with open_pane(NetworkPane(), SPIRAL) as pane:
        await pane.press("z")
        assert pane.edits[-1][1] == ("Linear 8 frozen=true", "Tanh", "Linear 2")
        assert "❄ Linear 8" in pane.text
        await pane.press("z")
        assert pane.edits[-1][1] == SPIRAL.network
        await pane.press("down", "z")
        assert len(pane.edits) == 2, "Tanh learns nothing"


async def test_a_block_is_frozen_as_a_whole() -> None:
    async with open_pane(NetworkPane(), CONVNET, size=(80, 24)) as pane:
        await pane.press("down", "z")
        assert pane.edits[-1][1][1][0] == "Residual frozen=true"

"""The explanation: a panel that says what the cursor stands on, and follows it."""

import pytest

from tests.support.fakes import SPIRAL, lab
from tests.support.holder import SIZES, held
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.network.registry import LAYERS
from tuilab.core.reference.articles import layer
from tuilab.ui.panes.knobs.knobs_pane import KnobsPane
from tuilab.ui.panes.network.network_pane import NetworkPane
from tuilab.ui.widgets.help_panel import _lines

NETWORK = Experiment(network=("Linear 8", "Tanh", "Linear 2"))


@pytest.mark.parametrize("size", SIZES)
async def test_a_layer_is_explained_and_the_next_one_too(size: tuple[int, int]) -> None:
    async with held(NetworkPane(), NETWORK, size=size) as pane:
        await pane.press("i")
        assert "Linear · layer" in pane.text and "Formula" in pane.text
        await pane.press("down")
        assert "Tanh · layer" in pane.text and "Linear · layer" not in pane.text
        assert "Tanh  " in pane.text, "the line itself stays in sight"
        await pane.press("escape")
        assert "Pitfall" not in pane.text and "Tanh" in pane.text


async def test_the_same_key_closes_it_and_so_does_a_click() -> None:
    async with held(NetworkPane(), NETWORK, size=(80, 24)) as pane:
        await pane.press("i", "i")
        assert "Pitfall" not in pane.text
        await pane.press("i")
        await pane.click("Pitfall")
        assert "Pitfall" not in pane.text
        assert pane.edited == []


async def test_while_a_line_is_typed_the_suggestion_is_explained() -> None:
    async with held(NetworkPane(), NETWORK, size=(80, 40)) as pane:
        await pane.press("a", "f1")
        await pane.type("drop")
        assert "Dropout · layer" in pane.text
        await pane.press("down")
        assert "Dropout · layer" not in pane.text


async def test_a_knob_is_explained_with_range_and_default() -> None:
    async with held(KnobsPane(), SPIRAL, size=(80, 30)) as pane:
        pane.pane.rows.cursor = "optimizer.lr"
        await pane.press("i")
        assert "optimizer.lr · knob" in pane.text
        assert "How far each step moves" in pane.text
        assert "live: they reach a run" in pane.text


async def test_going_through_choices_explains_each() -> None:
    async with held(KnobsPane(), SPIRAL, size=(80, 40)) as pane:
        pane.pane.rows.cursor = "optimizer.name"
        await pane.press("i", "enter")
        assert "adamw · optimizer" in pane.text
        await pane.press("down")
        assert "nadam · optimizer" in pane.text
        await pane.press("escape")
        assert "adamw · optimizer" in pane.text, "the tray is closed, the explanation is not"
        await pane.press("escape")
        assert "· optimizer" not in pane.text and pane.edited == []


async def test_it_stands_beside_its_pane_and_goes_with_the_focus() -> None:
    async with lab(size=(120, 40)) as it:
        await it.press("1", "i")
        panel = it.app.lab.network.explanation.region
        assert panel.x >= it.app.lab.network.region.right - 1 and panel.right <= 120
        await it.press("2")
        await it.until(lambda: "Formula" not in it.text)


@pytest.mark.parametrize("width", [42, 68])
def test_every_explanation_of_a_layer_fits_on_a_small_screen(width: int) -> None:
    tall = {name: len(list(_lines(layer(name), width))) for name in LAYERS}  # type: ignore[arg-type]
    assert max(tall.values()) <= (22 if width > 60 else 34), tall

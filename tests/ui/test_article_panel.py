"""The article panel: it explains the line at the cursor, and follows it."""

import pytest

from tests.support.fake_link import SPIRAL
from tests.support.lab_pilot import open_lab
from tests.support.pane_pilot import SIZES, open_pane
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.network.registry import LAYERS
from tuilab.core.reference.articles import layer_article
from tuilab.ui.panes.knobs.knobs_pane import KnobsPane
from tuilab.ui.panes.network.network_pane import NetworkPane
from tuilab.ui.widgets.article_panel import _format

NETWORK = Experiment(network=("Linear 8", "Tanh", "Linear 2"))


@pytest.mark.parametrize("size", SIZES)
async def test_the_panel_explains_the_layer_at_the_cursor(size: tuple[int, int]) -> None:
    async with open_pane(NetworkPane(), NETWORK, size=size) as pane:
        await pane.press("i")
        assert "Linear · layer" in pane.text and "Formula" in pane.text
        await pane.press("down")
        assert "Tanh · layer" in pane.text and "Linear · layer" not in pane.text
        assert "Tanh  " in pane.text, "the line itself stays visible"
        await pane.press("escape")
        assert "Pitfall" not in pane.text and "Tanh" in pane.text


async def test_the_same_key_or_a_click_closes_the_panel() -> None:
    async with open_pane(NetworkPane(), NETWORK, size=(80, 24)) as pane:
        await pane.press("i", "i")
        assert "Pitfall" not in pane.text
        await pane.press("i")
        await pane.click("Pitfall")
        assert "Pitfall" not in pane.text
        assert pane.edits == []


async def test_while_a_line_is_typed_the_suggestion_is_explained() -> None:
    async with open_pane(NetworkPane(), NETWORK, size=(80, 40)) as pane:
        await pane.press("a", "f1")
        await pane.type("drop")
        assert "Dropout · layer" in pane.text
        await pane.press("down")
        assert "Dropout · layer" not in pane.text


async def test_a_knob_is_explained_with_range_and_default() -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=(80, 30)) as pane:
        pane.pane.line_list.cursor = "optimizer.lr"
        await pane.press("i")
        assert "optimizer.lr · hyperparameter" in pane.text
        assert "what each update is multiplied by" in pane.text
        assert "during training" in pane.text


async def test_going_through_choices_explains_each() -> None:
    async with open_pane(KnobsPane(), SPIRAL, size=(80, 40)) as pane:
        pane.pane.line_list.cursor = "optimizer.name"
        await pane.press("i", "enter")
        assert "adamw · optimizer" in pane.text
        await pane.press("down")
        assert "nadam · optimizer" in pane.text
        await pane.press("escape")
        assert "adamw · optimizer" in pane.text, "the choices are closed, the explanation is not"
        await pane.press("escape")
        assert "· optimizer" not in pane.text and pane.edits == []


async def test_the_panel_is_beside_its_pane_and_closes_when_the_focus_leaves() -> None:
    async with open_lab(size=(120, 40)) as lab:
        await lab.press("1", "i")
        panel = lab.app.main_screen.panes.network.article_panel.region
        assert panel.x >= lab.app.main_screen.panes.network.region.right - 1 and panel.right <= 120
        await lab.press("2")
        await lab.wait_until(lambda: "Formula" not in lab.text)


@pytest.mark.parametrize("width", [42, 68])
def test_every_explanation_of_a_layer_fits_on_a_small_screen(width: int) -> None:
    heights: dict[str, int] = {}
    for name in LAYERS:
        article = layer_article(name)
        assert article is not None
        heights[name] = len(list(_format(article, width)))
    assert max(heights.values()) <= (22 if width > 60 else 34), heights

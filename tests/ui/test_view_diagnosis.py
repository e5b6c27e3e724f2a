"""The diagnosis on the screen: what is found, its evidence, and fixes on a key."""

import pytest
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from tests.support.fakes import READY, SIZES, Lab, history, lab
from tuilab.core.diagnosis.finding import Fix
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Set, Start
from tuilab.core.protocol.events import AnyEvent, Finished, LayerStatsReported, Paused
from tuilab.core.protocol.records import Activity, LayerStatistics
from tuilab.ui.views.diagnosis.diagnosis_page import described
from tuilab.ui.views.diagnosis.diagnosis_view import DiagnosisView

DYING = Experiment(
    title="A spiral", network=("Linear 16", "ReLU", "Linear 16", "Softmax", "Linear 2", "Softmax")
)
RELU = Experiment(title="A spiral", network=("Linear 16", "ReLU", "Linear 16", "Tanh", "Linear 2"))


def dying(run: str, experiment: Experiment, steps: int) -> list[AnyEvent]:
    """A run whose ReLUs die while its loss falls."""
    events = history(run, experiment, steps)
    for step in range(10, steps + 1, 10):
        seen = Activity("ReLU after 1 Linear", 0.9, min(0.97, 0.5 + step / 1000), 0.0)
        layers = [LayerStatistics(f"{n} Linear", 0.1, 2e-3, 4.0) for n in (1, 2, 3)]
        events.append(LayerStatsReported(run, step, layers, [seen]))
    return events


async def opened(it: Lab, steps: int = 500) -> DiagnosisView:
    """A paused run with dead ReLUs, and the diagnosis in focus."""
    await it.press("space")
    run = it.link.run
    await it.play(READY, *dying(run, it.desk.experiment, steps), Paused(run, steps))
    await it.press("exclamation_mark")
    view = it.app.lab.inside.view
    assert isinstance(view, DiagnosisView)
    return view


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_found_looks_the_same(
    size: tuple[int, int], screens: SnapshotAssertion
) -> None:
    async with lab(RELU, size) as it:
        await opened(it)
        await it.shows("Most units of ReLU after 1 Linear are")

        assert it.text == screens


@pytest.mark.parametrize("size", SIZES)
async def test_evidence_reason_and_ways_out_are_read_at_every_size(size: tuple[int, int]) -> None:
    async with lab(RELU, size) as it:
        view = await opened(it)
        await it.shows("Evidence", "What to do", "a  LeakyReLU for ReLU", "w  learning rate 0.0001")

        assert it.app.focused is view
        assert "88%" in it.text


async def test_where_nothing_is_wrong_it_says_so_and_what_is_watched() -> None:
    async with lab(RELU) as it:
        await it.train()
        await it.press("exclamation_mark")

        await it.shows("Nothing wrong is found, as of step", "Watched as it trains")
        assert "shows 1 finding" not in it.text


async def test_before_a_run_it_says_what_to_press() -> None:
    async with lab(RELU) as it:
        await it.press("exclamation_mark")

        await it.shows("Press space to start training")
        await it.press("a", "enter", "down")


async def test_a_live_fix_goes_to_the_host_and_is_taken_back() -> None:
    async with lab(RELU) as it:
        await opened(it)
        await it.press("w")
        assert it.link.commands(Set) == [Set("optimizer.lr", 0.0001)]
        await it.shows("It holds from now on; u takes it back")

        await it.press("u")
        assert it.link.commands(Set)[-1] == Set("optimizer.lr", 0.001)
        assert it.desk.experiment == RELU


async def test_a_fix_that_needs_a_restart_waits_for_it_and_can_be_taken_back() -> None:
    async with lab(RELU) as it:
        await opened(it)
        await it.press("a")
        assert it.desk.experiment.network[1] == "LeakyReLU"
        assert not it.link.commands(Set)
        await it.shows("✓ r restarts", "r restarts with it; u takes it back")

        await it.press("r", "r")
        assert it.link.commands(Start)[-1].experiment.network[1] == "LeakyReLU"
        await it.press("u")
        assert it.desk.experiment == RELU


async def test_the_arrows_choose_among_several_findings() -> None:
    async with lab(DYING, (120, 40)) as it:
        view = await opened(it)
        await it.shows("Softmax is applied twice")
        first = view.chosen
        await it.press("down")
        assert view.chosen == "dead_relus" != first
        await it.shows("of them were 0 for every example")
        await it.press("up")
        await it.shows("applies it itself")


async def test_a_sign_in_the_status_line_leads_to_it_and_goes_when_it_is_read() -> None:
    async with lab(RELU, (120, 40)) as it:
        await it.press("space")
        run = it.link.run
        await it.play(READY, *dying(run, it.desk.experiment, 500), Paused(run, 500))
        await it.shows("! shows 1 finding")

        await it.press("exclamation_mark")
        await it.until(lambda: "! shows 1 finding" not in it.text)


async def test_two_moments_stand_side_by_side() -> None:
    async with lab(RELU, (120, 40)) as it:
        await opened(it, 300)
        await it.press("b")
        run = it.link.run
        await it.play(*dying(run, RELU, 500)[-51:], Paused(run, 800))

        await it.shows("step 300 (kept)", "step 800")
        for line in it.text.splitlines():
            assert cell_len(line) <= 120


async def test_what_is_left_of_a_finished_run_is_told_at_once() -> None:
    async with lab(RELU) as it:
        await it.press("space")
        run = it.link.run
        end = Finished(run, "done", 500, 38, 9.0, {"test": {"loss": 0.1, "accuracy": 0.97}})
        await it.play(READY, *dying(run, RELU, 500), end)

        await it.shows("! shows 1 finding")


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TUILAB_GLYPHS": "ascii"}])
async def test_it_reads_without_colours_and_in_ascii(
    setting: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    async with lab(RELU, (120, 40)) as it:
        view = await opened(it)
        grid = view.drawn(70, 30)

        drawn = "\n".join("".join(sign for sign, _ in row) for row in grid.cells)
        assert "Most units of ReLU" in drawn and "What to do" in drawn
        assert drawn.isascii() == (setting.get("TUILAB_GLYPHS") == "ascii")


@pytest.mark.parametrize("size", [(36, 10), (44, 8), (20, 3), (150, 45)])
async def test_the_fixes_are_there_however_small_it_is(size: tuple[int, int]) -> None:
    async with lab(RELU) as it:
        view = await opened(it)

        grid = view.drawn(*size)

        drawn = "\n".join("".join(sign for sign, _ in row) for row in grid.cells)
        assert ("a  LeakyReLU" in drawn) == (size[1] > 3)


def test_a_fix_is_described_by_its_key_and_value() -> None:
    assert described(Fix("no limit", "training.clip_grad_norm", 0.0)) == (
        "training.clip_grad_norm = 0"
    )
    assert described(Fix("other lines", "network", ("Linear 2",))) == "network"

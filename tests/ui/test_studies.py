"""Searches and cross-validation from the lab: their dialogs, and what becomes of the run."""

from tests.support.fake_link import SPIRAL
from tests.support.lab_pilot import open_lab
from tuilab.core.catalogue.data.graphs import Karate
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.format import format_rounds
from tuilab.core.protocol.commands import Cancel, CrossValidate, Find, SetKnob, Start, TrainSeeds
from tuilab.core.protocol.events import CrossValidated, FinderReported, Loading, SeedsReported
from tuilab.core.protocol.records import SeedRun
from tuilab.core.run.bands import BandPoint
from tuilab.core.run.significance import MeanStd
from tuilab.ui.screens.study import CrossValidation, Search, SeedRepeats

SMALL = (80, 24)
RATES = [(10 ** (-4 + index / 10), 1 - index / 50) for index in range(30)]


def lr_report(
    run: str, suggestion: float | None = 0.012, note: str = "it falls fastest"
) -> FinderReported:
    return FinderReported(run, "lr", RATES if suggestion else [], suggestion, note)


async def test_a_learning_rate_is_searched_on_the_run_and_set_by_enter() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        run = await lab.train(steps=20)
        await lab.press("L")
        assert lab.link.commands(Find) == [Find("lr")]
        await lab.play(Loading("Trying learning rate 0.001", 0.4))
        await lab.wait_for_text("Find a learning rate", "Trying learning rate 0.001", "40%")

        await lab.play(lr_report(run))
        await lab.wait_for_text("suggested 0.012", "log10 of lr", "✓ 0.012: it falls fastest.")
        await lab.press("enter")
        assert lab.link.commands(SetKnob) == [SetKnob("optimizer.lr", 0.012)]
        assert not isinstance(lab.app.screen, Search)


async def test_a_search_measures_the_edited_experiment_when_the_run_is_of_another() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        run = await lab.train(steps=20)
        moons = with_value(lab.workspace.experiment, "data.name", "moons")
        lab.workspace.edit(moons)
        await lab.press("L")
        assert lab.link.commands(Find) == [Find("lr", experiment=moons)]
        assert len(lab.link.commands(Start)) == 1, "the run goes on"

        await lab.play(lr_report(run))
        await lab.wait_for_text("✓ 0.012")
        assert "current weights" not in lab.text, "they are not of this experiment"
        await lab.press("enter")
        assert lab.workspace.experiment.optimizer.lr == 0.012
        assert lab.link.commands(SetKnob) == [], "the run keeps its own"


async def test_an_edited_experiment_that_cannot_start_is_not_searched() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.train(steps=20)
        lab.workspace.edit(with_value(lab.workspace.experiment, "network", ["Linear 9"]))
        await lab.press("S")
        await lab.wait_for_text("It cannot start yet")
        assert lab.link.commands(Find) == []


async def test_escape_leaves_everything_as_it_was() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        run = await lab.train(steps=20)
        await lab.press("L")
        await lab.play(lr_report(run))
        await lab.press("escape")
        assert lab.link.commands(SetKnob) == [] and lab.link.commands(Cancel) == []
        assert lab.workspace.experiment == SPIRAL


async def test_escape_before_the_end_cancels_the_search() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.train(steps=20)
        await lab.press("L", "escape")
        assert lab.link.commands(Cancel) == [Cancel()]


async def test_the_rate_at_the_cursor_is_set() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        run = await lab.train(steps=20)
        await lab.press("L")
        await lab.play(lr_report(run))
        await lab.press("left")
        await lab.wait_until(lambda: "log10 of lr -1.1" in lab.text)
        await lab.press("enter")
        [command] = lab.link.commands(SetKnob)
        assert command.value == 0.079


async def test_without_a_run_a_paused_one_is_started() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("S")
        [start] = lab.link.commands(Start)
        assert start.paused and lab.link.sent[-1] == Find("batch_size")
        sizes = [(8.0, 100.0), (16.0, 180.0), (32.0, 200.0)]
        await lab.play(FinderReported(start.run, "batch_size", sizes, 32.0, "nearly as fast"))
        await lab.wait_for_text("examples/s", "log2 of batch size", "✓ 32")
        await lab.press("enter")
        assert lab.workspace.experiment.data.batch_size == 32


async def test_a_search_without_a_result_shows_the_reason() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        run = await lab.train(steps=20)
        await lab.press("L")
        await lab.press("enter")
        assert isinstance(lab.app.screen, Search), "there is nothing to take yet"
        await lab.play(lr_report(run, None, "L-BFGS chooses the length of its steps itself"))
        await lab.wait_for_text("✗ L-BFGS chooses")
        await lab.press("enter")
        assert lab.link.commands(SetKnob) == []


async def test_a_single_example_has_no_batch_size() -> None:
    graph = Experiment(data=Karate(), network=("Linear 2",))
    async with open_lab(graph, SMALL) as lab:
        await lab.press("S")
        await lab.wait_for_text("single example")
        assert lab.link.commands(Find) == []


def cross_validated(rounds: int, total: int = 3) -> CrossValidated:
    results = [{"loss": 0.5, "accuracy": 0.9 + number / 100} for number in range(rounds)]
    return CrossValidated(
        results, total, {"loss": 0.5, "accuracy": 0.91}, {"loss": 0.0, "accuracy": 0.01}
    )


async def test_a_cross_validation_shows_each_round_with_mean_and_standard_deviation() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("V")
        await lab.press("backspace", "3", "enter")
        assert lab.link.commands(CrossValidate) == [CrossValidate(SPIRAL, 3)]
        await lab.play(cross_validated(1))
        await lab.wait_for_text("Cross-validation", "accuracy", "0.9")
        await lab.press("enter")
        assert isinstance(lab.app.screen, CrossValidation)
        await lab.play(cross_validated(3))
        await lab.wait_for_text("mean", "±", "0.91", "0.01", "all 3 rounds are over")
        await lab.press("enter")
        assert lab.link.commands(Cancel) == []


async def test_leaving_a_cross_validation_early_cancels_it() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("V", "enter")
        await lab.play(cross_validated(1))
        await lab.press("escape")
        assert lab.link.commands(Cancel) == [Cancel()]


async def test_a_wrong_number_of_folds_is_reported_at_once() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("V", "backspace", "1")
        await lab.wait_for_text("from 2 to 100 folds")
        await lab.press("enter")
        assert lab.link.commands(CrossValidate) == []


def test_the_table_has_a_row_for_each_round() -> None:
    report = cross_validated(2)
    ends = {"mean": report.mean, "±": report.std}
    lines = format_rounds(report.results, ends, ["accuracy", "loss"]).splitlines()
    assert lines[0].split() == ["round", "accuracy", "loss"]
    assert lines[2].split() == ["2", "0.91", "0.5"]
    assert [line.split()[0] for line in lines[3:]] == ["mean", "±"]


def seeds_reported(run: str, *, is_over: bool) -> SeedsReported:
    losses = [(1.0 - step / 20, step) for step in range(1, 11)]
    band = [BandPoint(step, y, y - 0.1, y + 0.1, y - 0.05, y + 0.05, 3) for y, step in losses]
    runs = [SeedRun(seed, f"a-s{seed}", "done" if is_over else "training") for seed in (0, 1, 2)]
    summary = {"test.accuracy": MeanStd(3, 0.91, 0.012)} if is_over else {}
    bands = {"loss/train": band, "accuracy/validation": band}
    return SeedsReported("a", runs, 0.5, is_over, "3 seeds, trained together", summary, bands)


async def test_seeds_are_a_band_in_the_dialog_and_then_in_the_charts() -> None:
    async with open_lab(SPIRAL, (120, 40)) as lab:
        run = await lab.train(steps=20)
        await lab.press("M")
        await lab.wait_for_text("How many seeds?")
        await lab.press("backspace", "3", "enter")
        assert lab.link.commands(TrainSeeds) == [TrainSeeds(SPIRAL, (0, 1, 2))]
        await lab.play(
            Loading("Training 3 seeds together", 0.5), seeds_reported(run, is_over=False)
        )
        await lab.wait_for_text("Training 3 seeds together", "train, 3 seeds", "3 training")
        await lab.press("enter")
        assert isinstance(lab.app.screen, SeedRepeats), "it is not over"

        await lab.play(seeds_reported(run, is_over=True))
        await lab.wait_for_text(
            "test.accuracy  0.91 ± 0.012  n = 3", "✓ 3 seeds, trained together."
        )
        await lab.press("enter")
        assert lab.link.commands(Cancel) == []
        await lab.wait_for_text("─■─ train, 3 seeds")
        assert not isinstance(lab.app.screen, SeedRepeats)


async def test_leaving_seeds_early_cancels_them() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("M", "enter", "escape")
        assert lab.link.commands(Cancel) == [Cancel()]


async def test_seeds_that_cannot_be_trained_say_why() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("M", "enter")
        await lab.play(SeedsReported("", [], 1.0, True, "the file is gone"))
        await lab.wait_for_text("✗ the file is gone.")


async def test_a_wrong_list_of_seeds_is_reported_at_once() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("M", "5", "comma", "5")
        await lab.wait_for_text("the seed 5 is there twice")
        await lab.press("enter")
        assert lab.link.commands(TrainSeeds) == []

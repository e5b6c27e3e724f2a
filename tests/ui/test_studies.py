"""Searches and cross-validation from the lab: a dialog that follows, and a run that stays."""

from tests.support.fakes import SPIRAL, lab
from tuilab.core.catalogue.data_sets import Karate
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Cancel, Find, Set, Start, Validate
from tuilab.core.protocol.events import Found, Loading, Validated
from tuilab.ui.screens.study import Folds, Search, table

SMALL = (80, 24)
RATES = [(10 ** (-4 + place / 10), 1 - place / 50) for place in range(30)]


def found(run: str, suggestion: float | None = 0.012, note: str = "it falls fastest") -> Found:
    return Found(run, "lr", RATES if suggestion else [], suggestion, note)


async def test_a_learning_rate_is_searched_on_the_run_and_taken_by_enter() -> None:
    async with lab(SPIRAL, SMALL) as it:
        run = await it.train(steps=20)
        await it.press("L")
        assert it.link.commands(Find) == [Find("lr")]
        await it.play(Loading("Trying learning rate 0.001", 0.4))
        await it.shows("Find a learning rate", "Trying learning rate 0.001", "40%")

        await it.play(found(run))
        await it.shows("suggested 0.012", "log10 of lr", "✓ 0.012: it falls fastest.")
        await it.press("enter")
        assert it.link.commands(Set) == [Set("optimizer.lr", 0.012)]
        assert not isinstance(it.app.screen, Search)


async def test_escape_leaves_everything_as_it_was() -> None:
    async with lab(SPIRAL, SMALL) as it:
        run = await it.train(steps=20)
        await it.press("L")
        await it.play(found(run))
        await it.press("escape")
        assert it.link.commands(Set) == [] and it.link.commands(Cancel) == []
        assert it.desk.experiment == SPIRAL


async def test_escape_before_it_is_over_ends_the_search() -> None:
    async with lab(SPIRAL, SMALL) as it:
        await it.train(steps=20)
        await it.press("L", "escape")
        assert it.link.commands(Cancel) == [Cancel()]


async def test_another_rate_is_taken_at_the_cursor() -> None:
    async with lab(SPIRAL, SMALL) as it:
        run = await it.train(steps=20)
        await it.press("L")
        await it.play(found(run))
        await it.press("left")
        await it.until(lambda: "log10 of lr -1.1" in it.text)
        await it.press("enter")
        [command] = it.link.commands(Set)
        assert command.value == 0.079


async def test_without_a_run_one_begins_that_waits() -> None:
    async with lab(SPIRAL, SMALL) as it:
        await it.press("S")
        [start] = it.link.commands(Start)
        assert start.paused and it.link.sent[-1] == Find("batch_size")
        sizes = [(8.0, 100.0), (16.0, 180.0), (32.0, 200.0)]
        await it.play(Found(start.run, "batch_size", sizes, 32.0, "nearly as fast"))
        await it.shows("examples/s", "log2 of batch size", "✓ 32")
        await it.press("enter")
        assert it.desk.experiment.data.batch_size == 32  # type: ignore[union-attr]


async def test_a_search_that_finds_nothing_says_why() -> None:
    async with lab(SPIRAL, SMALL) as it:
        run = await it.train(steps=20)
        await it.press("L")
        await it.press("enter")
        assert isinstance(it.app.screen, Search), "there is nothing to take yet"
        await it.play(found(run, None, "L-BFGS chooses the length of its steps itself"))
        await it.shows("✗ L-BFGS chooses")
        await it.press("enter")
        assert it.link.commands(Set) == []


async def test_one_single_example_has_no_batch_size() -> None:
    graph = Experiment(data=Karate(), network=("Linear 2",))
    async with lab(graph, SMALL) as it:
        await it.press("S")
        await it.shows("single example")
        assert it.link.commands(Find) == []


def validated(rounds: int, of: int = 3) -> Validated:
    results = [{"loss": 0.5, "accuracy": 0.9 + number / 100} for number in range(rounds)]
    return Validated(results, of, {"loss": 0.5, "accuracy": 0.91}, {"loss": 0.0, "accuracy": 0.01})


async def test_a_cross_validation_shows_each_round_with_mean_and_spread() -> None:
    async with lab(SPIRAL, SMALL) as it:
        await it.press("V")
        await it.press("backspace", "3", "enter")
        assert it.link.commands(Validate) == [Validate(SPIRAL, 3)]
        await it.play(validated(1))
        await it.shows("Cross-validation", "accuracy", "0.9")
        await it.press("enter")
        assert isinstance(it.app.screen, Folds)
        await it.play(validated(3))
        await it.shows("mean", "±", "0.91", "0.01", "all 3 rounds are over")
        await it.press("enter")
        assert it.link.commands(Cancel) == []


async def test_leaving_a_cross_validation_early_stops_it() -> None:
    async with lab(SPIRAL, SMALL) as it:
        await it.press("V", "enter")
        await it.play(validated(1))
        await it.press("escape")
        assert it.link.commands(Cancel) == [Cancel()]


async def test_a_wrong_number_of_folds_is_told_at_once() -> None:
    async with lab(SPIRAL, SMALL) as it:
        await it.press("V", "backspace", "1")
        await it.shows("from 2 to 100 folds")
        await it.press("enter")
        assert it.link.commands(Validate) == []


def test_the_table_has_a_row_for_each_round() -> None:
    lines = table(validated(2)).splitlines()
    assert lines[0].split() == ["round", "accuracy", "loss"]
    assert lines[2].split() == ["2", "0.91", "0.5"]
    assert [line.split()[0] for line in lines[3:]] == ["mean", "±"]

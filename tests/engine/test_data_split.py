"""Splits: at random, with every class in every set, by groups, in order of time, and by a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import CPU, ignore_progress, joined_remarks
from tuilab.core.catalogue.data.data_set import SplitName
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.catalogue.tasks import AnyTask, Classification, Regression
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.load import load
from tuilab.engine.data.rng import rng_for
from tuilab.engine.data.split import Fold, split, split_test


def numbered(classes: Sequence[int], keys: Sequence[float] | None = None) -> Examples:
    """Returns examples whose inputs number them."""
    split_keys = None if keys is None else torch.tensor(keys)
    inputs = torch.arange(len(classes)).float()[:, None]
    return Examples(inputs, torch.tensor(classes), split_keys=split_keys)


def split_three(
    examples: Examples, how: SplitName, test: float = 0.15, validation: float = 0.2, seed: int = 0
) -> tuple[Examples, Examples, Examples]:
    reserve = 2 if validation else 1
    rest, tested = split_test(examples, test, rng_for(seed, "t"), how, reserve=reserve)
    return (*split(rest, validation, seed, None, how), tested)


def load_table(path: Path, text: str, task: AnyTask | None = None, **fields: Any) -> Dataset:
    path.write_text(text)
    data = Table(path=str(path), normalize=False, **fields)
    return load(Experiment(data=data, task=task or Classification()), CPU, ignore_progress)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(0, 50))
def test_a_stratified_split_has_every_class_where_there_are_enough(
    sizes: list[int], seed: int
) -> None:
    classes = [number for number, size in enumerate(sizes) for _ in range(size)]

    parts = split_three(numbered(classes), "stratified", seed=seed)

    numbers = torch.cat([part.inputs.flatten() for part in parts])
    assert sorted(numbers.tolist()) == list(range(len(classes)))
    train, validation, test = (torch.bincount(p.targets, minlength=len(sizes)) for p in parts)
    for number, size in enumerate(sizes):
        assert train[number] >= 1
        assert validation[number] >= (size >= 2)
        assert test[number] >= (size >= 3)
    if min(sizes) >= 10:
        for number, size in enumerate(sizes):
            assert abs(float(test[number]) - 0.15 * size) <= 2


def test_auto_is_the_random_split_unless_a_class_would_be_missing() -> None:
    common, rare = numbered([0, 1] * 50), numbered([0] * 97 + [1] * 3)

    for seed in range(20):
        by_chance, automatic = (split_three(common, how, seed=seed) for how in ("random", "auto"))
        for first, second in zip(by_chance, automatic, strict=True):
            assert torch.equal(first.inputs, second.inputs)
        parts = split_three(rare, "auto", seed=seed)
        assert [int(part.targets.sum()) for part in parts] == [1, 1, 1]


def test_a_numeric_target_is_stratified_by_its_size() -> None:
    targets = torch.arange(200.0)[:, None]

    for part in split_three(Examples(targets, targets), "stratified"):
        counts = torch.bincount(part.targets.flatten().long() // 20)
        assert counts.max() - counts.min() <= 1


@given(st.lists(st.integers(0, 12), min_size=30, max_size=90), st.integers(0, 20))
def test_a_group_is_in_one_part_only(groups: list[int], seed: int) -> None:
    groups = [*groups, 0, 1, 2]

    parts = split_three(numbered([0] * len(groups), groups), "grouped", seed=seed)

    keys = [set((part.split_keys if part.split_keys is not None else torch.empty(0)).tolist())
            for part in parts]  # fmt: skip
    assert sum(map(len, keys)) == len(set(groups))
    assert all(keys)
    folds = [split(numbered([0] * len(groups), groups), 0.2, seed, Fold(n, 3), "grouped")[1]
             for n in range(3)]  # fmt: skip
    assert sum(map(len, folds)) == len(groups)


def test_groups_are_drawn_until_every_class_is_trained_on() -> None:
    groups = [number // 10 for number in range(100)]
    classes = [int(group < 2) for group in groups]

    for seed in range(20):
        train, *_ = split_three(numbered(classes, groups), "grouped", seed=seed)
        assert set(train.targets.tolist()) == {0, 1}


def test_an_ordered_split_holds_out_the_last_and_keeps_equal_times_together() -> None:
    times = [float(number // 4) for number in range(100)]
    shuffled = torch.randperm(100, generator=rng_for(0, "order")).tolist()
    examples = numbered([0] * 100, [times[index] for index in shuffled])

    train, validation, test = (
        part.split_keys.tolist() if part.split_keys is not None else []
        for part in split_three(examples, "ordered")
    )

    assert max(train) < min(validation) <= max(validation) < min(test)
    assert (len(test), len(validation)) == (16, 16)
    for number in range(3):
        before, after = split(examples, 0.2, 0, Fold(number, 3), "ordered")
        assert before.split_keys is not None and after.split_keys is not None
        assert before.split_keys.max() < after.split_keys.min()
    with pytest.raises(InputError, match="the same in every round"):
        split(examples, 0.2, 0, Fold(0, 0), "ordered")


DAYS = {
    "iso": "2024-{month:02}-{day:02}",
    "german": "{day}.{month}.2024",
    "american": "{month}/{day}/2024",
    "short": "{day}-Jan-20{month:02}",
    "number": "{month}{day:02}",
    "minutes": "2024-{month:02}-{day:02} 08:30",
    "japanese": "2024年{month}月{day}日",
    "grouped": '"{month},{day:03}"',
}


@pytest.mark.parametrize("name", DAYS)
def test_rows_are_put_in_the_order_of_a_time(tmp_path: Path, name: str) -> None:
    days = [(month, day) for month in range(1, 13) for day in (3, 14, 25)]
    rows = [f"{DAYS[name].format(month=m, day=d)},{100 * m + d},{m % 2}" for m, d in days]
    text = "day,size,y\n" + "\n".join(rows[::-1]) + "\n"

    dataset = load_table(tmp_path / "t.csv", text, split="ordered", split_by="day")

    sizes = [part.inputs[:, -1] for part in (dataset.train, dataset.validation, dataset.test)]
    assert sizes[0].max() < sizes[1].min() <= sizes[1].max() < sizes[2].min()
    assert 'in the order of "day"' in joined_remarks(dataset)


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        (["01/02/2024", "02/01/2024"], "can be read with the day or the month first"),
        (["2024-01-02", ""], 'line 3, column "day": a row without a time'),
        (["2024-01-02", "soon"], 'line 3, column "day": "soon" is not a time as the others'),
    ],
)
def test_a_time_that_is_in_doubt_is_refused(tmp_path: Path, days: list[str], problem: str) -> None:
    text = "day,x,y\n" + "".join(f"{day},{n},{n % 2}\n" for n, day in enumerate(days * 9))

    with pytest.raises(InputError, match=problem):
        load_table(tmp_path / "t.csv", text, split="ordered", split_by="day")


@pytest.mark.parametrize("order", ["dmy", "mdy"])
def test_the_user_settles_which_is_the_day_and_which_the_month(tmp_path: Path, order: str) -> None:
    days = [(day, month) for day in range(1, 11) for month in range(1, 11)]
    ranks = {pair: pair[::-1] if order == "dmy" else pair for pair in days}
    rows = [f"{d}/{m}/2024,{100 * ranks[d, m][0] + ranks[d, m][1]},{d % 2}" for d, m in days]
    text = "day,size,y\n" + "\n".join(rows) + "\n"
    options: dict[str, Any] = {"split": "ordered", "split_by": "day", "kinds": {"day": order}}

    dataset = load_table(tmp_path / "t.csv", text, **options)

    sizes = [part.inputs[:, -1] for part in (dataset.train, dataset.validation, dataset.test)]
    assert sizes[0].max() < sizes[1].min() <= sizes[1].max() < sizes[2].min()


def test_a_table_is_split_by_groups_which_are_no_input(tmp_path: Path) -> None:
    text = "patient,x,y\n" + "".join(f"p{n // 5},{1.5 * n},{n % 2}\n" for n in range(100))

    dataset = load_table(tmp_path / "t.csv", text, split="grouped", split_by="patient")

    assert dataset.train.inputs.shape[1] == 1
    patients = [set((part.inputs / 1.5 // 5).flatten().tolist()) for part in
                (dataset.train, dataset.validation, dataset.test)]  # fmt: skip
    assert sum(map(len, patients)) == 20 and all(patients)
    assert 'The groups of "patient" stay together: 14 to train on, 3' in joined_remarks(dataset)


def test_a_class_that_cannot_be_in_every_part_is_named(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{n},{'rare' if n in (3, 40) else 'common'}\n" for n in range(60))

    dataset = load_table(tmp_path / "t.csv", text)

    assert (dataset.train.targets == 1).sum() == (dataset.validation.targets == 1).sum() == 1
    assert "No example of rare is in the test set." in joined_remarks(dataset)


TRAINING = "size,city,y\n" + "".join(
    f"{1.5 * n},{'ab'[n % 2]},{'no' if n % 3 else 'yes'}\n" for n in range(40)
)


def test_a_test_set_in_its_own_file_is_read_as_the_training_set(tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("y,city,size,more\nyes,b,7.5,1\nyes,elsewhere,8.5,1\n")

    dataset = load_table(tmp_path / "t.csv", TRAINING, test_path=str(test), validation=0.25)

    assert dataset.test.inputs.tolist() == [[7.5, 0, 1], [8.5, 0, 0]]
    assert dataset.test.targets.tolist() == [1, 1]
    assert (len(dataset.train), len(dataset.validation)) == (30, 10)
    assert 'not trained on are all 0: "city" 1' in joined_remarks(dataset)


def test_a_validation_set_can_have_its_own_file_as_well(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("y;city;size\nyes;b;7.5\nno;a;8.5\n")

    dataset = load_table(
        tmp_path / "t.csv", TRAINING, validation_path=str(own), test=0.25, validation=0.5
    )

    assert dataset.validation.inputs.tolist() == [[7.5, 0, 1], [8.5, 1, 0]]
    assert dataset.validation.targets.tolist() == [1, 0]
    assert (len(dataset.train), len(dataset.test)) == (30, 10)
    assert "The validation set is own.csv." in joined_remarks(dataset)


def test_a_regression_has_its_own_validation_set_in_the_unit_of_its_target(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("size,y\n7.5,30.5\n")
    rows = "size,y\n" + "".join(f"{n},{2.0 * n + 0.5}\n" for n in range(40))

    dataset = load_table(
        tmp_path / "t.csv", rows, Regression(), validation_path=str(own), normalize_target=False
    )

    assert dataset.validation.targets.tolist() == [[30.5]]


@pytest.mark.parametrize("key", ["test_path", "validation_path"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("y,city\nyes,a\nno,b\n", 'test.csv: data.{key}: there is no column "size"'),
        ("city,size\na,1\nb,2\n", 'test.csv: data.{key}: there is no column "y"'),
        ("size,city,y\n1,a,yes\n2,b,maybe\n", 'line 3, column "y": "maybe" is not among the'),
    ],
)
def test_a_held_out_file_that_does_not_fit_is_refused(
    tmp_path: Path, text: str, problem: str, key: str
) -> None:
    (tmp_path / "test.csv").write_text(text)
    fields: dict[str, Any] = {key: str(tmp_path / "test.csv")}

    with pytest.raises(InputError) as error:
        load_table(tmp_path / "t.csv", TRAINING, **fields)

    assert problem.format(key=key) in str(error.value)

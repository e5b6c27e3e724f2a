"""Tables as tensors: their values, gaps, statistics, and tables that are refused."""

import math
import random
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy
import pytest
import torch
from torch import Tensor

from tests.support import fruit_table
from tests.support.datasets import CPU, ignore_progress, join_splits, joined_remarks
from tests.support.not_none import not_none
from tests.support.run_generator import run_generator
from tuilab.core import paths
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.catalogue.losses import CrossEntropy
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, create_default, with_value
from tuilab.core.files.tables import delimited
from tuilab.core.protocol.events import EpochEnded
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.data.load import load
from tuilab.engine.data.split import Fold
from tuilab.engine.metrics import evaluate, losses
from tuilab.engine.metrics.scores import ClassScores
from tuilab.engine.session import Session
from tuilab.engine.train import train


class WriteTable(Protocol):
    """Writes a table to a file and returns its path."""

    def __call__(self, rows: Sequence[str], name: str = ..., head: str = ...) -> str: ...


@pytest.fixture
def write(tmp_path: Path) -> WriteTable:
    def write_rows(rows: Sequence[str], name: str = "some.csv", head: str = "x,y") -> str:
        path = tmp_path / name
        path.write_text("\n".join([head, *rows]))
        return str(path)

    return write_rows


def make_experiment(path: str, task: str = "classification", **fields: Any) -> Experiment:
    return Experiment(data=Table(path=path, **fields), task=create_default("task", task))


def load_table(
    path: str, task: str = "classification", fold: Fold | None = None, **fields: Any
) -> Dataset:
    return load(make_experiment(path, task, **fields), CPU, ignore_progress, fold)


def test_every_row_is_in_one_split_with_its_own_target(write: WriteTable) -> None:
    rows = [f"{i},{i * i},{'odd' if i % 2 else 'even'}" for i in reversed(range(200))]

    dataset = load_table(write(rows, head="a,b,kind"), normalize=False, validation=0.2, test=0.1)

    assert [len(p) for p in (dataset.train, dataset.validation, dataset.test)] == [144, 36, 20]
    inputs, targets = join_splits(dataset)
    assert sorted(inputs[:, 0].tolist()) == list(range(200))
    assert torch.equal(inputs[:, 0] ** 2, inputs[:, 1])
    assert torch.equal(inputs[:, 0].long() % 2, targets)
    assert dataset.classes == ("even", "odd")


def test_the_same_seed_gives_the_same_split_and_another_one_does_not(write: WriteTable) -> None:
    path = write([f"{i},{i % 3}" for i in range(100)])

    first, second = (load_table(path, normalize=False).test.inputs for _ in range(2))
    data = Experiment(data=Table(path=path, normalize=False), seed=1)
    other = load(data, CPU, ignore_progress).test.inputs

    assert torch.equal(first, second) and not torch.equal(first, other)


def test_numbers_are_standardized_by_the_training_set_and_categories_are_not(
    write: WriteTable,
) -> None:
    rng = random.Random(0)
    rows = [f"{rng.gauss(5, 3)},{'abc'[i % 3]},{i % 2}" for i in range(300)]

    dataset = load_table(write(rows, head="x,c,y"), validation=0.4)

    numbers, categories = dataset.train.inputs[:, 0], dataset.train.inputs[:, 1:]
    assert float(numbers.mean()) == pytest.approx(0, abs=1e-5)
    assert float(numbers.std(correction=0)) == pytest.approx(1, abs=1e-5)
    assert set(categories.flatten().tolist()) == {0, 1}
    assert torch.equal(categories.sum(dim=1), torch.ones(len(categories)))
    assert abs(float(dataset.validation.inputs[:, 0].mean())) > 1e-4


def test_gaps_are_filled_with_the_mean_of_the_training_set_only(write: WriteTable) -> None:
    rows = [f"{'' if i % 5 == 0 else i},{i % 2}" for i in range(200)]

    dataset = load_table(write(rows), normalize=False, validation=0.3)

    filled = {
        float(value)
        for part in (dataset.train, dataset.validation, dataset.test)
        for value in part.inputs[:, 0]
        if not float(value).is_integer() or float(value) % 5 == 0
    }
    present = [v for v in dataset.train.inputs[:, 0].tolist() if v.is_integer() and v % 5]
    assert list(filled) == [pytest.approx(sum(present) / len(present), rel=1e-5)]
    assert "40 missing numbers replaced by the mean of the training set." in joined_remarks(dataset)


def test_a_missing_category_is_another_category_and_rows_without_a_target_are_dropped(
    write: WriteTable,
) -> None:
    rows = ["a,1", "b,0", ",1", "?,0", "a,", "b,NA"] * 4

    dataset = load_table(write(rows, head="c,y"), validation=0, test=0)

    assert len(dataset.train) == 16
    assert dataset.train.inputs.sum(dim=0).tolist() == [4, 4, 8]
    assert "8 rows without a target left out." in joined_remarks(dataset)


def test_the_task_decides_whether_a_target_of_few_numbers_is_a_class(write: WriteTable) -> None:
    path = write([f"{i * 0.5},{10 * (i % 3)}" for i in range(60)])

    classes = load_table(path)
    numbers = load_table(path, "regression", normalize_target=False)

    assert classes.classes == ("0", "10", "20") and numbers.classes == ()
    assert classes.train.targets.dtype == torch.int64
    assert numbers.train.targets.shape == (len(numbers.train), 1)
    assert torch.equal(classes.train.targets * 10.0, numbers.train.targets[:, 0])


def test_a_target_of_large_numbers_is_standardized_and_reported(write: WriteTable) -> None:
    path = write([f"{i},{1e6 + 1000 * i}" for i in range(100)])

    dataset = load_table(path, "regression")

    targets = dataset.train.targets
    assert float(targets.mean()) == pytest.approx(0, abs=1e-3)
    assert float(targets.std(correction=0)) == pytest.approx(1, abs=1e-3)
    assert "Targets have mean 1,049,574; errors are in units of 29,098." in joined_remarks(dataset)


def test_balance_and_duplicates_are_reported(write: WriteTable) -> None:
    rows = [f"{i},{'rare' if i % 10 == 0 else 'common'}" for i in range(100)]
    repeated = rows[1:5] * 30

    dataset = load_table(write([*rows, *repeated]), validation=0.2, test=0.2)
    other = load_table(write(rows, "other.csv"), validation=0.2, test=0.2)

    assert "Classes in the training set: common 9" in joined_remarks(dataset)
    assert "test examples are also in the training set" in joined_remarks(dataset)
    assert "in the training set as well" not in joined_remarks(other)


def test_how_the_columns_are_used_is_reported(write: WriteTable) -> None:
    rows = [f"{i},{i % 7},{'ab'[i % 2]},2024-01-01 00:{i % 60:02},{i % 2}" for i in range(100)]

    dataset = load_table(write(rows, head="id,x,c,day,y"))

    assert joined_remarks(dataset).startswith(
        "Inputs: 4 numbers from 3 columns (1 numeric, 1 categorical, 1 of dates); "
        'target: "y". "id" is left out: it only numbers the rows. Dates and times as '
    )


def test_imbalance_label_noise_and_folds_work_as_with_any_data_set(write: WriteTable) -> None:
    path = write([f"{i},{i % 2}" for i in range(400)])

    rare = load_table(path, imbalance=0.75, validation=0, test=0)
    noisy = load_table(path, label_noise=1.0, normalize=False)
    folds = [load_table(path, fold=Fold(n, 4), normalize=False) for n in range(4)]

    assert rare.train.targets.bincount().tolist() == [200, 50]
    assert torch.equal(noisy.train.inputs[:, 0].long() % 2, 1 - noisy.train.targets)
    held_out = torch.cat([fold.validation.inputs for fold in folds])
    assert len(set(held_out.flatten().tolist())) == len(held_out) == 340


def test_decimal_commas_and_large_files_with_late_texts_are_read(
    write: WriteTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "MAX_FULL_SCAN_BYTES", 2000)
    monkeypatch.setattr(delimited, "HEAD_BYTES", 500)
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 100)
    rows = [f"{i % 90},5;{'ab'[i % 2]};{i % 2}" for i in range(1500)]
    rows[700] = "1,5;strange;1"

    dataset = load_table(write(rows, head="x;c;y"), normalize=False, validation=0, test=0)

    assert dataset.train.inputs[:, 0].max() == 89.5
    assert dataset.train.inputs[:, 1:].sum(dim=0).tolist() == [749, 750, 1]
    assert "1 rare text combined as (other)." in joined_remarks(dataset)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("12,no,third", r'line 702, column "y": "third" is not among the classes found'),
        ("1,no", "line 702 has 2 cells, but there are 3 columns"),
    ],
)
def test_an_error_in_a_late_row_names_its_line(
    write: WriteTable, monkeypatch: pytest.MonkeyPatch, row: str, message: str
) -> None:
    monkeypatch.setattr(delimited, "MAX_FULL_SCAN_BYTES", 2000)
    monkeypatch.setattr(delimited, "HEAD_BYTES", 500)
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 100)
    rows = [f"{i},{['yes', 'no'][i % 2]},{['first', 'second'][i % 2]}" for i in range(1500)]
    rows[700] = row
    path = write(rows, head="x,c,y")

    with pytest.raises(InputError, match=message) as caught:
        load_table(path)
    assert caught.value.where[0] == path


def test_loading_reports_progress_and_can_be_canceled(write: WriteTable) -> None:
    reports: list[tuple[str, float | None]] = []
    path = write([f"{i},{i % 2}" for i in range(12_000)])

    load(make_experiment(path), CPU, lambda *report: reports.append(report))

    assert {activity for activity, _ in reports} == {"Reading some.csv"}
    assert len(reports) == 4 and reports[-1][1] == 1.0
    with pytest.raises(KeyboardInterrupt):
        load(make_experiment(path), CPU, _cancel)


def _cancel(activity: str, fraction: float | None) -> None:
    raise KeyboardInterrupt


def test_large_numbers_of_like_size_keep_their_differences(write: WriteTable) -> None:
    rows = [f"{1_700_000_000_000 + i * 7 % 83},{'pq'[i % 2]}" for i in range(83)]

    dataset = load_table(write(rows, head="ts,y"), validation=0, test=0)

    inputs = dataset.train.inputs[:, 0]
    assert dataset.train.inputs.dtype == torch.float32
    assert len(inputs.unique()) == 83
    assert float(inputs.std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_what_was_made_of_cells_is_counted_and_named(write: WriteTable) -> None:
    rows = [f"{['#DIV/0!', '#REF!', '$1.50', '$2', '.'][i % 5]},{'abc'[i % 3]}" for i in range(60)]
    rows[7] = "oops,a"

    remarks = joined_remarks(load_table(write(rows)))

    assert '24 spreadsheet errors such as #DIV/0! taken as missing, in "x".' in remarks
    assert '1 cell of "x" is not a number and taken as missing: "oops" (line 9).' in remarks
    assert 'Units: "x" in $.' in remarks


def test_dates_are_inputs_as_days(write: WriteTable) -> None:
    rows = [f"{i % 28 + 1}.{i % 12 + 1}.2024,{i / 7}" for i in range(60)]
    rows[3] = "31.2.2024,1"

    dataset = load_table(write(rows), "regression", normalize=False, validation=0, test=0)

    assert dataset.train.inputs.min() == (date(2024, 1, 1) - date(1970, 1, 1)).days
    assert '1 cell of "x" is not a date' in joined_remarks(dataset)


# --- arrays and Parquet ---------------------------------------------------------------------------


def test_arrays_are_inputs_and_targets(tmp_path: Path) -> None:
    rng = numpy.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
    numpy.savez(tmp_path / "a.npz", x=x, y=y)

    dataset = load_table(str(tmp_path / "a.npz"), normalize=False)

    inputs, targets = join_splits(dataset)
    rows = {tuple(row): int(label) for row, label in zip(x.astype("f4").tolist(), y, strict=True)}
    assert dataset.classes == ("0", "1", "2")
    assert {tuple(row): t for row, t in zip(inputs.tolist(), targets.tolist(), strict=True)} == rows


def test_arrays_may_have_a_test_split_and_hold_images_and_strings(tmp_path: Path) -> None:
    rng = numpy.random.default_rng(0)
    images = rng.integers(0, 256, (30, 6, 5, 3), dtype=numpy.uint8)
    numpy.savez_compressed(
        tmp_path / "b.npz",
        x_train=images, y_train=numpy.array(["ä", "b", "c"] * 10),
        x_test=images[:6], y_test=numpy.array(["ä", "b"] * 3),
    )  # fmt: skip

    data = Table(path=str(tmp_path / "b.npz"), validation=0)
    dataset = load(Experiment(data=data), CPU, ignore_progress)

    assert data.shape == (3, 6, 5) and data.classes == ("b", "c", "ä")
    assert torch.equal(dataset.test.inputs, torch.from_numpy(images[:6]).permute(0, 3, 1, 2))
    assert dataset.test.targets.tolist() == [2, 0] * 3
    assert dataset.train.inputs.dtype == torch.uint8
    assert "6 of 6 test examples are also in the training set" in joined_remarks(dataset)


@pytest.mark.parametrize("dtype", [">i4", "<u2", "i1", ">f8", "f4", "?", "S3", ">U4"])
def test_targets_of_every_dtype_are_read(tmp_path: Path, dtype: str) -> None:
    y = (numpy.arange(40) % 2).astype(dtype)
    numpy.savez(tmp_path / "k.npz", inputs=numpy.arange(40.0)[:, None], labels=y)

    dataset = load_table(str(tmp_path / "k.npz"), normalize=False)

    assert dataset.classes == ("0", "1")
    inputs, targets = join_splits(dataset)
    assert torch.equal(inputs[:, 0].long() % 2, targets)


def test_gaps_in_arrays_are_filled_too(tmp_path: Path) -> None:
    x = numpy.arange(80.0).reshape(20, 2, 2)
    x[3, 1, 1] = math.nan
    numpy.savez(tmp_path / "g.npz", x=x, y=numpy.arange(20) % 2)

    dataset = load_table(str(tmp_path / "g.npz"))

    assert join_splits(dataset)[0].isfinite().all()
    assert "1 missing number replaced" in joined_remarks(dataset)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": numpy.zeros((3, 2)), "y": numpy.array([object()] * 3)}, "y holds Python objects"),
        ({"x": numpy.array([[object()]] * 3), "y": numpy.arange(3)}, "x holds Python objects"),
        ({"x": numpy.zeros((3, 2)), "y": numpy.arange(4)}, "x has 3 rows, but y has 4"),
        ({"x": numpy.zeros(3), "y": numpy.arange(3)}, r"x is \[3\]; it needs a row for each"),
        ({"x": numpy.zeros((3, 2)), "y": numpy.eye(3) / 2}, r"y is \[3, 3\] with 0.5: several"),
        ({"x": numpy.zeros((3, 2)), "y": numpy.zeros((3, 2, 2))}, "it needs one target for each"),
        ({"x": numpy.zeros((3, 2)), "y": numpy.zeros((3, 0))}, r"y is \[3, 0\]: it is empty"),
        ({"x": numpy.zeros((3, 2)), "y": numpy.array([["a", "b"]] * 3)}, "labels must be 0 and 1"),
        ({"x": numpy.zeros((3, 2)), "z": numpy.arange(3)}, "none of its arrays is called y: x, z"),
        ({"a": numpy.zeros((3, 2)), "b": numpy.zeros((3, 2)), "y": numpy.arange(3)},
         "it needs one array of inputs, called x; it has a, b, y"),
        ({"x": numpy.zeros((3, 2)), "y": numpy.zeros(3)}, "y is always 0"),
        ({"x": numpy.zeros((0, 2)), "y": numpy.zeros(0)}, "it is empty"),
        ({"x": numpy.array([["a"]] * 3), "y": numpy.arange(3)}, "x holds text"),
        ({"x": numpy.zeros((3, 2), "c8"), "y": numpy.arange(3)}, "x holds c8, which is not a num"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_used_are_named(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    numpy.savez(tmp_path / "x.npz", **arrays)

    with pytest.raises(InputError, match=message):
        load_table(str(tmp_path / "x.npz"))


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    numpy.savez(path, x=numpy.random.default_rng(0).normal(size=(50, 4)), y=numpy.arange(50))
    content = path.read_bytes()

    for damaged in (content[:-300], b"PK\x03\x04", content[:300] + b"!" * 300 + content[600:]):
        path.write_bytes(damaged)
        with pytest.raises(
            InputError, match=r"not a complete NPZ archive|it cannot be read"
        ) as caught:
            load_table(str(path), "regression")
        assert caught.value.where == (str(path),)


def test_parquet_reads_as_the_same_table_in_csv(tmp_path: Path, write: WriteTable) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "x": [None if i % 9 == 0 else i / 8 for i in range(200)],
        "n": [i % 7 for i in range(200)],
        "c": [None if i % 11 == 0 else "abc"[i % 3] for i in range(200)],
        "b": [i % 4 == 0 for i in range(200)],
        "y": [["no", "yes"][i % 2] for i in range(200)],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    rows = zip(*columns.values(), strict=True)
    text = write([",".join("" if v is None else str(v) for v in row) for row in rows],
                 head=",".join(columns))  # fmt: skip

    ours, theirs = load_table(str(tmp_path / "t.parquet")), load_table(text)

    assert torch.equal(ours.train.inputs, theirs.train.inputs)
    assert torch.equal(ours.test.targets, theirs.test.targets)
    assert (ours.classes, joined_remarks(ours)) == (theirs.classes, joined_remarks(theirs))


def test_unused_columns_of_parquet_are_named_and_a_damaged_file_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"d": [date(2024, 1, 1)] * 3, "l": [[1], [2], [3]], "x": [1, 2, 3],
                           "y": [0.5, 1.5, 9]})  # fmt: skip
    path = tmp_path / "s.parquet"
    parquet.write_table(table, path)

    remarks = joined_remarks(load_table(str(path), "regression"))
    assert '"d" is left out: it is always the same time' in remarks
    assert '"l" is left out: it holds list' in remarks
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="not a complete Parquet file"):
        load_table(str(path), "regression")


def test_the_error_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and so on")

    with pytest.raises(InputError, match=r"uv pip install 'tuilab\[parquet\]'"):
        load_table(str(tmp_path / "a.parquet"))


def test_the_shipped_table_is_the_generated_one() -> None:
    assert (paths.presets_dir() / "data" / "fruit.csv").read_text() == fruit_table.make_table()


@pytest.mark.parametrize("key", ["group", "target", "leave_out"])
def test_the_old_name_of_a_column_of_the_shipped_table_still_works(key: str) -> None:
    path = str(paths.presets_dir() / "data" / "fruit.csv")
    fields: dict[str, Any] = {"target": "fruit"}
    names = ("colour", "color")  # codespell:ignore
    tables = [load_table(path, **{**fields, key: name}) for name in names]

    assert tables[0].groups == tables[1].groups
    assert tables[0].classes == tables[1].classes
    assert torch.equal(tables[0].train.inputs, tables[1].train.inputs)
    assert bool(tables[0].groups) == (tables[0].train.groups is not None) == (key == "group")


def test_the_preset_learns_to_classify_fruit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = toml_file.read(toml_file.find_presets()["table"].path)

    session = Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)
    epochs = [event for event in train(session) if isinstance(event, EpochEnded)]

    assert epochs[-1].validation["accuracy"] > 0.8
    remarks = joined_remarks(session.dataset)
    assert 'target: "fruit". "number" is left out: it only numbers the rows.' in remarks
    assert "missing numbers replaced" in remarks and "apple" in remarks


# --- groups ---------------------------------------------------------------------------------------


def test_scores_are_reported_for_each_group_of_a_column(write: WriteTable) -> None:
    sides = ["left" if i % 4 else "right" for i in range(80)]
    rows = [f"{i / 2},{side},{'ab'[i % 7 > 3]}" for i, side in enumerate(sides)]
    dataset = load_table(write(rows, head="x,side,y"), group="side")
    part = dataset.train
    assert dataset.groups == ("left", "right")
    groups = not_none(part.groups)
    assert len(groups) == len(part)

    def predict(inputs: Tensor) -> Tensor:
        """Is correct for the left group and wrong for the other."""
        index = (part.inputs[:, None] == inputs[None]).all(2).float().argmax(0)
        predictions = torch.where(groups[index] == 0, part.targets[index], 1 - part.targets[index])
        return torch.nn.functional.one_hot(predictions, 2).float()

    loss, class_scores = losses.build_evaluation_loss(CrossEntropy()), ClassScores(CrossEntropy())
    scores_by_group = evaluate.evaluate(
        predict, loss, part, 16, class_scores, groups=dataset.groups
    )
    scores = run_generator(scores_by_group)

    assert scores["group left"] == 1 and scores["group right"] == scores["worst_group"] == 0
    assert 0 < scores["accuracy"] < 1


@pytest.mark.parametrize(
    ("task", "line"), [("regression", "Linear 1"), ("autoencoder", "Linear 3")]
)
def test_a_run_that_predicts_numbers_reports_its_groups_too(
    write: WriteTable, task: str, line: str
) -> None:
    rows = [f"{i / 9},{'up' if i % 2 else 'down'},{i / 9 + (i % 2) / 7}" for i in range(90)]
    experiment = make_experiment(write(rows, head="x,way,y"), task, group="way")
    experiment = with_value(with_value(experiment, "network", [line]), "loss.name", "mse")
    session = Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)

    test = session.finished_event("done").results["test"]

    assert test["worst_group"] == max(test["group up"], test["group down"]) > 0


def test_a_group_that_is_not_a_column_of_categories_is_refused(write: WriteTable) -> None:
    path = write(["1,left,a", "2,right,b", "3,left,a", "2.5,right,b"], head="x,side,y")

    with pytest.raises(InputError, match=r'no column "sid" of categories; .*side'):
        Table(path=path, group="sid").shape  # noqa: B018

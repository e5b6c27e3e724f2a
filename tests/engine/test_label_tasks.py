"""Several labels of each example, and probabilities of classes as targets: from table to result."""

import random
import re
from pathlib import Path
from typing import Any, Literal

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from tests.support.all_requests import inspect_everything
from tests.support.datasets import CPU, ignore_progress
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.catalogue.losses import MultiLabelBCE, SoftCrossEntropy
from tuilab.core.catalogue.metrics import METRIC_HELP
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.experiment.validation import find_errors
from tuilab.core.protocol.events import ChecksReported, Progressed
from tuilab.core.protocol.inspect.result_messages import ResultRequest, ResultResponse
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.data.load import load
from tuilab.engine.inspect.dispatch import Dispatcher
from tuilab.engine.metrics import losses
from tuilab.engine.metrics.constant_predictor import constant_loss, fit_constant
from tuilab.engine.metrics.scores import MultiLabelScores, SoftLabelScores
from tuilab.engine.session import Session
from tuilab.engine.studies.checks import run_checks
from tuilab.engine.train import train

LABELS = ("comedy", "drama", "war")


def write_table(folder: Path, form: str, rows: int = 60) -> Path:
    """Writes a table whose labels follow from its two numbers; returns its path.

    Args:
        form: `columns` of 0 and 1, `words` yes and no, `lists`, or `probabilities`.
    """
    rng, lines = random.Random(0), ["a,b," + ("genres" if form == "lists" else ",".join(LABELS))]
    for number in range(rows):
        a, b = rng.random(), rng.random()
        applies = [a > 0.5, b > 0.4, number % 3 == 0]
        cells = {
            "columns": [str(int(each)) for each in applies],
            "words": ["yes" if each else "no" for each in applies],
            "lists": ["; ".join(n for n, each in zip(LABELS, applies, strict=True) if each)],
            "probabilities": [f"{share / (a + b + 1):.4f}" for share in (a, b, 1.0)],
        }[form]
        lines.append(f"{a:.3f},{b:.3f},{','.join(cells)}")
    path = folder / f"{form}.csv"
    path.write_text("\n".join(lines))
    return path


def describe(path: Path, **options: Any) -> dict[str, Any]:
    """Returns an experiment for a table, as a file has it."""
    is_soft = path.stem == "probabilities"
    data = {"name": "table", "path": str(path), "batch_size": 8}
    data |= {"label_separator": ";"} if path.stem == "lists" else {"target": ", ".join(LABELS)}
    return {
        "network": ["Linear 8", "Tanh", "Linear 3"],
        "data": data | options,
        "task": {"name": "soft_labels" if is_soft else "multi_label"},
        "loss": {"name": "soft_cross_entropy" if is_soft else "multi_label_bce"},
        "optimizer": {"name": "adam", "lr": 0.05},
        "training": {"epochs": 12, "device": "cpu"},
    }


def load_table(path: Path, **options: Any) -> Dataset:
    return load(experiment_from_dict(describe(path, **options)), CPU, ignore_progress)


def make_session(path: Path) -> Session:
    experiment = experiment_from_dict(describe(path))
    assert find_errors(experiment) == []
    return Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)


# --- losses -------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.floats(0.1, 20), st.floats(0, 0.9))
@settings(max_examples=30)
def test_the_losses_are_torchs(seed: int, weight: float, smoothing: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    output = 3 * torch.randn(20, 4, generator=generator)
    labels = torch.randint(2, (20, 4), generator=generator).float()
    soft = torch.randn(20, 4, generator=generator).softmax(1)

    of_labels = losses.build_loss(MultiLabelBCE(pos_weight=weight))(output, labels)
    of_classes = losses.build_loss(SoftCrossEntropy(label_smoothing=smoothing))(output, soft)

    by_torch = nn.BCEWithLogitsLoss(pos_weight=torch.full((4,), weight))
    assert_close(of_labels, by_torch(output, labels))
    assert_close(of_classes, nn.CrossEntropyLoss(label_smoothing=smoothing)(output, soft))


# --- scores -------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 25))
@settings(max_examples=30)
def test_scores_of_labels_are_those_of_counting(seed: int, chunk: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    output = torch.randn(24, 3, generator=generator)
    targets = torch.randint(2, (24, 3), generator=generator).float()
    scores = MultiLabelScores()
    for start in range(0, 24, chunk):
        scores.add(output[start : start + chunk], targets[start : start + chunk])

    values = scores.read()

    predicted, actual = output > 0, targets == 1
    hits, count = int((predicted & actual).sum()), int((predicted == actual).sum())
    assert values["label_accuracy"] == count / 72
    assert values["exact_match"] == (predicted == actual).all(1).double().mean().item()
    assert values["precision"] == pytest.approx(hits / max(1, int(predicted.sum())))
    assert values["recall"] == pytest.approx(hits / max(1, int(actual.sum())))
    areas = []
    for score, is_in in zip(output.T, actual.T, strict=True):
        wins = [float(p > n) for p in score[is_in] for n in score[~is_in]]
        areas += [sum(wins) / len(wins)] if wins else []
    assert values["auroc"] == pytest.approx(sum(areas) / len(areas))
    assert set(values) <= set(METRIC_HELP)


def test_the_class_of_a_distribution_is_its_most_likely_one() -> None:
    output = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    targets = torch.tensor([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8]])
    scores = SoftLabelScores(SoftCrossEntropy())

    scores.add(output, targets)

    assert scores.read()["accuracy"] == pytest.approx(2 / 3)


# --- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["columns", "words", "lists"])
def test_labels_are_read_from_columns_and_from_lists(tmp_path: Path, form: str) -> None:
    dataset = load_table(write_table(tmp_path, form), normalize=False)

    assert dataset.classes == LABELS
    for part in (dataset.train, dataset.validation, dataset.test):
        a, b = part.inputs.T
        assert part.targets.shape == (len(part), 3) and part.targets.dtype == torch.float32
        assert_close(part.targets[:, 0], (a > 0.5).float())
        assert_close(part.targets[:, 1], (b > 0.4).float())


def test_probabilities_are_read_and_sum_to_1(tmp_path: Path) -> None:
    dataset = load_table(write_table(tmp_path, "probabilities"), normalize=False)

    a, b = dataset.train.inputs.T
    expected = torch.stack([a, b, torch.ones_like(a)], 1) / (a + b + 1)[:, None]
    assert_close(dataset.train.targets, expected, atol=1e-3, rtol=0)
    assert_close(dataset.train.targets.sum(1), torch.ones(len(dataset.train)))


def test_rows_without_all_labels_are_left_out(tmp_path: Path) -> None:
    path = write_table(tmp_path, "columns", rows=40)
    lines = path.read_text().splitlines()
    for row, cell in ((3, 2), (7, 3), (9, 4)):
        cells = lines[row].split(",")
        lines[row] = ",".join([*cells[:cell], "", *cells[cell + 1 :]])
    path.write_text("\n".join(lines))

    assert sum(len(part) for part in load_table(path).splits.values()) == 37


@pytest.mark.parametrize(
    ("form", "old", "new", "options", "problem"),
    [
        ("columns", "0.", "3.", {"target": "a, comedy"}, "must sum to 1 in each row, but a row"),
        ("words", ",no\n", ",no\n1,1,no,no,maybe\n", {}, "so it must be 0 or 1, or a probability"),
        ("columns", "", "", {"target": "comedy, drma"}, 'there is no column "drma"'),
        ("lists", "", "", {"label_separator": "|"}, "set data.label_separator to what separates"),
    ],
)
def test_what_is_no_label_is_refused_with_a_fix(
    tmp_path: Path, form: str, old: str, new: str, options: dict[str, str], problem: str
) -> None:
    path = write_table(tmp_path, form)
    path.write_text(path.read_text().replace(old, new) if old else path.read_text())

    with pytest.raises(InputError, match=re.escape(problem)):
        load_table(path, **options)


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (1, 2)])
def test_of_two_numbers_the_larger_one_means_that_a_label_applies(
    tmp_path: Path, values: tuple[int, int]
) -> None:
    path, rows = tmp_path / "t.csv", [17 * n % 41 for n in range(40)]  # not counted up
    lines = [f"{n},{n * n % 7},{values[n % 2]},{values[n % 3 == 0]}" for n in rows]
    path.write_text("a,b,u,v\n" + "\n".join(lines))

    splits = load_table(path, target="u, v", normalize=False).splits.values()

    examples = {
        (int(x[0]), *map(int, y)) for s in splits for x, y in zip(s.inputs, s.targets, strict=True)
    }
    assert examples == {(n, n % 2, int(n % 3 == 0)) for n in rows}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("task", "dtype"),
    [("multi_label", "uint8"), ("multi_label", "bool"), ("multi_label", "float64"),
     ("soft_labels", "float32"), ("soft_labels", ">f8")],
)  # fmt: skip
def test_a_matrix_of_targets_in_an_archive_is_labels_or_probabilities(
    tmp_path: Path, task: str, dtype: str, order: Literal["C", "F"]
) -> None:
    rng = numpy.random.default_rng(0)
    x = rng.normal(size=(50, 2))
    y = rng.dirichlet([1.0] * 3, 50) if task == "soft_labels" else rng.integers(0, 2, (50, 3))
    path = tmp_path / ("probabilities.npz" if task == "soft_labels" else "labels.npz")
    numpy.savez(path, x=x, y=y.astype(dtype, order=order))

    dataset = load_table(path, target="", normalize=False)

    assert dataset.classes == ("0", "1", "2")
    for part in dataset.splits.values():
        for inputs, targets in zip(part.inputs, part.targets, strict=True):
            row = numpy.abs(x - inputs.numpy()).sum(1).argmin()
            assert_close(targets.double(), torch.tensor(y[row]).double(), atol=1e-6, rtol=0)


def test_a_one_hot_matrix_is_probabilities(tmp_path: Path) -> None:
    y = numpy.eye(3)[numpy.arange(30) % 3]
    numpy.savez(tmp_path / "t.npz", x=numpy.random.default_rng(0).normal(size=(30, 2)), y=y)

    assert Table(path=str(tmp_path / "t.npz")).tasks == ("soft_labels",)


def test_a_column_whose_name_has_a_comma_is_one_target(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text('a,"b, c"\n' + "\n".join(f"{n},{n % 2}" for n in range(20)))
    data = {"name": "table", "path": str(path), "target": "b, c"}

    assert experiment_from_dict({"data": data}).data.classes == ("0", "1")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("label_noise", 0.1, "data.label_noise: with multi_label an example has no single class"),
        ("imbalance", 0.1, "data.imbalance: with multi_label an example has no single class"),
        ("target", "comedy", "task: columns is for classification or regression"),
    ],
)
def test_what_does_not_fit_several_labels_is_refused(
    tmp_path: Path, key: str, value: Any, problem: str
) -> None:
    experiment = experiment_from_dict(describe(write_table(tmp_path, "columns"), **{key: value}))

    assert any(problem in error for error in find_errors(experiment))


# --- a run --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["columns", "probabilities"])
def test_a_run_learns_and_every_view_shows_it(tmp_path: Path, form: str) -> None:
    session = make_session(write_table(tmp_path, form))
    before = session.measure(session.dataset.train)
    dispatcher = Dispatcher(session)

    events = list(train(session))
    inspect_everything(session, dispatcher)
    response = dispatcher.inspect(ResultRequest(8, 4))

    after = session.measure(session.dataset.train)
    assert after["loss"] < 0.98 * before["loss"]
    metrics = [event.metrics for event in events if isinstance(event, Progressed)]
    names = {name for values in metrics for name in values} | set(after)
    assert names <= set(METRIC_HELP)
    assert isinstance(response, ResultResponse)
    picture = response.picture
    assert isinstance(picture, ConfusionMatrix)
    assert picture.classes == (["absent", "present"] if form == "columns" else list(LABELS))
    held_out = session.dataset.validation
    assert picture.total == len(held_out) * (3 if form == "columns" else 1)
    assert any(isinstance(each, ChecksReported) for each in run_checks(session))


def test_a_constant_has_a_lowest_loss(tmp_path: Path) -> None:
    session = make_session(write_table(tmp_path, "columns"))
    targets: Tensor = session.dataset.train.targets

    best = losses.build_loss(MultiLabelBCE())(targets.mean(0).logit().expand_as(targets), targets)

    loss = losses.build_loss(MultiLabelBCE())
    constant = fit_constant(loss, targets, 3)
    assert constant_loss(loss, constant, targets) == pytest.approx(best.item(), abs=1e-4)

"""Cross-validation: the folds, what is held out, and that a paused run is not changed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import CPU
from tests.support.tiny_sessions import flatten_parameters, make_experiment, make_session
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Examples
from tuilab.engine.data.split import Fold, split
from tuilab.engine.studies.cross_validation import cross_validate
from tuilab.engine.train import train


def numbered_examples(count: int, classes: int) -> Examples:
    numbers = torch.arange(count)
    return Examples(numbers[:, None].float(), numbers % classes)


def check_progress(activity: str, fraction: float | None) -> None:
    assert fraction is None or 0 <= fraction <= 1


@given(st.integers(2, 40), st.integers(1, 5), st.data())
def test_folds_are_disjoint_cover_all_examples_and_have_all_classes_evenly(
    count: int, classes: int, data: st.DataObject
) -> None:
    of = data.draw(st.integers(2, count))
    parts = [
        split(numbered_examples(count, classes), 0.2, 3, Fold(number, of)) for number in range(of)
    ]

    held_out = torch.cat([validation.inputs[:, 0] for _, validation in parts])
    assert sorted(held_out.tolist()) == list(range(count))
    for training, validation in parts:
        assert len(training) + len(validation) == count
        assert not set(training.inputs[:, 0].tolist()) & set(validation.inputs[:, 0].tolist())
    sizes = [len(validation) for _, validation in parts]
    assert max(sizes) - min(sizes) <= 1
    counts = torch.stack([torch.bincount(v.targets, minlength=classes) for _, v in parts])
    assert (counts.amax(dim=0) - counts.amin(dim=0) <= 1).all()


def test_random_splits_differ_in_each_round_and_have_the_size_of_the_knob() -> None:
    parts = [split(numbered_examples(50, 2), 0.2, 3, Fold(number, 0))[1] for number in range(3)]

    assert [len(part) for part in parts] == [10, 10, 10]
    assert len({tuple(part.inputs[:, 0].tolist()) for part in parts}) == 3


def test_every_round_is_trained_from_scratch_with_its_own_normalization() -> None:
    experiment = make_experiment(epochs=3, data={"name": "blobs", "centers": 3, "samples": 60})

    results = [r for r in cross_validate(experiment, 4, 0, CPU, check_progress) if r is not None]
    repeated = [r for r in cross_validate(experiment, 4, 0, CPU, check_progress) if r is not None]

    assert len(results) == 4 and results == repeated
    assert all({"loss", "accuracy"} <= set(result) for result in results)
    assert len({result["loss"] for result in results}) == 4


def test_a_paused_run_is_not_changed() -> None:
    def train_to_end(*, is_validated: bool) -> torch.Tensor:
        session = make_session("Linear 8", "Dropout 0.5", "Linear 3", epochs=3)
        if is_validated:
            list(cross_validate(make_experiment(epochs=2), 2, 0, CPU, check_progress))
        list(train(session))
        return flatten_parameters(session)

    assert torch.equal(train_to_end(is_validated=True), train_to_end(is_validated=False))


def test_data_that_cannot_be_divided_is_refused() -> None:
    few = make_experiment(data={"name": "blobs", "centers": 3, "samples": 12})
    with pytest.raises(InputError, match="cannot be divided into 500 folds"):
        list(cross_validate(few, 500, 0, CPU, check_progress))
    text = make_experiment("Embedding 4", "Linear 4", task="language_model",
                      data={"name": "python_source"})  # fmt: skip
    with pytest.raises(InputError, match="cannot be cross-validated"):
        list(cross_validate(text, 3, 0, CPU, check_progress))

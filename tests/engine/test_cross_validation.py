"""Cross-validation: the parts, what is held back, and that a waiting run does not feel it."""

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


def numbered(count: int, classes: int) -> Examples:
    numbers = torch.arange(count)
    return Examples(numbers[:, None].float(), numbers % classes)


def said(what: str, fraction: float | None) -> None:
    assert fraction is None or 0 <= fraction <= 1


@given(st.integers(2, 40), st.integers(1, 5), st.data())
def test_folds_are_disjoint_cover_everything_and_have_all_classes_alike(
    count: int, classes: int, data: st.DataObject
) -> None:
    of = data.draw(st.integers(2, count))
    parts = [split(numbered(count, classes), 0.2, 3, Fold(number, of)) for number in range(of)]

    held = torch.cat([validation.inputs[:, 0] for _, validation in parts])
    assert sorted(held.tolist()) == list(range(count))
    for training, validation in parts:
        assert len(training) + len(validation) == count
        assert not set(training.inputs[:, 0].tolist()) & set(validation.inputs[:, 0].tolist())
    sizes = [len(validation) for _, validation in parts]
    assert max(sizes) - min(sizes) <= 1
    shares = torch.stack([torch.bincount(v.targets, minlength=classes) for _, v in parts])
    assert (shares.amax(dim=0) - shares.amin(dim=0) <= 1).all()


def test_random_parts_are_others_each_time_and_as_large_as_the_knob_says() -> None:
    parts = [split(numbered(50, 2), 0.2, 3, Fold(number, 0))[1] for number in range(3)]

    assert [len(part) for part in parts] == [10, 10, 10]
    assert len({tuple(part.inputs[:, 0].tolist()) for part in parts}) == 3


def test_every_round_begins_anew_with_its_own_normalization() -> None:
    chosen = make_experiment(epochs=3, data={"name": "blobs", "centers": 3, "samples": 60})

    results = [r for r in cross_validate(chosen, 4, 0, CPU, said) if r is not None]
    again = [r for r in cross_validate(chosen, 4, 0, CPU, said) if r is not None]

    assert len(results) == 4 and results == again
    assert all({"loss", "accuracy"} <= set(result) for result in results)
    assert len({result["loss"] for result in results}) == 4


def test_a_run_that_waits_meanwhile_does_not_feel_it() -> None:
    def trained(validates: bool) -> torch.Tensor:
        session = make_session("Linear 8", "Dropout 0.5", "Linear 3", epochs=3)
        if validates:
            list(cross_validate(make_experiment(epochs=2), 2, 0, CPU, said))
        list(train(session))
        return flatten_parameters(session)

    assert torch.equal(trained(True), trained(False))


def test_what_cannot_be_divided_is_refused() -> None:
    few = make_experiment(data={"name": "blobs", "centers": 3, "samples": 12})
    with pytest.raises(InputError, match="cannot be divided into 500 folds"):
        list(cross_validate(few, 500, 0, CPU, said))
    text = make_experiment("Embedding 4", "Linear 4", task="language_model",
                      data={"name": "python_source"})  # fmt: skip
    with pytest.raises(InputError, match="cannot be cross-validated"):
        list(cross_validate(text, 3, 0, CPU, said))

"""Searches for a learning rate and a batch size: what they suggest, and that nothing changes."""

from itertools import pairwise
from math import exp, log

import pytest
import torch

from tests.support.tiny import session, steps, weights
from tuilab.core.errors import InputError
from tuilab.engine.session import Session
from tuilab.engine.studies import batch_size_finder, lr_finder
from tuilab.engine.train import train


@pytest.mark.parametrize("search", [lr_finder.try_learning_rates, batch_size_finder.try_batch_sizes])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_a_search_leaves_no_trace(search: object, optimizer: str):
    def trained(searches: bool) -> Session:
        subject = session(
            "Linear 16", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3", epochs=4,
            optimizer={"name": optimizer}, averaging={"name": "ema"},
            augmentation={"noise": 0.1}, schedule={"name": "one_cycle"},
        )  # fmt: skip
        steps(subject, 5)
        if searches:
            assert list(search(subject))  # type: ignore[operator]
        list(train(subject))
        return subject

    disturbed, left = trained(True), trained(False)

    assert disturbed.step == left.step
    assert torch.equal(weights(disturbed), weights(left))
    assert disturbed.experiment == left.experiment


def test_a_search_that_is_left_early_leaves_no_trace():
    subject = session()
    before = weights(subject)

    search = lr_finder.try_learning_rates(subject)
    for _ in range(9):
        next(search)
    search.close()  # type: ignore[attr-defined]

    assert torch.equal(weights(subject), before) and subject.step == 0


def test_rates_rise_evenly_until_the_loss_explodes():
    subject = session("Linear 32", "ReLU", "Linear 3", optimizer={"name": "sgd", "momentum": 0.0})

    points = list(lr_finder.try_learning_rates(subject))

    rates = [rate for rate, _ in points]
    steps = [log(second / first) for first, second in pairwise(rates)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6)
    assert rates[0] == pytest.approx(lr_finder.MIN_RATE) and rates[-1] <= lr_finder.MAX_RATE * 1.001
    suggestion = lr_finder.suggest_learning_rate(points)
    assert suggestion is not None and 1e-3 < suggestion < 10


def test_the_suggestion_is_where_a_noisy_loss_falls_fastest():
    torch.manual_seed(0)
    rates = [1e-7 * 10 ** (8 * i / 149) for i in range(150)]
    noise = (torch.randn(150) * 0.01).tolist()
    falling = [2 - 1.5 / (1 + exp(-4 * log(rate / 1e-2))) for rate in rates]
    points = [(r, loss + e) for r, loss, e in zip(rates, falling, noise, strict=True)]

    suggestion = lr_finder.suggest_learning_rate(points)

    assert suggestion is not None and 5e-3 < suggestion < 2e-2
    assert lr_finder.suggest_learning_rate([(r, 2 + e) for r, e in zip(rates, noise, strict=True)]) is None
    assert lr_finder.suggest_learning_rate([]) is None


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"optimizer": {"name": "lbfgs"}}, "chooses the length of its steps"),
    ],
)
def test_where_a_rate_means_nothing_it_is_said(knobs: dict[str, object], words: str):
    with pytest.raises(InputError, match=words):
        list(lr_finder.try_learning_rates(session(**knobs)))


@pytest.mark.parametrize(
    "shortage",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory")],
    ids=["GPU", "CPU"],
)
def test_batch_sizes_double_up_to_all_examples_and_end_where_memory_ends(
    shortage: RuntimeError, monkeypatch: pytest.MonkeyPatch
):
    sizes = [size for size, _ in batch_size_finder.try_batch_sizes(session(examples=57))]
    assert sizes[:3] == [8, 16, 32] and sizes[-1] <= 57

    subject = session(examples=57)
    step = batch_size_finder._step

    def short_of_memory(subject: Session) -> None:
        if subject.batch_size > 16:
            raise shortage
        step(subject)

    monkeypatch.setattr(batch_size_finder, "_step", short_of_memory)
    assert [size for size, _ in batch_size_finder.try_batch_sizes(subject)] == [8, 16]


def test_the_smallest_batch_that_is_nearly_as_fast_is_enough():
    assert batch_size_finder.suggest_batch_size([(8, 100.0), (16, 190.0), (32, 200.0), (64, 205.0)]) == 16
    assert batch_size_finder.suggest_batch_size([]) is None

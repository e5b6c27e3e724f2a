"""The search for a learning rate: its rates and its suggestion; no search changes the run."""

from collections.abc import Callable, Generator, Iterator
from itertools import pairwise
from math import exp, log, sin

import pytest
import torch

from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.engine.session import Session
from tuilab.engine.studies import batch_size_finder, lr_finder
from tuilab.engine.train import train

Search = Callable[[Session], Iterator[tuple[float, float]]]


@pytest.mark.parametrize(
    "search", [lr_finder.try_learning_rates, batch_size_finder.try_batch_sizes]
)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_a_search_does_not_change_the_run(search: Search, optimizer: str) -> None:
    def train_to_end(*, is_searched: bool) -> Session:
        session = make_session(
            "Linear 16", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3", epochs=4,
            optimizer={"name": optimizer}, averaging={"name": "ema"},
            augmentation={"noise": 0.1}, schedule={"name": "one_cycle"},
        )  # fmt: skip
        train_steps(session, 5)
        if is_searched:
            assert list(search(session))
        list(train(session))
        return session

    searched, other = train_to_end(is_searched=True), train_to_end(is_searched=False)

    assert searched.step == other.step
    assert torch.equal(flatten_parameters(searched), flatten_parameters(other))
    assert searched.experiment == other.experiment


def test_a_canceled_search_does_not_change_the_run() -> None:
    session = make_session()
    before = flatten_parameters(session)

    search = lr_finder.try_learning_rates(session)
    assert isinstance(search, Generator)
    for _ in range(9):
        next(search)
    search.close()

    assert torch.equal(flatten_parameters(session), before) and session.step == 0


def test_rates_rise_evenly_until_the_loss_explodes() -> None:
    session = make_session(
        "Linear 32", "ReLU", "Linear 3", optimizer={"name": "sgd", "momentum": 0.0}
    )

    points = list(lr_finder.try_learning_rates(session))

    rates = [rate for rate, _ in points]
    steps = [log(second / first) for first, second in pairwise(rates)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6)
    assert rates[0] == pytest.approx(lr_finder.MIN_RATE) and rates[-1] <= lr_finder.MAX_RATE * 1.001
    suggestion = lr_finder.suggest_learning_rate(points)
    assert suggestion is not None and 1e-3 < suggestion < 10


def test_noise_before_the_fall_is_no_slope() -> None:
    """A few first batches with large losses, then a slow fall, as on a hard problem."""
    rates = [1e-7 * 10 ** (8 * i / 149) for i in range(150)]
    noise = [0.3 * exp(-i / 5) + 0.06 * sin(i / 4) for i in range(150)]
    falling = [0.9 - 0.25 / (1 + exp(-2 * log(rate / 3e-3))) for rate in rates]
    points = [(r, loss + e) for r, loss, e in zip(rates, falling, noise, strict=True)]

    suggestion = lr_finder.suggest_learning_rate(points)

    assert suggestion is not None and 3e-4 < suggestion < 3e-2


@pytest.mark.parametrize("count", [0, 1, 14, 30, 44])
def test_too_few_points_suggest_nothing(count: int) -> None:
    assert lr_finder.suggest_learning_rate([(1e-7 * 1.2**i, 1.0 - i) for i in range(count)]) is None


def test_the_suggestion_is_where_a_noisy_loss_falls_fastest() -> None:
    torch.manual_seed(0)
    rates = [1e-7 * 10 ** (8 * i / 149) for i in range(150)]
    noise = (torch.randn(150) * 0.01).tolist()
    falling = [2 - 1.5 / (1 + exp(-4 * log(rate / 1e-2))) for rate in rates]
    points = [(r, loss + e) for r, loss, e in zip(rates, falling, noise, strict=True)]

    suggestion = lr_finder.suggest_learning_rate(points)

    assert suggestion is not None and 5e-3 < suggestion < 2e-2
    flat = [(r, 2 + e) for r, e in zip(rates, noise, strict=True)]
    assert lr_finder.suggest_learning_rate(flat) is None
    assert lr_finder.suggest_learning_rate([]) is None


def test_an_optimizer_that_chooses_its_step_length_has_no_rate_to_find() -> None:
    with pytest.raises(InputError, match="chooses the length of its steps"):
        list(lr_finder.try_learning_rates(make_session(optimizer={"name": "lbfgs"})))

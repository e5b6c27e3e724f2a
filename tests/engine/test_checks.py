"""The checks for the diagnosis: closed forms, sound and broken networks, and an unchanged run."""

from math import log
from typing import Any

import pytest
import torch
from torch import nn

from tests.engine.test_preserve import CASES, STEPS, state_of
from tests.support.bitwise import find_differences
from tests.support.datasets import CPU, ignore_progress
from tests.support.tiny_sessions import load_session, make_session, train_steps
from tuilab.core.catalogue import losses as catalogue
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.protocol.events import ChecksReported
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.data.load import load
from tuilab.engine.metrics.constant_predictor import constant_loss, fit_constant
from tuilab.engine.metrics.losses import build_evaluation_loss
from tuilab.engine.session import Session
from tuilab.engine.studies import checks
from tuilab.engine.studies.checks import run_checks

CLASSES = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, IGNORE_INDEX])
NUMBERS = torch.tensor([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [9.0, 7.0]])


@pytest.fixture(autouse=True)
def short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes all trials shorter than in use."""
    for name in ("MEMORIZE_STEPS", "PERMUTATION_STEPS"):
        monkeypatch.setattr(checks, name, 60)
    monkeypatch.setattr(checks, "RATE_STEPS", 10)
    monkeypatch.setattr(checks, "MIN_MEMORIZE_STEPS", 60)
    monkeypatch.setattr(checks, "MIN_PERMUTED_EXAMPLES", 24)


@pytest.fixture
def tiny_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes all trials so short that they say nothing."""
    for name in ("MEMORIZE_STEPS", "MIN_MEMORIZE_STEPS", "PERMUTATION_STEPS", "RATE_STEPS"):
        monkeypatch.setattr(checks, name, 3)
    monkeypatch.setattr(checks, "MIN_STEPS", 3)


def check(session: Session) -> ChecksReported:
    *_, report = run_checks(session)
    assert isinstance(report, ChecksReported)
    return report


# --- the constant prediction ----------------------------------------------------------------------


def best_constant(config: catalogue.Loss, targets: torch.Tensor, outputs: int) -> float:
    loss = build_evaluation_loss(config)
    return constant_loss(loss, fit_constant(loss, targets, outputs), targets)


def test_the_best_constant_of_classes_is_their_entropy() -> None:
    shares = (3 / 9, 2 / 9, 4 / 9)
    entropy = -sum(share * log(share) for share in shares)

    assert best_constant(catalogue.CrossEntropy(), CLASSES, 3) == pytest.approx(entropy, rel=1e-5)
    by_position = CLASSES.view(2, 5)
    assert best_constant(catalogue.CrossEntropy(), by_position, 3) == pytest.approx(entropy)
    brier = sum(share * (1 - share) for share in shares) / 3
    assert best_constant(catalogue.MSE(), CLASSES, 3) == pytest.approx(brier, rel=1e-4)


def test_the_best_constant_of_one_logit_is_that_of_the_share() -> None:
    targets = torch.tensor([1, 1, 1, 0])
    entropy = -(0.75 * log(0.75) + 0.25 * log(0.25))

    assert best_constant(catalogue.BCE(), targets, 1) == pytest.approx(entropy, rel=1e-5)


def test_the_best_constants_of_numbers_are_mean_and_median() -> None:
    variance = NUMBERS.var(dim=0, unbiased=False).mean().item()

    assert best_constant(catalogue.MSE(), NUMBERS, 2) == pytest.approx(variance, rel=1e-5)
    distance = (9 + 2 - 1 + 0) / 8 + 2 / 8  # to any number between the two in the middle
    assert best_constant(catalogue.L1(), NUMBERS, 2) == pytest.approx(distance, rel=1e-4)


def test_the_best_constant_of_any_loss_is_found_numerically() -> None:
    """Of a focal loss with γ = 2 no closed form is known: a grid finds none that is lower."""
    targets = torch.tensor([0] * 7 + [1] * 3)
    loss = build_evaluation_loss(catalogue.Focal())
    logits = torch.linspace(-3, 3, 601)
    grid = min(constant_loss(loss, torch.tensor([0.0, z]), targets) for z in logits.tolist())

    assert best_constant(catalogue.Focal(), targets, 2) <= grid + 1e-6


# --- what the checks find out ---------------------------------------------------------------------


def test_a_sound_network_beats_the_baselines_and_memorizes_a_batch() -> None:
    session = make_session(
        "Linear 16", "Tanh", "Linear 3", optimizer={"name": "adamw", "lr": 0.02}, epochs=20
    )
    train_steps(session, 120)
    report = check(session)

    train, validation = report.baselines
    assert (train.split, train.examples, validation.split) == ("train", 57, "validation")
    assert train.network < 0.5 * train.constant < train.untrained
    assert train.network == pytest.approx(session.measure(session.dataset.train)["loss"], rel=1e-4)
    assert report.memorization is not None and report.memorization.excess < 0.1
    assert report.memorization.steps <= 60
    assert report.permutation is not None
    assert report.permutation.true < 0.8 * report.permutation.permuted


def test_a_network_whose_gradients_are_cut_memorizes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Cut(nn.Tanh):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
            return 0 * input.detach()

    session = make_session("Linear 16", "Tanh", "Linear 3")
    sound = checks._copy

    def cut(*arguments: Any) -> Session:
        copied = sound(*arguments)
        assert isinstance(copied.network, nn.Sequential)
        copied.network[1] = Cut()
        return copied

    monkeypatch.setattr(checks, "_copy", cut)
    memorization = check(session).memorization

    assert memorization is not None and memorization.steps == 60
    assert memorization.excess > 0.95


def test_another_rate_lowers_the_loss_where_that_of_the_run_does_not() -> None:
    for lr, best in ((30.0, 0.1), (1e-5, 10.0)):
        session = make_session("Linear 16", "Tanh", "Linear 3", optimizer={"name": "sgd", "lr": lr})
        train_steps(session, 5)

        trials = {(trial.start, trial.factor): trial for trial in check(session).rates}

        assert len(trials) == 6
        assert trials["new", best].drop > 3 * trials["new", 1.0].drop
        assert trials["new", best].lr == pytest.approx(best * lr)


def test_the_rate_that_is_found_does_not_depend_on_that_of_the_run_and_trains() -> None:
    network = ("Linear 16", "Tanh", "Linear 3")
    rates = set[float]()
    for lr in (30.0, 1e-5):
        session = make_session(*network, optimizer={"name": "adamw", "lr": lr})
        train_steps(session, 5)
        search = check(session).rate_search
        assert search is not None and search.lr is not None
        assert search.searches == 3 and search.steps > 300
        rates.add(search.lr)

    [lr] = rates
    session = make_session(*network, optimizer={"name": "adamw", "lr": lr})
    before = session.measure(session.dataset.train)["loss"]
    train_steps(session, 60)
    assert session.measure(session.dataset.train)["loss"] < 0.2 * before


def test_labels_without_signal_are_fitted_no_faster_than_permuted_ones() -> None:
    session = make_session("Linear 64", "ReLU", "Linear 3", examples=40)
    targets = session.dataset.train.targets
    generator = torch.Generator().manual_seed(3)
    session.dataset.train.targets = targets[torch.randperm(len(targets), generator=generator)]

    permutation = check(session).permutation

    assert permutation is not None
    assert permutation.true > 0.9 * permutation.permuted


@pytest.mark.usefixtures("tiny_trials")
@pytest.mark.parametrize(
    ("name", "left_out"),
    [("language model", 0), ("variational autoencoder", 1), ("swa", 2), ("gan", None)],
)
def test_what_a_task_does_not_allow_is_left_out(name: str, left_out: int | None) -> None:
    report = check(load_session(CASES[name]))

    assert len(report.notes) == (1 if left_out is None else left_out)
    assert bool(report.baselines) == (left_out is not None)
    assert (report.permutation is None) == (name in ("variational autoencoder", "gan"))
    assert bool(report.rates) == (name not in ("swa", "gan")), "L-BFGS"
    assert (report.rate_search is not None) == bool(report.rates)


def test_a_graph_is_a_single_example() -> None:
    graph = {"network": ["GraphConvolution 4"], "data": {"name": "communities"}}
    report = check(load_session(graph))

    assert report.memorization is None and report.permutation is None and report.rates
    assert len(report.notes) == 2


def test_a_large_network_is_given_fewer_steps() -> None:
    small, large = make_session(), make_session("Linear 4096", "ReLU", "Linear 4096", "Linear 3")

    assert checks._count_steps(small, 100, 32) == 100
    assert checks.MIN_STEPS <= checks._count_steps(large, 100, 32) < 20


# --- the run --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tiny_trials")
@pytest.mark.parametrize("name", ["convnet", "lstm", "transformer", "ema"])
def test_a_run_that_was_checked_ends_as_an_undisturbed_one(name: str) -> None:
    case = CASES[name]
    experiment = experiment_from_dict({**case, "training": {"epochs": 4, "device": "cpu"}})
    dataset = load(experiment, CPU, ignore_progress)
    states = []
    for is_checked in (False, True):
        session = Session("run", experiment, dataset, CPU)  # seeds the random generators
        train_steps(session, 3)
        if is_checked:
            before = state_of(session)
            started = run_checks(session)  # canceled in the middle
            for _ in range(12):
                next(started)
            assert find_differences(before, state_of(session)) == []
            train_steps(session, 1)
            assert check(session).baselines
        else:
            train_steps(session, 1)
        train_steps(session, STEPS - 4)
        states.append(state_of(session))

    assert find_differences(states[0], states[1]) == []


@pytest.mark.usefixtures("tiny_trials")
def test_checks_give_the_same_answer_twice() -> None:
    session = make_session("Linear 8", "Dropout 0.2", "Linear 3")
    train_steps(session, 4)

    assert check(session) == check(session)

"""The training loop against hand-written torch, and its reports."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.not_none import not_none
from tests.support.tiny_sessions import (
    flatten_parameters,
    layer_at,
    make_dataset,
    make_experiment,
    make_session,
    train_steps,
)
from tuilab.core.protocol.events import EpochEnded, LayerStatsReported, Progressed
from tuilab.engine.session import Session
from tuilab.engine.train import train


def norm(tensors: list[torch.Tensor]) -> float:
    """Returns the norm of all numbers of some tensors."""
    return float(torch.cat([tensor.flatten() for tensor in tensors]).norm())


def test_the_loop_is_the_usual_loop_of_torch() -> None:
    session = make_session(optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9}, epochs=3)
    network = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    network.load_state_dict(session.network.state_dict())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, fused=True)
    examples = session.dataset.train

    for epoch in range(3):
        generator = torch.Generator().manual_seed(0 * 1_000_003 + epoch)
        order = torch.randperm(57, generator=generator)
        for start in range(0, 57, 10):
            index = order[start : start + 10]
            optimizer.zero_grad()
            F.cross_entropy(network(examples.inputs[index]), examples.targets[index]).backward()
            optimizer.step()
    list(train(session))

    assert session.step == 18
    assert torch.equal(
        flatten_parameters(session), torch.cat([p.flatten() for p in network.parameters()])
    )


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    lines = ("Linear 8", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3")
    weights = []

    for seed in (4, 4, 5):
        session = make_session(*lines, seed=seed)
        list(train(session))
        weights.append(flatten_parameters(session))

    first, second, other = weights
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@settings(max_examples=15, deadline=None)
@given(parts=st.integers(1, 12), batch_size=st.integers(1, 30))
def test_a_batch_in_micro_batches_is_the_same_step(parts: int, batch_size: int) -> None:
    whole = make_session(batch_size=batch_size, epochs=1, optimizer={"name": "sgd", "lr": 0.5})
    divided = make_session(
        batch_size=batch_size, epochs=1, optimizer={"name": "sgd", "lr": 0.5},
        training={"accumulation": parts},
    )  # fmt: skip

    list(train(whole))
    list(train(divided))

    assert torch.allclose(flatten_parameters(whole), flatten_parameters(divided), atol=1e-5)


def test_clipping_bounds_the_step() -> None:
    lr, limit = 1.0, 1e-3
    session = make_session(
        optimizer={"name": "sgd", "lr": lr}, training={"clip_grad_norm": limit}, epochs=1
    )
    before = flatten_parameters(session)

    train_steps(session, 1)

    assert (flatten_parameters(session) - before).norm() == pytest.approx(lr * limit, rel=1e-3)


def test_the_schedule_decides_the_learning_rate_of_every_step() -> None:
    session = make_session(
        schedule={"name": "cosine"}, optimizer={"name": "sgd", "lr": 0.4}, epochs=4
    )
    rates = []

    for _ in train(session):
        rates.append(session.optimizer.param_groups[0]["lr"])

    assert rates[0] == pytest.approx(0.4)
    assert rates[-1] < 0.01
    assert rates == sorted(rates, reverse=True)


def test_reported_gradients_are_those_of_autograd() -> None:
    session = make_session(batch_size=57, epochs=1, optimizer={"name": "sgd", "lr": 0.1})
    session.report_at_step = 1
    inputs, targets = not_none(session.next_batch())
    F.cross_entropy(session.network(inputs), targets).backward()
    layers = [layer_at(session, index, torch.nn.Linear) for index in (0, 2)]
    expected = [norm([not_none(p.grad) for p in layer.parameters()]) for layer in layers]
    sizes = [norm([p.detach() for p in layer.parameters()]) for layer in layers]

    stats = next(event for event in train(session) if isinstance(event, LayerStatsReported))

    assert [layer.layer for layer in stats.layers] == ["1 Linear", "2 Linear"]
    assert [layer.gradient_norm for layer in stats.layers] == pytest.approx(expected, rel=1e-5)
    ratios = [0.1 * gradient / size for gradient, size in zip(expected, sizes, strict=True)]
    assert [layer.update_ratio for layer in stats.layers] == pytest.approx(ratios, rel=1e-4)


def test_a_requested_report_comes_after_exactly_that_step() -> None:
    session = make_session(epochs=3)
    session.report_at_step = 2

    reports = [event for event in train(session) if isinstance(event, Progressed)]

    assert reports[0].step == 2
    assert reports[-1].step == session.step == 18
    assert reports[-1].epoch == 3


def test_the_time_left_is_not_estimated_from_the_first_steps() -> None:
    session = make_session(epochs=20)
    seconds_left: dict[int, float | None] = {}
    session.report_at_step = 1
    for event in train(session):
        if event is None:
            session.report_at_step = session.step + 1
        if isinstance(event, Progressed):
            seconds_left[event.step] = event.seconds_left

    assert seconds_left[1] is None
    assert seconds_left[20] and seconds_left[100]


def test_the_last_epoch_is_always_evaluated() -> None:
    session = make_session(epochs=5)

    epochs = [event for event in train(session) if isinstance(event, EpochEnded)]

    assert epochs[-1].epoch == 5
    assert epochs[-1].step == 30
    assert {"loss", "accuracy", "majority"} <= set(epochs[-1].validation)


def test_a_closed_loop_is_continued_by_a_new_one_without_a_difference() -> None:
    interrupted, uninterrupted = make_session(epochs=3), make_session(epochs=3)

    for count in (1, 4, 2, 7):
        train_steps(interrupted, count)
    list(train(interrupted))
    list(train(uninterrupted))

    assert interrupted.step == uninterrupted.step == 18
    assert torch.equal(flatten_parameters(interrupted), flatten_parameters(uninterrupted))


def test_a_regression_is_evaluated_by_r2() -> None:
    session = Session(
        "run",
        make_experiment("Linear 8", "Tanh", "Linear 1", task="regression", loss={"name": "mse"},
                   data={"name": "plane"}, epochs=1),
        make_dataset(),
        torch.device("cpu"),
    )  # fmt: skip
    for part in (session.dataset.train, session.dataset.validation, session.dataset.test):
        part.targets = part.inputs.sum(1, keepdim=True)

    list(train(session))

    results = session.finished_event("done").results
    assert list(results["test"])[:2] == ["loss", "r2"]
    assert results["test"]["r2"] <= 1


@pytest.mark.parametrize("at_end_of_epoch", [False, True])
def test_a_pause_does_not_count_as_training_time(
    monkeypatch: pytest.MonkeyPatch, at_end_of_epoch: bool
) -> None:
    session, now = make_session(epochs=4), 0.0
    monkeypatch.setattr("tuilab.engine.progress.time.perf_counter", lambda: now)
    session.report_at_epoch = 1
    loop = train(session)
    for event in loop:
        now += 0.001
        if isinstance(event, EpochEnded) if at_end_of_epoch else session.step == 3:
            break

    now += 3600
    list(loop)

    assert session.seconds < 1


def test_a_requested_end_of_an_epoch_is_reported_with_its_gradients() -> None:
    session = make_session(epochs=50)
    session.report_at_epoch = 2

    kinds = (LayerStatsReported, Progressed, EpochEnded)
    events = []
    for event in train(session):
        if event is not None:
            assert isinstance(event, kinds)
            events.append(event)
        if isinstance(event, EpochEnded) and event.epoch == 2:
            break

    assert tuple(type(event) for event in events[-3:]) == kinds
    assert [event.step for event in events[-3:]] == [12, 12, 12]


def test_an_evaluation_reports_its_confusion_matrix() -> None:
    session = make_session(epochs=1)
    epochs = [event for event in train(session) if isinstance(event, EpochEnded)]
    counts = torch.tensor(epochs[-1].counts)
    assert int(counts.sum()) == len(session.dataset.validation)
    accuracy = epochs[-1].validation["accuracy"]
    assert float(counts.diagonal().sum() / counts.sum()) == pytest.approx(accuracy)

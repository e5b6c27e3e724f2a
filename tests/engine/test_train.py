"""The loop against hand-written torch, and what it promises to those who watch."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiny_sessions import (
    flatten_parameters,
    make_dataset,
    make_experiment,
    make_session,
    train_steps,
)
from tuilab.core.protocol.events import EpochEnded, LayerStatsReported, Progressed
from tuilab.engine.session import Session
from tuilab.engine.train import train


def test_the_loop_is_the_loop_everybody_writes_by_hand():
    subject = make_session(optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9}, epochs=3)
    byhand = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    byhand.load_state_dict(subject.network.state_dict())
    optimizer = torch.optim.SGD(byhand.parameters(), lr=0.1, momentum=0.9, fused=True)
    data = subject.dataset.train

    for epoch in range(3):
        generator = torch.Generator().manual_seed(0 * 1_000_003 + epoch)
        order = torch.randperm(57, generator=generator)
        for start in range(0, 57, 10):
            index = order[start : start + 10]
            optimizer.zero_grad()
            F.cross_entropy(byhand(data.inputs[index]), data.targets[index]).backward()
            optimizer.step()
    list(train(subject))

    assert subject.step == 18
    assert torch.equal(
        flatten_parameters(subject), torch.cat([p.flatten() for p in byhand.parameters()])
    )


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    lines = ("Linear 8", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3")
    ends = []

    for seed in (4, 4, 5):
        subject = make_session(*lines, seed=seed)
        list(train(subject))
        ends.append(flatten_parameters(subject))

    first, second, other = ends
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@settings(max_examples=15, deadline=None)
@given(parts=st.integers(1, 12), batch_size=st.integers(1, 30))
def test_a_batch_in_parts_is_the_same_step(parts: int, batch_size: int):
    whole = make_session(batch_size=batch_size, epochs=1, optimizer={"name": "sgd", "lr": 0.5})
    divided = make_session(
        batch_size=batch_size, epochs=1, optimizer={"name": "sgd", "lr": 0.5},
        training={"accumulation": parts},
    )  # fmt: skip

    list(train(whole))
    list(train(divided))

    assert torch.allclose(flatten_parameters(whole), flatten_parameters(divided), atol=1e-5)


def test_clipping_bounds_the_step():
    lr, limit = 1.0, 1e-3
    subject = make_session(
        optimizer={"name": "sgd", "lr": lr}, training={"clip_grad_norm": limit}, epochs=1
    )
    before = flatten_parameters(subject)

    train_steps(subject, 1)

    assert (flatten_parameters(subject) - before).norm() == pytest.approx(lr * limit, rel=1e-3)


def test_the_schedule_decides_the_learning_rate_of_every_step():
    subject = make_session(
        schedule={"name": "cosine"}, optimizer={"name": "sgd", "lr": 0.4}, epochs=4
    )
    rates = []

    for _ in train(subject):
        rates.append(subject.optimizer.param_groups[0]["lr"])

    assert rates[0] == pytest.approx(0.4)
    assert rates[-1] < 0.01
    assert rates == sorted(rates, reverse=True)


def test_probed_gradients_are_those_of_autograd():
    subject = make_session(batch_size=57, epochs=1, optimizer={"name": "sgd", "lr": 0.1})
    subject.report_at_step = 1
    inputs, targets = subject.next_batch()
    F.cross_entropy(subject.network(inputs), targets).backward()
    expected = [
        torch.cat([layer.weight.grad.flatten(), layer.bias.grad]).norm().item()
        for layer in (subject.network[0], subject.network[2])
    ]
    sizes = [
        torch.cat([layer.weight.detach().flatten(), layer.bias.detach()]).norm().item()
        for layer in (subject.network[0], subject.network[2])
    ]

    probed = next(event for event in train(subject) if isinstance(event, LayerStatsReported))

    assert [layer.layer for layer in probed.layers] == ["1 Linear", "2 Linear"]
    assert [layer.gradient_norm for layer in probed.layers] == pytest.approx(expected, rel=1e-5)
    ratios = [0.1 * gradient / size for gradient, size in zip(expected, sizes, strict=True)]
    assert [layer.update_ratio for layer in probed.layers] == pytest.approx(ratios, rel=1e-4)


def test_a_report_asked_for_comes_after_exactly_that_step():
    subject = make_session(epochs=3)
    subject.report_at_step = 2

    reports = [event for event in train(subject) if isinstance(event, Progressed)]

    assert reports[0].step == 2
    assert reports[-1].step == subject.step == 18
    assert reports[-1].epoch == 3


def test_the_time_left_is_not_guessed_from_the_first_steps():
    subject, left = make_session(epochs=20), {}
    subject.report_at_step = 1
    for event in train(subject):
        subject.report_at_step = subject.step + 1
        if isinstance(event, Progressed):
            left[event.step] = event.seconds_left

    assert left[1] is None
    assert left[20] and left[100]


def test_the_last_epoch_is_always_measured():
    subject = make_session(epochs=5)

    ended = [event for event in train(subject) if isinstance(event, EpochEnded)]

    assert ended[-1].epoch == 5
    assert ended[-1].step == 30
    assert {"loss", "accuracy", "majority"} <= set(ended[-1].validation)


def test_a_closed_loop_is_continued_by_a_new_one_without_a_trace():
    broken, whole = make_session(epochs=3), make_session(epochs=3)

    for count in (1, 4, 2, 7):
        train_steps(broken, count)
    list(train(broken))
    list(train(whole))

    assert broken.step == whole.step == 18
    assert torch.equal(flatten_parameters(broken), flatten_parameters(whole))


def test_a_regression_is_measured_by_r2():
    subject = Session(
        "run",
        make_experiment("Linear 8", "Tanh", "Linear 1", task="regression", loss={"name": "mse"},
                   data={"name": "plane"}, epochs=1),
        make_dataset(),
        torch.device("cpu"),
    )  # fmt: skip
    for part in (subject.dataset.train, subject.dataset.validation, subject.dataset.test):
        part.targets = part.inputs.sum(1, keepdim=True)

    list(train(subject))

    results = subject.finished_event("done").results
    assert list(results["test"])[:2] == ["loss", "r2"]
    assert results["test"]["r2"] <= 1


@pytest.mark.parametrize("at_an_epochs_end", [False, True])
def test_a_pause_is_no_training_time(monkeypatch: pytest.MonkeyPatch, at_an_epochs_end: bool):
    subject, now = make_session(epochs=4), [0.0]
    monkeypatch.setattr("tuilab.engine.progress.time.perf_counter", lambda: now[0])
    subject.report_at_epoch = 1
    loop = train(subject)
    for event in loop:
        now[0] += 0.001
        if isinstance(event, EpochEnded) if at_an_epochs_end else subject.step == 3:
            break

    now[0] += 3600
    list(loop)

    assert subject.seconds < 1


def test_the_end_of_an_epoch_asked_for_is_reported_with_its_gradients():
    subject = make_session(epochs=50)
    subject.report_at_epoch = 2

    told = []
    for event in train(subject):
        told.append(event)
        if isinstance(event, EpochEnded) and event.epoch == 2:
            break

    kinds = [type(event) for event in told if event is not None][-3:]
    assert kinds == [Progressed, LayerStatsReported, EpochEnded]
    assert [event.step for event in told if event is not None][-3:] == [12, 12, 12]


def test_an_evaluation_tells_its_confusion_matrix():
    subject = make_session(epochs=1)
    ended = [event for event in train(subject) if isinstance(event, EpochEnded)]
    counts = torch.tensor(ended[-1].counts)
    assert int(counts.sum()) == len(subject.dataset.validation)
    right = ended[-1].validation["accuracy"]
    assert float(counts.diagonal().sum() / counts.sum()) == pytest.approx(right)

"""Averages of the weights: their values, what they are measured for, and training as ever."""

import pytest
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tests.support.tiny import session, steps, weights
from tuilab.engine.session import Session
from tuilab.engine.train import train


def measured(subject: Session) -> Tensor:
    """The weights that an evaluation sees."""
    with subject.task.measuring():
        return weights(subject)


@pytest.mark.parametrize(("decay", "count"), [(0.5, 7), (0.99, 5), (0.0, 3)])
def test_ema_is_torch_s_with_the_statistics_of_batch_norm(decay: float, count: int):
    lines = "Linear 8", "BatchNorm1d", "Linear 3"
    subject = session(*lines, averaging={"name": "ema", "decay": decay}, epochs=50)
    mean = get_ema_multi_avg_fn(decay)
    model = AveragedModel(subject.network, multi_avg_fn=mean, use_buffers=True)
    for _ in range(count):
        steps(subject, 1)
        model.update_parameters(subject.network)

    wanted = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    torch.testing.assert_close(measured(subject), wanted)
    with subject.task.measuring():
        norm = subject.network[1]
        torch.testing.assert_close(norm.running_var, model.module[1].running_var)


def test_swa_is_the_mean_over_the_ends_of_late_epochs_as_in_torch(
    monkeypatch: pytest.MonkeyPatch,
):
    subject = session(averaging={"name": "swa", "start": 0.5}, epochs=6)
    model = AveragedModel(subject.network)
    end = subject.end_epoch

    def end_epoch() -> None:
        end()
        if subject.epoch > 3:
            model.update_parameters(subject.network)

    monkeypatch.setattr(subject, "end_epoch", end_epoch)
    list(train(subject))

    wanted = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    torch.testing.assert_close(measured(subject), wanted)


@pytest.mark.parametrize("averaging", [{"name": "ema"}, {"name": "swa", "start": 0.3}])
def test_training_does_not_feel_that_it_is_averaged(averaging: dict[str, object]):
    lines = "Linear 8", "BatchNorm1d", "Dropout 0.3", "Linear 3"
    plain = session(*lines, epochs=4)
    list(train(plain))
    averaged = session(*lines, epochs=4, averaging=averaging)
    list(train(averaged))

    assert torch.equal(weights(plain), weights(averaged))
    assert not torch.equal(measured(averaged), weights(averaged))


def test_the_averaged_weights_answer_in_every_evaluation():
    subject = session(averaging={"name": "ema", "decay": 0.9}, epochs=4)
    list(train(subject))
    inputs = subject.dataset.test.inputs

    told = subject.predict(inputs)
    kept = [parameter.detach().clone() for parameter in subject.parameters]
    with subject.task.measuring():
        mean = [parameter.detach().clone() for parameter in subject.parameters]
    _fill(subject, mean)
    subject.network.eval()
    assert torch.equal(subject.network(inputs), told)
    _fill(subject, kept)
    assert not torch.equal(subject.network(inputs), told)


def _fill(subject: Session, values: list[Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(subject.parameters, values, strict=True):
            parameter.copy_(value)


def test_averaging_can_be_turned_on_while_it_trains():
    subject = session(epochs=9)
    steps(subject, 3)
    subject.set("averaging.name", "ema")
    steps(subject, 5)

    assert not torch.equal(measured(subject), weights(subject))
    subject.set("averaging.name", "none")
    assert torch.equal(measured(subject), weights(subject))


def test_another_kind_of_average_begins_anew():
    subject = session(averaging={"name": "ema", "decay": 0.9}, epochs=4)
    steps(subject, 8)
    subject.set("averaging.name", "swa")
    subject.set("averaging.start", 0.0)
    list(train(subject))

    assert subject.task.average.count == 3  # the epochs that ended after the change

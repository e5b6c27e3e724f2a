"""Weight averaging: its values, their use in evaluations, and training unchanged."""

import pytest
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.engine.session import Session
from tuilab.engine.train import train


def evaluated_weights(session: Session) -> Tensor:
    """Returns the weights that an evaluation uses."""
    with session.task.eval_mode():
        return flatten_parameters(session)


@pytest.mark.parametrize(("decay", "count"), [(0.5, 7), (0.99, 5), (0.0, 3)])
def test_ema_is_that_of_torch_with_the_statistics_of_batch_norm(decay: float, count: int) -> None:
    lines = "Linear 8", "BatchNorm1d", "Linear 3"
    session = make_session(*lines, averaging={"name": "ema", "decay": decay}, epochs=50)
    mean = get_ema_multi_avg_fn(decay)
    model = AveragedModel(session.network, multi_avg_fn=mean, use_buffers=True)
    for _ in range(count):
        train_steps(session, 1)
        model.update_parameters(session.network)

    expected = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    torch.testing.assert_close(evaluated_weights(session), expected)
    with session.task.eval_mode():
        actual, averaged = session.network.state_dict(), model.module.state_dict()
        torch.testing.assert_close(actual["1.running_var"], averaged["1.running_var"])


def test_swa_is_the_mean_over_the_ends_of_late_epochs_as_in_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = make_session(averaging={"name": "swa", "start": 0.5}, epochs=6)
    model = AveragedModel(session.network)
    end = session.end_epoch

    def end_epoch() -> None:
        end()
        if session.epoch > 3:
            model.update_parameters(session.network)

    monkeypatch.setattr(session, "end_epoch", end_epoch)
    list(train(session))

    expected = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    torch.testing.assert_close(evaluated_weights(session), expected)


@pytest.mark.parametrize("averaging", [{"name": "ema"}, {"name": "swa", "start": 0.3}])
def test_averaging_does_not_change_training(averaging: dict[str, object]) -> None:
    lines = "Linear 8", "BatchNorm1d", "Dropout 0.3", "Linear 3"
    plain = make_session(*lines, epochs=4)
    list(train(plain))
    averaged = make_session(*lines, epochs=4, averaging=averaging)
    list(train(averaged))

    assert torch.equal(flatten_parameters(plain), flatten_parameters(averaged))
    assert not torch.equal(evaluated_weights(averaged), flatten_parameters(averaged))


def test_every_evaluation_uses_the_averaged_weights() -> None:
    session = make_session(averaging={"name": "ema", "decay": 0.9}, epochs=4)
    list(train(session))
    inputs = session.dataset.test.inputs

    predictions = session.predict(inputs)
    trained = [parameter.detach().clone() for parameter in session.parameters]
    with session.task.eval_mode():
        mean = [parameter.detach().clone() for parameter in session.parameters]
    _fill(session, mean)
    session.network.eval()
    assert torch.equal(session.network(inputs), predictions)
    _fill(session, trained)
    assert not torch.equal(session.network(inputs), predictions)


def _fill(session: Session, values: list[Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(session.parameters, values, strict=True):
            parameter.copy_(value)


def test_averaging_can_be_turned_on_while_it_trains() -> None:
    session = make_session(epochs=9)
    train_steps(session, 3)
    session.set_knob("averaging.name", "ema")
    train_steps(session, 5)

    assert not torch.equal(evaluated_weights(session), flatten_parameters(session))
    session.set_knob("averaging.name", "none")
    assert torch.equal(evaluated_weights(session), flatten_parameters(session))


def test_another_kind_of_averaging_starts_a_new_average() -> None:
    session = make_session(averaging={"name": "ema", "decay": 0.9}, epochs=4)
    train_steps(session, 8)
    session.set_knob("averaging.name", "swa")
    session.set_knob("averaging.start", 0.0)
    list(train(session))

    assert session.task.average.count == 3  # the epochs that ended after the change

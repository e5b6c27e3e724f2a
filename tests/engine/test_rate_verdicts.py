"""A learning rate that is far off is named first, and taking the advice leads to a trained net."""

import pytest
import torch

from tests.support.not_none import not_none
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.run.run import Run
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

PRESETS = ["xor", *(pytest.param(n, marks=pytest.mark.slow) for n in ("moons", "spiral", "glyphs"))]


def fit(experiment: Experiment, lower_at: float = 1.0) -> Run:
    """Trains to the end; returns the run.

    Args:
        lower_at: the part of the run after which the learning rate becomes 0.001.
    """
    device = torch.device("cpu")
    dataset = load(experiment, device, lambda what, fraction: None)
    session, run = Session("a", experiment, dataset, device), Run()
    run.apply(session.started_event())
    for event in train(session):
        if event is not None:
            run.apply(event)
            total = session.batches_per_epoch * experiment.training.epochs
            is_early = session.experiment is experiment
            if is_early and run.step > lower_at * total and len(run.series) > 1:
                run.apply(session.set_knob("optimizer.lr", 0.001))
    if run.failure is None:
        run.apply(session.finished_event("done"))
    return run


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("rate", [100.0, 10.0, 1e-5])
def test_a_rate_that_is_far_off_is_named_and_its_fix_trains_the_network(
    name: str, rate: float
) -> None:
    preset = toml_file.read(toml_file.find_presets()[name].path)
    experiment = with_value(preset, "optimizer.lr", rate)

    first, *_ = diagnose(fit(experiment))
    assert first.name == ("learning_rate_too_low" if rate < 1 else "learning_rate_too_high")

    fix = first.fixes[0]
    after = fit(with_value(experiment, fix.key, fix.value))
    assert not_none(after.finished).results["validation"]["accuracy"] > 0.9
    assert diagnose(after) == []


@pytest.mark.parametrize("rate", [100.0, 10.0])
def test_the_advice_for_a_rate_that_was_lowered_too_late_trains_the_network(rate: float) -> None:
    experiment = with_value(
        toml_file.read(toml_file.find_presets()["xor"].path), "optimizer.lr", rate
    )
    lowered = with_value(experiment, "optimizer.lr", 0.001)
    run = fit(experiment, lower_at=0.3)
    assert run.experiment == lowered

    first, *_ = diagnose(run)
    assert first.title == "The learning rate was too high"
    fix = first.fixes[0]
    assert (fix.value, fix.is_live) == (0.001, False)
    after = fit(with_value(lowered, fix.key, fix.value))
    assert not_none(after.finished).results["validation"]["accuracy"] > 0.9

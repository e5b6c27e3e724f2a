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


def fit(experiment: Experiment) -> Run:
    """Trains to the end; returns the run."""
    device = torch.device("cpu")
    dataset = load(experiment, device, lambda what, fraction: None)
    session, run = Session("a", experiment, dataset, device), Run()
    run.apply(session.started_event())
    for event in train(session):
        if event is not None:
            run.apply(event)
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

"""Schedules against PyTorch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from tuilab.lab.catalogue.schedules import Constant, Cosine, OneCycle, Schedule, Step

EPOCHS = 30


def by_torch(lr: float, steps: int, make: object) -> list[float]:
    """The learning rate of each step as PyTorch's scheduler has it."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    scheduler = make(optimizer)  # type: ignore[operator]
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(schedule: Schedule, lr: float, steps: int) -> list[float]:
    return [schedule.rate(lr, EPOCHS * step / steps, EPOCHS) for step in range(steps)]


@given(st.integers(1, 40), st.floats(0.05, 1))
def test_step_is_steplr(step_size: int, gamma: float) -> None:
    theirs = by_torch(0.1, EPOCHS, lambda o: lr_scheduler.StepLR(o, step_size, gamma))

    assert ours(Step(step_size=step_size, gamma=gamma), 0.1, EPOCHS) == pytest.approx(theirs)


@given(st.floats(0, 0.1))
def test_cosine_is_cosineannealinglr(eta_min: float) -> None:
    theirs = by_torch(0.1, EPOCHS, lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS, eta_min))

    assert ours(Cosine(eta_min=eta_min), 0.1, EPOCHS) == pytest.approx(theirs)


@given(st.floats(0.1, 0.9), st.floats(1, 100), st.floats(1, 1e6))
def test_one_cycle_is_onecyclelr_up_to_one_step(pct: float, div: float, final: float) -> None:
    steps = 3000
    schedule = OneCycle(pct_start=pct, div_factor=div, final_div_factor=final)
    theirs = by_torch(
        0.1,
        steps,
        lambda o: lr_scheduler.OneCycleLR(
            o, 0.1, steps, pct_start=pct, div_factor=div, final_div_factor=final,
            cycle_momentum=False,
        ),
    )  # fmt: skip

    # A step moves the rate by at most pi/2 of its height over the steps of the shorter leg.
    tolerance = 2 * 1.5708 * 0.1 / (steps * min(pct, 1 - pct))
    assert ours(schedule, 0.1, steps) == pytest.approx(theirs, abs=tolerance)


@given(
    st.sampled_from([Constant(), Step(), Cosine(), Cosine(eta_min=0.01), OneCycle()]),
    st.floats(0, 10),
    st.floats(0, 2),
    st.integers(1, 1000),
)
def test_a_rate_stays_between_zero_and_the_highest(
    schedule: Schedule, lr: float, done: float, epochs: int
) -> None:
    highest = max(lr, getattr(schedule, "eta_min", 0.0))

    assert 0 <= schedule.rate(lr, done * epochs, epochs) <= highest * (1 + 1e-12)


def test_one_cycle_by_hand() -> None:
    schedule = OneCycle(pct_start=0.5, div_factor=10, final_div_factor=10)

    assert schedule.rate(1.0, 0, 10) == pytest.approx(0.1)
    assert schedule.rate(1.0, 2.5, 10) == pytest.approx(0.55)
    assert schedule.rate(1.0, 5, 10) == pytest.approx(1.0)
    assert schedule.rate(1.0, 10, 10) == pytest.approx(0.01)

"""Schedules against those of PyTorch."""

from collections.abc import Callable
from math import isfinite, pi
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from tests.support.experiment_strategies import struct_strategy
from tuilab.core.catalogue import schedules
from tuilab.core.catalogue.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseSqrt,
    Linear,
    MultiStep,
    OneCycle,
    Plateau,
    Polynomial,
    Schedule,
    Step,
    WarmupSchedule,
    count_drops,
)

EPOCHS = 30
LR = 0.1

ANY_SCHEDULE = st.one_of(*(struct_strategy(kind) for kind in SCHEDULES))
ANY_WARMUP = st.one_of(
    *(struct_strategy(kind) for kind in SCHEDULES if issubclass(kind, WarmupSchedule))
)

CreateScheduler = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]


def by_torch(lr: float, steps: int, make: CreateScheduler) -> list[float]:
    """Returns the learning rate of each step by PyTorch's scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(schedule: Schedule, lr: float, steps: int) -> list[float]:
    return [schedule.rate(lr, EPOCHS * step / steps, EPOCHS) for step in range(steps)]


def assert_same_rates(schedule: Schedule, make: CreateScheduler) -> None:
    """Checks that both have the same rate in each epoch."""
    assert ours(schedule, LR, EPOCHS) == pytest.approx(by_torch(LR, EPOCHS, make), abs=1e-15)


@given(st.integers(1, 40), st.floats(0.05, 1))
def test_step_is_steplr(step_size: int, gamma: float) -> None:
    assert_same_rates(
        Step(step_size=step_size, gamma=gamma), lambda o: lr_scheduler.StepLR(o, step_size, gamma)
    )


@given(st.lists(st.integers(1, 40), max_size=5), st.floats(0.05, 1))
def test_multi_step_is_multisteplr(milestones: list[int], gamma: float) -> None:
    assert_same_rates(
        MultiStep(milestones=tuple(map(float, milestones)), gamma=gamma),
        lambda o: lr_scheduler.MultiStepLR(o, milestones, gamma),
    )


@given(st.floats(0.05, 1))
def test_exponential_is_exponentiallr(gamma: float) -> None:
    assert_same_rates(Exponential(gamma=gamma), lambda o: lr_scheduler.ExponentialLR(o, gamma))


@given(st.floats(0.01, 1), st.floats(0, 1), st.integers(1, 40))
def test_linear_is_linearlr(start: float, end: float, total: int) -> None:
    assert_same_rates(
        Linear(start_factor=start, end_factor=end, total_iters=total),
        lambda o: lr_scheduler.LinearLR(o, start, end, total),
    )


@given(st.floats(0.1, 5), st.integers(1, 40))
def test_polynomial_is_polynomiallr(power: float, total: int) -> None:
    assert_same_rates(
        Polynomial(power=power, total_iters=total),
        lambda o: lr_scheduler.PolynomialLR(o, total, power),
    )


def test_linear_and_polynomial_last_the_whole_run_where_no_length_is_given() -> None:
    for schedule in (Linear(), Polynomial()):
        assert schedule.rate(1.0, 29.999, 30) > 0
        assert schedule.rate(1.0, 30, 30) == 0


@given(st.floats(0, 0.1))
def test_cosine_is_cosineannealinglr(eta_min: float) -> None:
    assert_same_rates(
        Cosine(eta_min=eta_min), lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS, eta_min)
    )


@given(st.integers(1, 40), st.integers(1, 4), st.floats(0, 0.1))
def test_cosine_restarts_is_cosineannealingwarmrestarts(
    first: int, mult: int, eta_min: float
) -> None:
    assert_same_rates(
        CosineRestarts(T_0=first, T_mult=mult, eta_min=eta_min),
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, first, mult, eta_min),
    )


@given(st.floats(0.5, 40))
def test_inverse_sqrt_is_that_of_the_transformer(warmup: float) -> None:
    schedule = InverseSqrt(timescale=warmup, warmup=warmup)

    for epoch in (0.0, warmup / 3, warmup, 2 * warmup, 100.0 + warmup):
        by_paper = LR * min(epoch / warmup, (warmup / max(epoch, 1e-9)) ** 0.5)
        assert schedule.rate(LR, epoch, EPOCHS) == pytest.approx(by_paper)


@given(st.floats(0.1, 0.9), st.floats(1, 100), st.floats(1, 1e6))
def test_one_cycle_is_onecyclelr_up_to_one_step(pct: float, div: float, final: float) -> None:
    steps = 1000
    schedule = OneCycle(pct_start=pct, div_factor=div, final_div_factor=final)
    expected = by_torch(
        LR,
        steps,
        lambda o: lr_scheduler.OneCycleLR(
            o, LR, steps, pct_start=pct, div_factor=div, final_div_factor=final,
            cycle_momentum=False,
        ),
    )  # fmt: skip

    # A step moves the rate by at most pi/2 of its height over the steps of the shorter leg.
    tolerance = pi * LR / (steps * min(pct, 1 - pct))
    assert ours(schedule, LR, steps) == pytest.approx(expected, abs=tolerance)


def test_one_cycle_by_hand() -> None:
    schedule = OneCycle(pct_start=0.5, div_factor=10, final_div_factor=10)

    assert schedule.rate(1.0, 0, 10) == pytest.approx(0.1)
    assert schedule.rate(1.0, 2.5, 10) == pytest.approx(0.55)
    assert schedule.rate(1.0, 5, 10) == pytest.approx(1.0)
    assert schedule.rate(1.0, 10, 10) == pytest.approx(0.01)


# --- plateau --------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0, 10) | st.just(float("nan")), max_size=60),
    st.floats(0.1, 0.9),
    st.integers(0, 5),
    st.floats(0, 0.5),
    st.integers(0, 5),
    st.floats(0, 0.05),
)
def test_plateau_is_reducelronplateau(
    losses: list[float], factor: float, patience: int, threshold: float, cooldown: int, low: float
) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], LR)
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=factor, patience=patience, threshold=threshold, cooldown=cooldown,
        min_lr=low, eps=0,
    )  # fmt: skip
    plateau = Plateau(
        factor=factor, patience=patience, threshold=threshold, cooldown=cooldown, min_lr=low
    )

    for epoch, loss in enumerate(losses, 1):
        scheduler.step(loss)
        rate = plateau.rate(LR, epoch, EPOCHS, losses[:epoch])
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"])


def test_plateau_drops_after_more_than_patience_epochs_without_improvement() -> None:
    plateau = Plateau(patience=1, threshold=0.0)

    assert count_drops(plateau, (1.0, 0.5, 0.5)) == 0
    assert count_drops(plateau, (1.0, 0.5, 0.5, 0.6)) == 1
    assert count_drops(plateau, (1.0, 0.5, 0.5, 0.4)) == 0


def test_epochs_of_the_warm_up_do_not_count_for_a_plateau() -> None:
    plateau = Plateau(patience=0, warmup=2.5)

    assert plateau.rate(LR, 2.5, EPOCHS, (1.0, 2.0)) == pytest.approx(LR)
    assert plateau.rate(LR, 4.0, EPOCHS, (1.0, 2.0, 2.0, 1.9)) == pytest.approx(LR)
    assert plateau.rate(LR, 4.0, EPOCHS, (1.0, 2.0, 2.0, 2.0)) == pytest.approx(LR / 10)


@given(
    st.lists(st.floats(0.1, 5), max_size=40),
    st.integers(0, 3), st.integers(0, 2), st.integers(0, 5), st.permutations(range(8)),
)  # fmt: skip
def test_drops_do_not_depend_on_what_was_counted_before(
    losses: list[float], patience: int, cooldown: int, warmup: int, order: list[int]
) -> None:
    plateau = Plateau(patience=patience, cooldown=cooldown, warmup=float(warmup))
    lengths = [len(losses) * part // 7 for part in order]

    counts = {length: count_drops(plateau, tuple(losses[:length])) for length in lengths}

    for length, count in counts.items():
        schedules._drop_counts.clear()
        assert count_drops(plateau, tuple(losses[:length])) == count


def test_a_step_of_a_plateau_costs_the_same_after_many_epochs() -> None:
    """Not by the clock: the losses of past epochs are not read again while none is added."""

    class Losses(tuple[float, ...]):
        reads = 0

        def __getitem__(self, index: Any) -> Any:
            Losses.reads += 1
            return super().__getitem__(index)

    plateau, losses = Plateau(patience=2), Losses([1.0] * 10_000)
    rates = {plateau.rate(LR, 9_999 + step / 100, 20_000, losses) for step in range(100)}

    assert len(rates) == 1
    assert Losses.reads <= 2


def test_only_the_plateau_needs_the_validation_loss() -> None:
    assert [kind for kind in SCHEDULES if kind.watches_validation] == [Plateau]


# --- warm-up --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "make"),
    [
        (Constant, lambda o, left: lr_scheduler.ConstantLR(o, factor=1.0)),
        (Step, lambda o, left: lr_scheduler.StepLR(o, 10)),
        (Exponential, lambda o, left: lr_scheduler.ExponentialLR(o, 0.95)),
        (Cosine, lambda o, left: lr_scheduler.CosineAnnealingLR(o, left)),
        (Linear, lambda o, left: lr_scheduler.LinearLR(o, 1.0, 0.0, left)),
        (Polynomial, lambda o, left: lr_scheduler.PolynomialLR(o, left, 2.0)),
    ],
)
@given(warmup=st.integers(1, 29), start=st.floats(0.01, 1))
def test_a_warm_up_comes_first_as_in_sequentiallr(
    schedule: type[WarmupSchedule],
    make: Callable[[torch.optim.Optimizer, int], lr_scheduler.LRScheduler],
    warmup: int,
    start: float,
) -> None:
    assert_same_rates(
        schedule(warmup=warmup, warmup_start=start),
        lambda o: lr_scheduler.SequentialLR(
            o,
            [lr_scheduler.LinearLR(o, start, 1.0, warmup), make(o, EPOCHS - warmup)],
            milestones=[warmup],
        ),
    )


@given(ANY_WARMUP, st.floats(1e-3, 10), st.integers(1, 1000))
def test_the_rate_does_not_jump_at_the_end_of_the_warm_up(
    schedule: WarmupSchedule, lr: float, epochs: int
) -> None:
    if not schedule.warmup:
        return
    before = schedule.rate(lr, schedule.warmup * (1 - 1e-12), epochs)

    assert before == pytest.approx(schedule.rate(lr, schedule.warmup, epochs), rel=1e-9)


def test_a_warm_up_of_half_an_epoch_rises_from_its_start() -> None:
    schedule = Constant(warmup=0.5, warmup_start=0.2)

    assert [schedule.rate(1.0, t, 10) for t in (0.0, 0.25, 0.5, 9.0)] == pytest.approx(
        [0.2, 0.6, 1.0, 1.0]
    )


def test_one_cycle_which_warms_up_itself_has_no_second_warm_up() -> None:
    assert not hasattr(OneCycle(), "warmup")


# --- all ------------------------------------------------------------------------------------


@given(ANY_SCHEDULE, st.floats(0, 10), st.floats(0, 2), st.integers(1, 1000))
def test_a_rate_is_finite_and_stays_between_zero_and_the_highest(
    schedule: Schedule, lr: float, done: float, epochs: int
) -> None:
    highest = max(lr, getattr(schedule, "eta_min", 0.0))
    rate = schedule.rate(lr, done * epochs, epochs, (1.0, 0.5, 0.6))

    assert isfinite(rate)
    assert 0 <= rate <= highest * (1 + 1e-12)

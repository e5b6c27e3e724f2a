"""Checks for the diagnosis: short experiments on copies of a run, which itself never changes.

What a history cannot show is tried: is the network better than a constant, can it memorize one
batch, would another learning rate lower the loss, and which one most of all, do the labels follow
from the inputs? Each check is bounded by steps and not by the clock, so that the same run gets the
same answer anywhere.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal, TypeVar

import msgspec
import torch
from torch import nn

from tuilab.core.diagnosis.checks import TASKS
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, create_default, name_of
from tuilab.core.protocol.events import Checking, ChecksReported
from tuilab.core.protocol.records import (
    Baseline,
    LabelPermutation,
    Memorization,
    RateSearch,
    RateTrial,
)
from tuilab.engine.checkpoint import capture_state, restore_state
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.device.threads import count_multiplications
from tuilab.engine.metrics.constant_predictor import constant_loss, fit_constant
from tuilab.engine.metrics.losses import build_evaluation_loss, build_loss
from tuilab.engine.preserve import get_random_state, preserving_random_state, set_random_state
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, training_step
from tuilab.engine.studies import lr_finder

MAX_EXAMPLES = 1024
"""Examples on which losses are compared."""

MEMORIZE_STEPS, RATE_STEPS, PERMUTATION_STEPS = 150, 30, 120
"""Steps of each trial; fewer for large networks."""

ALL_STEPS = 900
"""About the steps of these trials together."""

PROBE_BATCHES = 8
"""Batches on which the losses of two learning rates are compared."""

BUDGET = 1e10
"""Multiplications of all forward passes together; beyond it, every trial has fewer steps."""

POSITION_WORK = 5e5
"""Multiplications in the time that a recurrent layer takes for a position, however small it is."""

MIN_PARALLEL_WORK = 2e7
"""Multiplications of a step below which one thread does all."""

MIN_STEPS, MIN_MEMORIZE_STEPS = 8, 100
"""The fewest steps of a trial; those to memorize are cheap, since they are of few examples."""

SEARCHES = 3
"""Searches for a learning rate, each with its own weights; a large network gets a single one."""

MEMORIZED_EXAMPLES, MEMORIZED_TARGETS = 8, 256
"""Examples that are to be memorized; fewer where each has many targets."""

MEMORIZE_RATES = (1e-2, 1e-3)
"""Learning rates of Adam that are tried."""

MEMORIZED = 0.05
"""Part of the loss of a constant prediction at which a batch counts as memorized."""

PERMUTED_EXAMPLES, MIN_PERMUTED_EXAMPLES, PERMUTATIONS = 128, 96, 2
"""Examples whose labels are permuted, the fewest that say something, and how often."""

PERMUTED_BATCH = 32

FACTORS = (1.0, 0.1, 10.0)
"""Multiples of the run's learning rate that are tried."""

R = TypeVar("R")

Trial = Generator[float, None, R]
"""Yields the fraction done after every step; returns a result."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it asks, and what answers it."""

    question: str
    field: str
    "Of `ChecksReported`."
    run: Callable[[Session, dict[str, Any]], Trial[Any]]
    "Takes the session, which it must not change, and a copy of its state."


def run_checks(session: Session) -> Iterator[Checking | ChecksReported]:
    """Runs all checks; yields the progress after every step, and at last the results.

    Between two steps the random generators are those of the run, so it may go on at any time.
    """
    return _isolate(session.device, _count_threads(session), _run_checks(session))


def _run_checks(session: Session) -> Iterator[Checking | ChecksReported]:
    if name_of(session.experiment.task) not in TASKS:
        note = "This task has no loss to compare with: there is nothing to check."
        yield ChecksReported(session.run, session.step, notes=[note])
        return
    state, results, notes = capture_state(session), dict[str, Any](), list[str]()
    for number, check in enumerate(CHECKS, 1):
        yield Checking(session.run, number, len(CHECKS), check.question, 0.0)
        trial = check.run(session, state)
        try:
            while True:
                fraction = min(1.0, next(trial))
                yield Checking(session.run, number, len(CHECKS), check.question, fraction)
        except StopIteration as end:
            results[check.field] = end.value
        except InputError as error:
            notes.append(f"Left out ({check.question}): {error.problem}.")
    yield ChecksReported(session.run, session.step, **results, notes=notes)


def _isolate(device: torch.device, threads: int, steps: Iterator[R]) -> Iterator[R]:
    """Gives steps random generators and a number of threads of their own."""
    own = get_random_state(device)
    while True:
        with preserving_random_state(device):
            set_random_state(device, own)
            torch.set_num_threads(threads)
            item = next(steps, None)
            own = get_random_state(device)
        if item is None:
            return
        yield item


# --- the network and two baselines ----------------------------------------------------------------


def _compare_with_baselines(session: Session, state: dict[str, Any]) -> Trial[list[Baseline]]:
    """Returns the losses of the network, of its initial weights and of a constant prediction."""
    trained = _copy(session, session.experiment, state)
    untrained = _copy(session, session.experiment)
    dataset, loss = session.dataset, build_evaluation_loss(session.experiment.loss.for_constants())
    splits = {"train": dataset.train, "validation": dataset.validation}
    samples = {name: _draw(split, MAX_EXAMPLES) for name, split in splits.items() if len(split)}
    outputs = trained.predict(dataset.train.inputs[:1]).shape[-1]
    constant, baselines = None, list[Baseline]()
    for name, sample in samples.items():
        targets = trained.task.eval_targets(sample.inputs, sample.targets)
        if constant is None:
            constant = fit_constant(loss, targets, outputs)
        network = yield from _measure(trained, sample)
        yield (len(baselines) + 0.5) / len(samples)
        initial = yield from _measure(untrained, sample)
        lowest = constant_loss(loss, constant, targets)
        baselines.append(Baseline(name, len(sample), network, initial, lowest))
    return baselines


def _measure(session: Session, sample: Examples) -> Trial[float]:
    """Returns the loss on a sample, in evaluation mode."""
    chunks = session.evaluate(sample)
    while True:
        try:
            next(chunks)
        except StopIteration as end:
            return float(end.value.get("loss", float("nan")))
        yield 0.0


# --- one batch ------------------------------------------------------------------------------------


def _memorize_batch(session: Session, _: dict[str, Any]) -> Trial[Memorization]:
    """Returns how far new weights can lower the loss of a few examples."""
    if len(session.dataset.train) == 1:
        raise InputError("the data is a single example")
    results: list[Memorization] = []
    for number, lr in enumerate(MEMORIZE_RATES):
        trial = _copy(session, _simplify(session.experiment, lr))
        _disable_dropout(trial.network)
        inputs, targets = trial.advance_to_batch()
        count = min(MEMORIZED_EXAMPLES, MEMORIZED_TARGETS // targets[0].numel())
        count = max(count, trial.min_batch_size, 2)
        inputs, targets = inputs[:count], targets[:count]
        floor, constant = _loss_range(trial, trial.task.targets_for(inputs, targets), inputs)
        losses = list[float]()
        limit = max(MIN_MEMORIZE_STEPS, _count_steps(session, MEMORIZE_STEPS, len(inputs)))
        enough = floor + max(MEMORIZED * (constant - floor), 1e-3)
        while len(losses) < limit and (not losses or losses[-1] > enough):
            loss, _output, _targets = training_step(trial, inputs, targets, UNOBSERVED)
            losses.append(float(loss))
            yield (number + len(losses) / limit) / len(MEMORIZE_RATES)
        best = min(filter(isfinite, losses), default=float("inf"))
        results.append(Memorization(len(inputs), len(losses), lr, losses[0], best, constant, floor))
        if best <= enough:
            break
    return min(results, key=lambda result: result.best)


def _loss_range(
    session: Session, targets: torch.Tensor, inputs: torch.Tensor
) -> tuple[float, float]:
    """Returns the lowest possible training loss, and the lowest one of a constant prediction."""
    experiment, loss = session.experiment, session.task.loss
    if (bounded := experiment.loss.for_constants()) is not experiment.loss:
        loss = build_loss(bounded, session.task.class_weights)
    classes = (
        0
        if targets.is_floating_point()
        else len(session.dataset.classes or session.dataset.vocabulary)
    )
    outputs = session.task.predict(inputs[:1]).shape[-1]
    constant = fit_constant(loss, targets, outputs)
    return experiment.loss.floor(classes), constant_loss(loss, constant, targets)


def _disable_dropout(network: nn.Module) -> None:
    """Lets every unit through: dropout keeps a network from memorizing, which is its purpose."""
    for module in network.modules():
        for name in ("p", "dropout"):  # of dropout layers; of recurrent and attention layers
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


# --- other learning rates -------------------------------------------------------------------------


def _try_rates(session: Session, state: dict[str, Any]) -> Trial[list[RateTrial]]:
    """Returns what a tenth, all and ten times the learning rate do within a few steps."""
    experiment = session.experiment
    _require_rate(session)
    starts: list[tuple[Literal["new", "current"], dict[str, Any] | None]] = [("new", None)]
    if session.step:
        starts.append(("current", state))
    steps = _count_steps(session, RATE_STEPS, session.batch_size)
    count = min(MAX_EXAMPLES, PROBE_BATCHES * session.batch_size)
    sample, trials, total = _draw(session.dataset.train, count), list[RateTrial](), 0
    for start, initial in starts:
        before: float | None = None
        for factor in FACTORS:
            lr = experiment.optimizer.lr * factor
            trial = _copy(session, _with_constant_rate(experiment, lr), initial)
            if before is None:
                before = _measure_training_loss(trial, sample)
            for _ in range(steps if isfinite(before) else 0):
                training_step(trial, *trial.advance_to_batch(), UNOBSERVED)
                total += 1
                yield total / (steps * len(FACTORS) * len(starts))
            after = _measure_training_loss(trial, sample)
            trials.append(RateTrial(start, factor, lr, steps, before, after))
    return trials


def _search_rate(session: Session, _: dict[str, Any]) -> Trial[RateSearch]:
    """Returns the learning rate at which the loss of new weights falls fastest.

    That of one search depends on its weights and batches: the losses of some are averaged.
    """
    _require_rate(session)
    experiment, steps = session.experiment, lr_finder.MAX_TRIALS
    is_small = _count_steps(session, steps, session.batch_size) == steps
    searches = list[list[lr_finder.Point]]()
    for number in range(count := SEARCHES if is_small else 1):
        searches.append([])
        copied = _copy(session, msgspec.structs.replace(experiment, seed=experiment.seed + number))
        for point in lr_finder.raise_learning_rate(copied):
            searches[-1].append(point)
            yield (number + len(searches[-1]) / steps) / count
    means = [
        (trials[0][0], sum(loss for _, loss in trials) / count)
        for trials in zip(*searches, strict=False)
    ]
    lr = lr_finder.suggest_learning_rate(means)
    return RateSearch(count, sum(map(len, searches)), lr and float(f"{lr:.2g}"))


def _require_rate(session: Session) -> None:
    """Raises InputError if the optimizer does not follow a learning rate."""
    if session.experiment.optimizer.needs_closure:
        raise InputError("L-BFGS chooses the length of its steps itself")


@torch.no_grad()
def _measure_training_loss(session: Session, sample: Examples) -> float:
    """Returns the mean training loss of a few batches.

    In training mode: the running means of batch norm may lag behind what the steps have reached.
    """
    losses = []
    for start in range(0, len(sample), session.batch_size):
        stop = start + session.batch_size
        if len(sample) - start < session.min_batch_size:
            break
        inputs = session.to_memory_format(session.dataset.prepare(sample.inputs[start:stop]))
        targets = session.task.targets_for(inputs, sample.targets[start:stop])
        losses.append(session.task.compute_loss(inputs, targets)[0])
    return float(torch.stack(losses).mean())


def _with_constant_rate(experiment: Experiment, lr: float) -> Experiment:
    return msgspec.structs.replace(
        experiment,
        optimizer=msgspec.structs.replace(experiment.optimizer, lr=lr),
        schedule=create_default("schedule", "constant"),
        averaging=create_default("averaging", "none"),
    )


# --- permuted labels ------------------------------------------------------------------------------


def _permute_labels(session: Session, _: dict[str, Any]) -> Trial[LabelPermutation]:
    """Returns how fast new weights fit the labels, and the same labels in random order."""
    if name_of(session.experiment.task) == "autoencoder":
        raise InputError("an autoencoder has no labels")
    sample = _draw(session.dataset.train, PERMUTED_EXAMPLES)
    if len(sample) < MIN_PERMUTED_EXAMPLES:
        raise InputError("there are too few examples")
    generator = torch.Generator().manual_seed(session.experiment.seed)
    steps = _count_steps(session, PERMUTATION_STEPS, PERMUTED_BATCH)
    rounds, means, ends = 1 + PERMUTATIONS, list[float](), list[float]()
    for number in range(rounds):
        order = torch.randperm(len(sample), generator=generator).to(session.device)
        targets = sample.targets[order] if number else sample.targets
        dataset = replace(session.dataset, train=replace(sample, targets=targets))
        trial = _copy(session, _simplify(session.experiment, MEMORIZE_RATES[0]), None, dataset)
        if number == 0:
            floor, constant = _loss_range(trial, sample.targets, trial.advance_to_batch()[0])
        losses = []
        for step in range(steps):
            loss, _output, _targets = training_step(trial, *trial.advance_to_batch(), UNOBSERVED)
            losses.append(loss)
            yield (number + step / steps) / rounds
        curve = torch.stack(losses).double()
        means.append(float(curve.mean()))
        ends.append(float(curve[-max(1, steps // 10) :].mean()))
    permuted, permuted_last = (sum(values[1:]) / PERMUTATIONS for values in (means, ends))
    return LabelPermutation(
        len(sample), steps, means[0], permuted, ends[0], permuted_last, constant, floor
    )


# --- copies ---------------------------------------------------------------------------------------


def _copy(
    session: Session, experiment: Experiment, state: dict[str, Any] | None = None,
    dataset: Dataset | None = None,
) -> Session:  # fmt: skip
    """Returns a session with its own network, with new weights or those of a state."""
    threads, is_resuming = torch.get_num_threads(), state is not None
    copied = Session(
        session.run, experiment, dataset or session.dataset, session.device,
        is_resuming=is_resuming,
    )  # fmt: skip
    torch.set_num_threads(threads)  # a session chooses how many it takes
    if state is not None:
        restore_state(copied, state)
    return copied


def _simplify(experiment: Experiment, lr: float) -> Experiment:
    """Returns the experiment with Adam and without all that makes memorizing harder."""
    task = experiment.task
    harder = {"noise", "beta"} & set(task.__struct_fields__)  # of an autoencoder
    task = msgspec.structs.replace(task, **dict.fromkeys(harder, 0.0))
    default, data = Experiment(), experiment.data
    if "batch_size" in data.__struct_fields__:
        size = min(data.batch_size or PERMUTED_BATCH, PERMUTED_BATCH)
        data = msgspec.structs.replace(data, batch_size=size)
    return msgspec.structs.replace(
        experiment,
        task=task,
        data=data,
        augmentation=default.augmentation,
        regularization=default.regularization,
        averaging=default.averaging,
        schedule=default.schedule,
        optimizer=msgspec.structs.replace(create_default("optimizer", "adam"), lr=lr),
        training=msgspec.structs.replace(
            experiment.training, clip_grad_norm=0.0, clip_grad_value=0.0, accumulation=1
        ),
    )


def _draw(split: Examples, count: int) -> Examples:
    """Returns some of the examples, always the same ones."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(split), generator=generator)[:count]
    return split.select(order.to(split.inputs.device))


def _count_threads(session: Session) -> int:
    """Returns 1 unless a step is large: checks run beside whatever else the machine does."""
    work = session.batch_size * count_multiplications(session.experiment)
    return 1 if work < MIN_PARALLEL_WORK else torch.get_num_threads()


def _count_steps(session: Session, steps: int, batch_size: int) -> int:
    """Returns how many steps a trial may take: fewer for a large network."""
    work = batch_size * max(1, count_multiplications(session.experiment))
    recurrent = sum(isinstance(module, nn.RNNBase) for module in session.network.modules())
    work += round(POSITION_WORK * recurrent * session.experiment.input_shape[0])
    return max(MIN_STEPS, min(steps, round(steps * BUDGET / (ALL_STEPS * work))))


CHECKS = (
    Check("is it better than a constant prediction?", "baselines", _compare_with_baselines),
    Check("can it memorize one batch?", "memorization", _memorize_batch),
    Check("does another learning rate lower the loss?", "rates", _try_rates),
    Check("at which learning rate does the loss fall fastest?", "rate_search", _search_rate),
    Check("do the labels follow from the inputs?", "permutation", _permute_labels),
)
"""All checks, in order."""

"""Several seeds that train together: each network as if it were trained alone."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.datasets import CPU, ignore_progress
from tests.support.tiny_sessions import make_experiment
from tuilab.core.catalogue.optimizers import OPTIMIZERS
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.protocol.events import AnyEvent, EpochEnded, Failed, LayerStatsReported, Progressed
from tuilab.engine.checkpoint import capture_state
from tuilab.engine.seeds.seed_group import SeedGroup
from tuilab.engine.seeds.together import find_obstacle, open_group, open_session
from tuilab.engine.seeds.train_together import GroupTraining
from tuilab.engine.session import Session
from tuilab.engine.train import train

SEEDS = (3, 7, 11)

TOLERANCE = 1e-4

POINTS = {"name": "moons", "samples": 200, "noise": 0.2}


def experiment_of(*network: Any, epochs: int = 5, **tables: Any) -> Experiment:
    """Builds an experiment on points of two classes: 100 steps in five epochs."""
    tables = {"data": POINTS, "batch_size": 8, **tables}
    return make_experiment(*network, epochs=epochs, **tables)


def train_together(
    experiment: Experiment, seeds: Sequence[int] = SEEDS
) -> tuple[GroupTraining, dict[str, list[AnyEvent]]]:
    """Trains to the end; returns the training and the events of each run."""
    training, obstacle = open_group(
        experiment, {seed: str(seed) for seed in seeds}, CPU, ignore_progress
    )
    assert training is not None, obstacle
    events: dict[str, list[AnyEvent]] = {str(seed): [] for seed in seeds}
    for event in training.run():
        if event is not None:
            events[getattr(event, "run", "")].append(event)
    return training, events


def train_alone(experiment: Experiment, seed: int) -> tuple[Session, list[AnyEvent]]:
    """Trains one seed to the end."""
    session = open_session(experiment, seed, str(seed), CPU, ignore_progress)
    return session, [event for event in train(session) if event is not None]


def largest_difference(first: Session, second: Session) -> float:
    """Returns the largest difference of two networks' weights and buffers."""
    pairs = zip(
        first.network.state_dict().values(), second.network.state_dict().values(), strict=True
    )
    return max(float((a.double() - b.double()).abs().max()) for a, b in pairs)


def assert_as_alone(experiment: Experiment) -> None:
    """Compares weights, random numbers and results of all seeds with those of each alone."""
    training, _ = train_together(experiment)
    finished = dict(zip(SEEDS, training.finish("done"), strict=True))
    generators = [generator.get_state() for generator in training.group.generators]
    for seed, generator in zip(SEEDS, generators, strict=True):
        alone, _ = train_alone(experiment, seed)
        assert torch.equal(torch.get_rng_state(), generator), "the same number of draws"
        session, results = finished[seed]
        assert largest_difference(session, alone) < TOLERANCE
        fresh = open_session(experiment, seed, "fresh", CPU, ignore_progress)
        assert largest_difference(fresh, alone) > 10 * TOLERANCE, "it has learned something"
        for split, metrics in alone.finished_event("done").results.items():
            assert results[split].keys() == metrics.keys()
            assert results[split]["loss"] == pytest.approx(metrics["loss"], abs=TOLERANCE)


LAYERS = [
    "ReLU", "ReLU6", "LeakyReLU", "PReLU", "PReLU 8", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish",
    "Hardswish", "Hardsigmoid", "Hardtanh", "Softplus", "Tanh", "Softsign", "Sigmoid", "LogSigmoid",
    "Softmax", "LogSoftmax", "GLU", "Dropout 0.3", "Dropout 0", "LayerNorm", "RMSNorm",
    "BatchNorm1d", "BatchNorm1d track_running_stats=true momentum=0.5",
    "LayerNorm elementwise_affine=false", "LayerNorm bias=false", "BatchNorm1d affine=false",
]  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_each_network_is_that_of_its_seed_alone(layer: str) -> None:
    # Without a bias: before a batch norm, its gradient is rounding alone.
    lines = ("Linear 8 bias=false", layer, "Linear 8", "Tanh", "Linear 2")
    assert_as_alone(experiment_of(*lines, epochs=2))


ELEMENTWISE = [name_of(kind) for kind in OPTIMIZERS if kind.is_elementwise]


@pytest.mark.parametrize("optimizer", ELEMENTWISE)
def test_every_optimizer_that_is_elementwise(optimizer: str) -> None:
    lines = ("Linear 8", "Tanh", "Linear 8", "ReLU", "Linear 2")
    assert_as_alone(experiment_of(*lines, optimizer={"name": optimizer}, epochs=3))


def test_most_optimizers_are_elementwise() -> None:
    others = {name_of(kind) for kind in OPTIMIZERS} - set(ELEMENTWISE)
    assert others == {"adafactor", "muon", "lbfgs", "own", "schedule_free_adamw"}


LOSSES = ["cross_entropy", "mse", "focal", "hinge", "kl"]

BLOCKS = st.sampled_from(["ReLU", "GELU", "Dropout 0.2", "LayerNorm", "RMSNorm", "PReLU"])


@settings(max_examples=12, deadline=None)
@given(
    st.lists(BLOCKS, min_size=1, max_size=3),
    st.sampled_from(ELEMENTWISE),
    st.sampled_from(LOSSES),
    st.sampled_from([{}, {"l1": 0.01}, {"l2": 0.02}, {"max_norm": 0.8}]),
    st.sampled_from([{}, {"clip_grad_norm": 0.1}, {"clip_grad_value": 0.01}]),
    st.sampled_from(["constant", "cosine", "one_cycle"]),
)
def test_layers_optimizers_and_losses_in_any_combination(
    blocks: list[str], optimizer: str, loss: str, regularization: dict[str, float],
    clipping: dict[str, float], schedule: str,
) -> None:  # fmt: skip
    lines = [line for block in blocks for line in ("Linear 8", block)]
    assert_as_alone(
        experiment_of(
            *lines, "Linear 2", optimizer={"name": optimizer}, loss={"name": loss},
            regularization=regularization, training=clipping, schedule={"name": schedule},
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    "tables",
    [
        {"data": {"name": "sine"}, "task": {"name": "regression"}, "loss": {"name": name}}
        for name in ("mse", "l1", "huber", "smooth_l1")
    ]
    + [{"loss": {"name": "bce", "pos_weight": 2.0}}],
)
def test_numbers_and_single_outputs(tables: dict[str, Any]) -> None:
    assert_as_alone(experiment_of("Linear 8", "Tanh", "Linear 1", **tables))


def test_blocks_and_images() -> None:
    block = ["Residual", "Linear 8", "ReLU", "Dropout 0.1"]
    branches = ["Parallel", "Linear 4", ["Sequential", "Linear 5", "Tanh"]]
    assert_as_alone(experiment_of("Linear 8", block, branches, "Linear 2"))
    glyphs = {"name": "glyphs", "samples": 300}
    assert_as_alone(
        experiment_of("Flatten", "Linear 8", "ReLU", "Linear 10", data=glyphs, epochs=1)
    )


def test_the_history_is_that_of_a_single_run() -> None:
    experiment = experiment_of(
        "Linear 8", "ReLU", "Dropout 0.2", "Linear 2", regularization={"l2": 0.01}
    )
    _, events = train_together(experiment)
    for seed in SEEDS:
        _, alone = train_alone(experiment, seed)
        assert_same_history(events[str(seed)], alone)


def assert_same_history(ours: list[AnyEvent], alone: list[AnyEvent]) -> None:
    """Compares what is recorded of a run, whenever it was reported."""
    points = [
        [point for event in one if isinstance(event, Progressed) for point in event.points or ()]
        for one in (ours, alone)
    ]
    assert len(points[0]) == 100
    for first, second in zip(*points, strict=True):
        assert (first.step, first.lr) == (second.step, second.lr)
        numbers = [(point.mean, point.low, point.high) for point in (first, second)]
        assert numbers[0] == pytest.approx(numbers[1], abs=TOLERANCE)
    for kind in (LayerStatsReported, EpochEnded):
        pairs = [[event for event in one if isinstance(event, kind)] for one in (ours, alone)]
        assert len(pairs[0]) > 3
        for mine, theirs in zip(*pairs, strict=True):
            assert_close(flatten(mine), flatten(theirs))


def flatten(event: LayerStatsReported | EpochEnded) -> dict[str, Any]:
    """Returns all numbers of an event by name."""
    if isinstance(event, EpochEnded):
        train_means = {f"train {name}": value for name, value in event.train.items()}
        cells = {f"cell {i}": float(n) for i, n in enumerate(chain(*event.counts))}
        return {"step": event.step, **train_means, **event.validation, **cells}
    numbers: dict[str, Any] = {"step": event.step, **event.metrics}
    parts: list[Any] = [*event.layers, *event.activations]
    for part in parts:
        names = [name for name in part.__struct_fields__ if name != "layer"]
        numbers |= {f"{part.layer} {name}": getattr(part, name) for name in names}
    if event.inputs is not None:
        numbers |= {name: getattr(event.inputs, name) for name in event.inputs.__struct_fields__}
    return numbers


def assert_close(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert list(first) == list(second)
    assert first == pytest.approx(second, abs=1e-3, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop", "lion", "asgd"])
def test_a_seed_goes_on_from_its_checkpoint_as_alone(optimizer: str) -> None:
    experiment = experiment_of("Linear 8", "Dropout 0.2", "Linear 2", optimizer={"name": optimizer})
    training, _ = train_together(experiment)
    states = []
    for session, _ in training.finish("done"):
        states.append(capture_state(session))
    for seed, state in zip(SEEDS, states, strict=True):
        alone, _ = train_alone(experiment, seed)
        expected = capture_state(alone)
        assert state["position"] == expected["position"]
        assert torch.equal(state["chance"], expected["chance"])
        assert state["recorder"].keys() == expected["recorder"].keys()
        for name in ("unmeasured", "numbers", "examples"):
            assert state["recorder"][name] == expected["recorder"][name]
        assert len(state["recorder"]["outputs"]) == len(expected["recorder"]["outputs"])
        ours, theirs = state["optimizer"]["state"], expected["optimizer"]["state"]
        assert ours.keys() == theirs.keys()
        for parameter in ours:
            for name, value in theirs[parameter].items():
                assert torch.allclose(
                    torch.as_tensor(ours[parameter][name]), torch.as_tensor(value), atol=TOLERANCE
                )


def test_a_network_that_fails_ends_alone() -> None:
    training, obstacle = open_group(
        experiment_of("Linear 8", "ReLU", "Linear 2"), {seed: str(seed) for seed in SEEDS}, CPU,
        ignore_progress,
    )  # fmt: skip
    assert training is not None, obstacle
    failing = training.group.sessions[1]
    with torch.no_grad():
        failing.parameters[0].fill_(float("inf"))
    events = [event for event in training.run() if event is not None]
    [failed] = [event for event in events if isinstance(event, Failed)]
    assert failed.run == "7" and "NaN" in failed.title and "seed = 7" in failed.hint
    results = {session.run: values for session, values in training.finish("done")}
    assert results.keys() == {"3", "11"}
    assert all(values["test"]["loss"] < 0.7 for values in results.values())


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"regularization": {"patience": 3}}, "early stopping"),
        ({"schedule": {"name": "plateau"}}, "follows the validation loss"),
        ({"optimizer": {"name": "lbfgs"}}, "optimizer lbfgs"),
        ({"optimizer": {"name": "adafactor"}}, "optimizer adafactor"),
        ({"averaging": {"name": "ema"}}, "weight averaging"),
        ({"augmentation": {"noise": 0.1}}, "augmentation"),
        ({"training": {"precision": "bf16"}}, "precision bf16"),
        ({"training": {"accumulation": 2}}, "accumulation"),
        ({"training": {"engine": "matrix"}}, "engine matrix"),
        ({"loss": {"name": "cross_entropy", "balanced": True}}, "class weights"),
        ({"regularization": {"gradient_noise": 0.1}}, "gradient noise"),
    ],
)
def test_what_cannot_train_together_says_why(tables: dict[str, Any], reason: str) -> None:
    assert reason in find_obstacle(experiment_of("Linear 8", "ReLU", "Linear 2", **tables))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("Linear 8", "AlphaDropout 0.1", "Linear 2"), "AlphaDropout"),
        (("DropConnect 8", "Linear 2"), "DropConnect"),
        (("Linear 3000", "Linear 3000", "Linear 2"), "size of the network"),
        (("Linear 8 frozen=true", "Linear 2"), "frozen"),
    ],
)
def test_networks_that_cannot_be_stacked_say_why(lines: tuple[str, ...], reason: str) -> None:
    training, obstacle = open_group(experiment_of(*lines), {1: "1", 2: "2"}, CPU, ignore_progress)
    assert training is None and reason in obstacle


def test_sessions_with_the_same_weights_share_the_memory_of_the_stack() -> None:
    experiment = experiment_of("Linear 8", "BatchNorm1d", "Linear 2")
    training, _ = train_together(experiment)
    group: SeedGroup = training.group
    stacked = group.parameters[0]
    for net, session in enumerate(group.sessions):
        assert session.parameters[0].data_ptr() == stacked[net].data_ptr()

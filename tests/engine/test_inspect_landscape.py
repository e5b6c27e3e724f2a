"""The loss around the weights: the slice, the scan and the path; the session is not changed."""

import time
from itertools import product
from math import inf, isfinite, isnan
from typing import Any

import msgspec
import pytest
import torch
from msgspec.structs import replace
from torch import nn

from tests.support.bitwise import find_differences
from tests.support.datasets import CPU, ignore_progress
from tests.support.not_none import not_none
from tests.support.run_generator import run_generator
from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.experiment import toml_file
from tuilab.core.protocol.inspect.landscape_messages import (
    LandscapeRequest,
    LandscapeResponse,
    Scan,
    Slice,
)
from tuilab.engine import checkpoint
from tuilab.engine.data.load import load
from tuilab.engine.inspect.landscape.landscape_inspector import (
    NO_FILTERS,
    NO_PATH,
    LandscapeInspector,
)
from tuilab.engine.inspect.landscape.line_scan import step_directions
from tuilab.engine.inspect.landscape.loss_surface import LossSurface
from tuilab.engine.inspect.landscape.plane import coarse_to_fine, path_directions, random_directions
from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, optimizer_step

SLICE = LandscapeRequest(size=5)
SCAN = LandscapeRequest(kind="scan")


def inspect_fully(inspector: LandscapeInspector, request: LandscapeRequest) -> LandscapeResponse:
    """Repeats a request until its response is complete."""
    for _ in range(200):
        response = inspector.inspect(request)
        if response.evaluations >= response.total_evaluations:
            return response
    raise AssertionError(
        f"{response.evaluations} of {response.total_evaluations} evaluations after 200 requests"
    )


def inspect_slice(
    session: Session, request: LandscapeRequest = SLICE
) -> tuple[LandscapeResponse, Slice]:
    response = inspect_fully(LandscapeInspector(session), request)
    assert response.slice is not None, response.note
    return response, response.slice


def inspect_scan(
    session: Session, request: LandscapeRequest = SCAN
) -> tuple[LandscapeResponse, Scan]:
    response = inspect_fully(LandscapeInspector(session), request)
    assert response.scan is not None, response.note
    return response, response.scan


def evaluate_training_loss(session: Session) -> float:
    """Returns the loss of the session's own evaluation of all training examples."""
    return run_generator(session.evaluate(session.dataset.train))["loss"]


# --- directions ---------------------------------------------------------------------------------


def test_every_filter_of_a_direction_has_the_norm_of_that_of_the_weights() -> None:
    part: nn.Module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 2, 3), nn.Flatten(),
        nn.Linear(8, 5), nn.LayerNorm(5), nn.Embedding(6, 5),
    )  # fmt: skip
    weights = {name: parameter.detach() for name, parameter in part.named_parameters()}

    for direction in random_directions(part, seed=3):
        sizes = [weight.numel() for weight in weights.values()]
        parts = dict(zip(weights, torch.split(direction, sizes), strict=True))
        for name, weight in weights.items():
            change = parts[name].view_as(weight)
            if weight.ndim < 2:  # biases, and the scales of norms
                assert not change.any()
                continue
            axis = 1 if name.startswith("2.") else 0  # a transposed convolution counts them second
            for d, w in zip(change.unbind(axis), weight.unbind(axis), strict=True):
                assert float(d.norm()) == pytest.approx(float(w.norm()), rel=1e-5)


def test_two_directions_are_orthogonal_and_depend_on_the_seed_only() -> None:
    part = nn.Linear(30, 20)
    torch.manual_seed(1)
    first, second = random_directions(part, seed=0)
    torch.manual_seed(2)
    again, _ = random_directions(part, seed=0)
    other, _ = random_directions(part, seed=1)

    assert float(first @ second) == pytest.approx(0, abs=1e-5)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_plane_of_a_flat_path_contains_it() -> None:
    generator = torch.Generator().manual_seed(0)
    center, first, second = torch.randn(3, 50, generator=generator)
    rows = [center + a * first + b * second for a, b in ((-3, 1), (-2, 2), (-1, 0.5), (0, 0))]

    basis = torch.stack(not_none(path_directions(rows, center)))
    for row in rows:
        offset = row - center
        coordinates = torch.linalg.lstsq(basis.T, offset[:, None]).solution
        assert torch.allclose((basis.T @ coordinates)[:, 0], offset, atol=1e-4)
        assert float(coordinates.abs().max()) <= 0.8 + 1e-4
    assert path_directions([center], center) is None


# --- the slice ----------------------------------------------------------------------------------


def load_preset(name: str, samples: int = 0) -> Session:
    """Returns a session on a shipped experiment; `samples` limits its examples."""
    experiment = toml_file.read(toml_file.find_presets()[name].path)
    data = replace(experiment.data, samples=samples) if samples else experiment.data
    training = replace(experiment.training, device="cpu")
    experiment = replace(experiment, data=data, training=training)
    return Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)


PRESETS = [
    ("moons", 0), ("sine", 0), ("xor-from-scratch", 0), ("communities", 0), ("parity", 200),
    ("variational-autoencoder", 100), ("autoencoder", 60), ("glyphs", 60), ("rosenblatt", 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "samples"), PRESETS)
def test_the_center_of_a_slice_is_the_sessions_own_evaluation(name: str, samples: int) -> None:
    session = load_preset(name, samples)
    train_steps(session, 2)

    response, plane = inspect_slice(session)

    examples = session.dataset.train
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
    session.dataset.train = examples.select(order[: response.examples])
    assert plane.losses[12] == pytest.approx(evaluate_training_loss(session), rel=1e-4)
    assert response.total_evaluations == 25 and all(isfinite(loss) for loss in plane.losses)
    encoded = msgspec.msgpack.encode(response)
    assert msgspec.msgpack.decode(encoded, type=LandscapeResponse) == response


def test_a_point_of_a_slice_is_the_loss_of_the_weights_at_that_point() -> None:
    session = make_session("Linear 8", "BatchNorm1d", "Tanh", "Linear 3")
    train_steps(session, 4)
    first, second = random_directions(session.network, seed=0)
    weights = flatten_parameters(session)

    _, plane = inspect_slice(session, LandscapeRequest(size=5, span=0.5))

    points = product((0.5, 0.25, 0, -0.25, -0.5), (-0.5, -0.25, 0, 0.25, 0.5))
    for loss, (y, x) in zip(plane.losses, points, strict=True):
        at_point = weights + x * first + y * second
        torch.nn.utils.vector_to_parameters(at_point, session.network.parameters())
        assert loss == pytest.approx(evaluate_training_loss(session), rel=1e-4)


def test_the_slice_of_a_quadratic_is_a_paraboloid() -> None:
    session = load_preset("plane")
    train_steps(session, 5)

    _, plane = inspect_slice(session, LandscapeRequest(size=9, span=2.0))

    grid = [2.0 * n / 4 - 2 for n in range(9)]
    rows = [[1, x, y, x * x, x * y, y * y] for y in reversed(grid) for x in grid]
    design = torch.tensor(rows, dtype=torch.float64)
    losses = torch.tensor(plane.losses, dtype=torch.float64)[:, None]
    fit = torch.linalg.lstsq(design, losses).solution
    assert float((design @ fit - losses).abs().max()) < 1e-5 * float(losses.max())
    assert float(losses.max()) > 2 * float(losses.min())  # it is not a plane
    a, b, c = fit[3:, 0].tolist()
    assert a > 0 and c > 0 and 4 * a * c > b * b


def test_coarse_points_come_first_and_a_finer_grid_measures_only_new_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = make_session()
    inspector = LandscapeInspector(session)

    assert coarse_to_fine(17)[0] == (8, 8)
    assert set(coarse_to_fine(17)[:25]) == set(product((0, 4, 8, 12, 16), repeat=2))
    assert sorted(coarse_to_fine(17)) == list(product(range(17), repeat=2))
    coarse = inspect_fully(inspector, LandscapeRequest(size=9)).slice
    calls = 0
    surface = not_none(inspector._surface)
    compute_loss = surface.compute_loss

    def count_and_compute() -> torch.Tensor:
        nonlocal calls
        calls += 1
        return compute_loss()

    monkeypatch.setattr(surface, "compute_loss", count_and_compute)
    fine = inspect_fully(inspector, LandscapeRequest(size=17)).slice
    assert coarse is not None and fine is not None
    assert calls == 17 * 17 - 9 * 9
    assert fine.losses[:: 2 * 17][0] == coarse.losses[0]


def test_one_request_takes_a_moment_and_reports_its_progress() -> None:
    session = make_session("Linear 64", "Tanh", "Linear 64", "Tanh", "Linear 3")
    inspector = LandscapeInspector(session)
    inspector.inspect(LandscapeRequest(size=65))

    start = time.perf_counter()
    response = inspector.inspect(LandscapeRequest(size=65))
    seconds = time.perf_counter() - start

    plane = not_none(response.slice)
    assert 0 < response.evaluations < response.total_evaluations == 65 * 65
    assert sum(not isnan(loss) for loss in plane.losses) == response.evaluations
    assert seconds < 0.2


def test_a_slice_stays_that_of_its_step_until_a_refresh_is_requested() -> None:
    session = make_session("Linear 8", "BatchNorm1d", "Linear 3", epochs=9)
    inspector = LandscapeInspector(session)
    train_steps(session, 2)
    before = inspect_fully(inspector, SLICE)

    train_steps(session, 20)
    after = inspect_fully(inspector, LandscapeRequest(size=9))
    refreshed = inspect_fully(inspector, LandscapeRequest(size=5, refresh_count=1))

    assert before.slice and after.slice and refreshed.slice
    assert (after.step, after.current_step, refreshed.step) == (2, 22, 22)
    assert after.slice.losses[::2][:5] == before.slice.losses[:5]
    assert refreshed.slice.losses != before.slice.losses
    assert refreshed.slice.losses[12] == pytest.approx(evaluate_training_loss(session), rel=1e-5)


def test_losses_that_are_not_finite_are_infinite_and_frozen_weights_have_a_note() -> None:
    _, plane = inspect_slice(make_session(), LandscapeRequest(size=5, span=1e38))
    assert inf in plane.losses

    frozen = make_session("Linear 3 frozen=true", "LayerNorm")
    assert inspect_fully(LandscapeInspector(frozen), SLICE).note == NO_FILTERS


# --- the path -----------------------------------------------------------------------------------


def test_a_path_within_the_plane_keeps_its_coordinates() -> None:
    session = make_session()
    inspector = LandscapeInspector(session)
    first, second = random_directions(session.network, seed=0)
    weights = flatten_parameters(session)
    surface = LossSurface(session)
    for step, (x, y) in enumerate(((-0.5, 0.25), (-0.25, 0.5))):
        row = weights + x * first + y * second
        tensors = dict(zip(surface.names, surface.unflatten(row), strict=True))
        session.snapshots.add({"position": [step, 0, 0], "network": tensors})
    session.step = 2

    plane = not_none(inspect_fully(inspector, SLICE).slice)

    assert [step for step, _, _ in plane.path] == [0, 1, 2]
    points = [point for _, *point in plane.path]
    for point, expected in zip(points, ([-0.5, 0.25], [-0.25, 0.5], [0.0, 0.0]), strict=True):
        assert point == pytest.approx(expected, abs=1e-4)
    assert plane.explained_fraction == pytest.approx(1, abs=1e-4)


def test_the_plane_of_the_path_needs_a_path_and_contains_most_of_it() -> None:
    session = make_session(epochs=20)
    inspector = LandscapeInspector(session)
    request = LandscapeRequest(size=5, plane="path")
    assert inspect_fully(inspector, request).note == NO_PATH
    session.snapshots.schedule.stride = 1000

    for _ in range(4):
        session.snapshots.add(checkpoint.capture_state(session))
        train_steps(session, 10)
    response = inspect_fully(inspector, replace(request, refresh_count=1))

    plane = not_none(response.slice)
    assert plane.explained_fraction > 0.9
    steps = [step for step, _, _ in plane.path]
    assert steps == [0, 10, 20, 30, 40]
    assert max(max(abs(x), abs(y)) for _, x, y in plane.path) == pytest.approx(0.8, abs=0.01)


# --- the scan -----------------------------------------------------------------------------------

OPTIMIZERS = [
    ("sgd", {"momentum": 0.9, "weight_decay": 0.1}), ("adam", {}), ("adamw", {"weight_decay": 0.5}),
    ("rmsprop", {}), ("muon", {}), ("lion", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "config"), OPTIMIZERS)
def test_the_scan_ends_at_the_optimizers_own_step(name: str, config: dict[str, float]) -> None:
    def start_session() -> Session:
        lines = ("Linear 8", "BatchNorm1d", "Tanh", "Linear 3")
        session = make_session(*lines, optimizer={"name": name, "lr": 0.02, **config})
        train_steps(session, 3)
        return session

    session = start_session()
    with preserving(session):
        directions = step_directions(LossSurface(session), *session.advance_to_batch())
    _, scan = inspect_scan(session)

    other = start_session()
    before = flatten_parameters(other)
    statistics = [buffer.clone() for buffer in other.network.buffers()]
    inputs, targets = other.advance_to_batch()
    other.set_learning_rate()
    optimizer_step(other, other.phases[0], inputs, targets, UNOBSERVED)
    change = flatten_parameters(other) - before
    assert torch.allclose(directions["optimizer"] * 0.02, change, rtol=1e-3, atol=1e-6)
    for buffer, original in zip(other.network.buffers(), statistics, strict=True):
        buffer.copy_(original)
    assert scan.loss_after_step == pytest.approx(evaluate_training_loss(other), rel=1e-4)
    assert scan.lr == 0.02 and scan.optimizer == name


def test_the_scan_down_the_gradient_is_that_of_autograd() -> None:
    session = make_session("Linear 3", batch_size=57)
    inputs, targets = not_none(session.next_batch())
    loss = nn.functional.cross_entropy(session.network(inputs), targets)
    gradients = torch.autograd.grad(loss, session.parameters)
    weights = flatten_parameters(session)

    _, scan = inspect_scan(session, LandscapeRequest(kind="scan", direction="gradient"))

    row = torch.cat([gradient.flatten() for gradient in gradients])
    for rate, measured, on_batch in zip(
        scan.rates[::8], scan.losses[::8], scan.batch_losses[::8], strict=True
    ):
        torch.nn.utils.vector_to_parameters(weights - rate * row, session.network.parameters())
        assert measured == pytest.approx(evaluate_training_loss(session), rel=1e-4)
        assert on_batch == pytest.approx(measured, rel=1e-5)  # the batch is the whole training set
    assert scan.current_loss == pytest.approx(float(loss.detach()), rel=1e-5)


def test_a_scan_of_lbfgs_follows_the_gradient_and_says_so() -> None:
    response, scan = inspect_scan(make_session(optimizer={"name": "lbfgs"}))

    assert scan.direction == "gradient" and "L-BFGS" in response.note


# --- nothing is changed -------------------------------------------------------------------------

INSPECTED: list[tuple[str, dict[str, Any]]] = [
    ("momentum", {"optimizer": {"name": "sgd", "momentum": 0.9}}),
    ("adam", {"optimizer": {"name": "adam"}, "training": {"clip_grad_norm": 0.1}}),
    ("muon", {"optimizer": {"name": "muon"}, "regularization": {"gradient_noise": 0.1}}),
    ("lbfgs", {"optimizer": {"name": "lbfgs"}}),
    ("average", {"averaging": {"name": "ema"}, "regularization": {"l2": 0.1}}),
]


@pytest.mark.parametrize(("name", "tables"), INSPECTED)
def test_an_inspected_run_ends_bitwise_as_one_that_was_not_inspected(
    name: str, tables: dict[str, Any]
) -> None:
    lines = ("Linear 8", "BatchNorm1d", "ReLU", "Dropout 0.3", "Linear 3")
    uninspected = make_session(*lines, **tables)
    for _ in range(8):
        train_steps(uninspected, 1)
    expected = checkpoint.capture_state(uninspected)

    session = make_session(*lines, **tables)
    inspector = LandscapeInspector(session)
    for _ in range(8):
        train_steps(session, 1)
        gradients = [parameter.grad for parameter in session.parameters]
        copies = [None if grad is None else grad.clone() for grad in gradients]
        modes = [module.training for module in session.network.modules()]
        for request in (SLICE, SCAN, LandscapeRequest(size=5, refresh_count=session.step)):
            inspector.inspect(request)
        assert all(p.grad is grad for p, grad in zip(session.parameters, gradients, strict=True))
        assert find_differences(copies, gradients) == []
        assert [module.training for module in session.network.modules()] == modes
    for request in (SLICE, SCAN):
        inspector.inspect(replace(request, refresh_count=99))

    assert differences_but_for_time(expected, checkpoint.capture_state(session)) == []


def differences_but_for_time(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Returns the paths at which two captured states differ, except the time they took."""
    paths = find_differences(one, other)
    return [path for path in paths if path.rpartition(".")[2] != "seconds"]


def test_a_gan_is_inspected_around_its_generator_and_not_changed() -> None:
    uninspected = load_preset("gan", 300)
    for _ in range(3):
        train_steps(uninspected, 1)
    expected = checkpoint.capture_state(uninspected)

    session = load_preset("gan", 300)
    inspector = LandscapeInspector(session)
    for _ in range(3):
        train_steps(session, 1)
        slice_response, scan_response = inspector.inspect(SLICE), inspector.inspect(SCAN)

    assert "generator" in slice_response.note and slice_response.examples > 0
    assert not_none(scan_response.scan).batch_losses == []
    assert differences_but_for_time(expected, checkpoint.capture_state(session)) == []

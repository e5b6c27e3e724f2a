"""The loss around the weights: the slice, the scan, the path, and that nothing is left changed."""

import time
from itertools import pairwise, product
from math import inf, isfinite, isnan
from typing import Any

import msgspec
import pytest
import torch
from msgspec.structs import replace
from torch import nn

from tests.support import tiny
from tuilab.core.experiment import toml_file
from tuilab.core.protocol.inspect.landscape_messages import (
    LandscapeRequest,
    LandscapeResponse,
    Scan,
    Slice,
)
from tuilab.engine import checkpoint, progress
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
from tuilab.engine.snapshots import MAX_SNAPSHOTS, WeightSnapshots
from tuilab.engine.step import UNOBSERVED, optimizer_step
from tuilab.engine.train import train

SLICE = LandscapeRequest(size=5)
SCAN = LandscapeRequest(kind="scan")


def whole(eye: LandscapeInspector, wanted: LandscapeRequest) -> LandscapeResponse:
    """The answer when all of it has come."""
    for _ in range(200):
        seen = eye.inspect(wanted)
        if seen.evaluations >= seen.total_evaluations:
            return seen
    raise AssertionError(f"{seen.evaluations} of {seen.total_evaluations} evaluations after 200 looks")


def sliced(session: Session, wanted: LandscapeRequest = SLICE) -> tuple[LandscapeResponse, Slice]:
    seen = whole(LandscapeInspector(session), wanted)
    assert seen.slice is not None, seen.note
    return seen, seen.slice


def scanned(session: Session, wanted: LandscapeRequest = SCAN) -> tuple[LandscapeResponse, Scan]:
    seen = whole(LandscapeInspector(session), wanted)
    assert seen.scan is not None, seen.note
    return seen, seen.scan


def evaluated(session: Session) -> float:
    """The session's own evaluation of all training examples."""
    evaluation = session.evaluate(session.dataset.train)
    while True:
        try:
            next(evaluation)
        except StopIteration as end:
            return float(end.value["loss"])


# --- directions ---------------------------------------------------------------------------------


def test_every_filter_of_a_direction_is_as_long_as_that_of_the_weights() -> None:
    part: nn.Module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 2, 3), nn.Flatten(),
        nn.Linear(8, 5), nn.LayerNorm(5), nn.Embedding(6, 5),
    )  # fmt: skip
    weights = {name: parameter.detach() for name, parameter in part.named_parameters()}

    for direction in random_directions(part, seed=3):
        sizes = [weight.numel() for weight in weights.values()]
        parts = dict(zip(weights, torch.split(direction, sizes), strict=True))
        for name, weight in weights.items():
            moved = parts[name].view_as(weight)
            if weight.ndim < 2:  # biases, and the scales of norms
                assert not moved.any()
                continue
            axis = 1 if name.startswith("2.") else 0  # a transposed convolution counts them second
            for d, w in zip(moved.unbind(axis), weight.unbind(axis), strict=True):
                assert float(d.norm()) == pytest.approx(float(w.norm()), rel=1e-5)


def test_two_directions_stand_at_right_angles_and_follow_the_seed_alone() -> None:
    part = nn.Linear(30, 20)
    torch.manual_seed(1)
    first, second = random_directions(part, seed=0)
    torch.manual_seed(2)
    again, _ = random_directions(part, seed=0)
    other, _ = random_directions(part, seed=1)

    assert float(first @ second) == pytest.approx(0, abs=1e-5)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_plane_of_a_path_holds_a_path_that_is_flat() -> None:
    generator = torch.Generator().manual_seed(0)
    middle, one, other = torch.randn(3, 50, generator=generator)
    rows = [middle + a * one + b * other for a, b in ((-3, 1), (-2, 2), (-1, 0.5), (0, 0))]

    found = path_directions(rows, middle)

    assert found is not None
    basis = torch.stack(found)
    for row in rows:
        away = row - middle
        inside = torch.linalg.lstsq(basis.T, away[:, None]).solution
        assert torch.allclose((basis.T @ inside)[:, 0], away, atol=1e-4)
        assert float(inside.abs().max()) <= 0.8 + 1e-4
    assert path_directions([middle], middle) is None


# --- the slice ----------------------------------------------------------------------------------


def preset(name: str, samples: int = 0) -> Session:
    """A session on a shipped experiment, with fewer examples if so many are too many here."""
    knobs = toml_file.read(toml_file.find_presets()[name].path)
    data = replace(knobs.data, samples=samples) if samples else knobs.data
    knobs = replace(knobs, data=data, training=replace(knobs.training, device="cpu"))
    return Session("run", knobs, load(knobs, tiny.CPU, lambda *_: None), tiny.CPU)


PRESETS = [
    ("moons", 0), ("sine", 0), ("xor-from-scratch", 0), ("communities", 0), ("parity", 200),
    ("variational-autoencoder", 100), ("autoencoder", 60), ("glyphs", 60), ("rosenblatt", 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "samples"), PRESETS)
def test_the_middle_of_a_slice_is_the_sessions_own_evaluation(name: str, samples: int) -> None:
    session = preset(name, samples)
    tiny.steps(session, 2)

    seen, found = sliced(session)

    train_part = session.dataset.train
    chosen = torch.randperm(len(train_part), generator=torch.Generator().manual_seed(0))
    session.dataset.train = train_part.select(chosen[: seen.examples])
    assert found.losses[12] == pytest.approx(evaluated(session), rel=1e-4)
    assert seen.total_evaluations == 25 and all(isfinite(loss) for loss in found.losses)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(seen), type=LandscapeResponse) == seen


def test_a_point_of_a_slice_is_the_loss_of_weights_that_were_moved_there() -> None:
    session = tiny.session("Linear 8", "BatchNorm1d", "Tanh", "Linear 3")
    tiny.steps(session, 4)
    first, second = random_directions(session.network, seed=0)
    here = tiny.weights(session)

    _, found = sliced(session, LandscapeRequest(size=5, span=0.5))

    places = product((0.5, 0.25, 0, -0.25, -0.5), (-0.5, -0.25, 0, 0.25, 0.5))
    for loss, (y, x) in zip(found.losses, places, strict=True):
        moved = here + x * first + y * second
        torch.nn.utils.vector_to_parameters(moved, session.network.parameters())
        assert loss == pytest.approx(evaluated(session), rel=1e-4)


def test_the_slice_of_a_quadratic_is_a_paraboloid() -> None:
    session = preset("plane")
    tiny.steps(session, 5)

    _, found = sliced(session, LandscapeRequest(size=9, span=2.0))

    ends = [2.0 * n / 4 - 2 for n in range(9)]
    rows = [[1, x, y, x * x, x * y, y * y] for y in reversed(ends) for x in ends]
    design = torch.tensor(rows, dtype=torch.float64)
    losses = torch.tensor(found.losses, dtype=torch.float64)[:, None]
    fit = torch.linalg.lstsq(design, losses).solution
    assert float((design @ fit - losses).abs().max()) < 1e-5 * float(losses.max())
    assert float(losses.max()) > 2 * float(losses.min())  # it is no plane
    a, b, c = fit[3:, 0].tolist()
    assert a > 0 and c > 0 and 4 * a * c > b * b


def test_coarse_points_come_first_and_a_finer_grid_measures_only_what_is_new() -> None:
    session = tiny.session()
    eye = LandscapeInspector(session)

    assert coarse_to_fine(17)[0] == (8, 8)
    assert {place for place in coarse_to_fine(17)[:25]} == set(product((0, 4, 8, 12, 16), repeat=2))
    assert sorted(coarse_to_fine(17)) == list(product(range(17), repeat=2))
    coarse = whole(eye, LandscapeRequest(size=9)).slice
    calls = 0
    loss = eye._surface.compute_loss  # type: ignore[union-attr]

    def counted() -> torch.Tensor:
        nonlocal calls
        calls += 1
        return loss()

    eye._surface.compute_loss = counted  # type: ignore[union-attr]
    fine = whole(eye, LandscapeRequest(size=17)).slice
    assert coarse is not None and fine is not None
    assert calls == 17 * 17 - 9 * 9
    assert fine.losses[:: 2 * 17][0] == coarse.losses[0]


def test_one_look_takes_a_blink_and_says_how_much_is_done() -> None:
    session = tiny.session("Linear 64", "Tanh", "Linear 64", "Tanh", "Linear 3")
    eye = LandscapeInspector(session)
    eye.inspect(LandscapeRequest(size=65))

    begun = time.perf_counter()
    seen = eye.inspect(LandscapeRequest(size=65))
    seconds = time.perf_counter() - begun

    assert seen.slice is not None and 0 < seen.evaluations < seen.total_evaluations == 65 * 65
    assert sum(not isnan(loss) for loss in seen.slice.losses) == seen.evaluations
    assert seconds < 0.2


def test_a_slice_stays_that_of_its_moment_until_it_is_asked_for_anew() -> None:
    session = tiny.session("Linear 8", "BatchNorm1d", "Linear 3", epochs=9)
    eye = LandscapeInspector(session)
    tiny.steps(session, 2)
    before = whole(eye, SLICE)

    tiny.steps(session, 20)
    after = whole(eye, LandscapeRequest(size=9))
    anew = whole(eye, LandscapeRequest(size=5, refresh_count=1))

    assert before.slice and after.slice and anew.slice
    assert (after.step, after.current_step, anew.step) == (2, 22, 22)
    assert after.slice.losses[::2][:5] == before.slice.losses[:5]
    assert anew.slice.losses != before.slice.losses
    assert anew.slice.losses[12] == pytest.approx(evaluated(session), rel=1e-5)


def test_losses_that_are_none_are_infinite_and_nothing_to_move_is_said() -> None:
    _, found = sliced(tiny.session(), LandscapeRequest(size=5, span=1e38))
    assert inf in found.losses

    frozen = tiny.session("Linear 3 frozen=true", "LayerNorm")
    assert whole(LandscapeInspector(frozen), SLICE).note == NO_FILTERS


# --- the path -----------------------------------------------------------------------------------


def test_a_path_within_the_plane_is_found_where_it_is() -> None:
    session = tiny.session()
    eye = LandscapeInspector(session)
    first, second = random_directions(session.network, seed=0)
    here = tiny.weights(session)
    ground = LossSurface(session)
    for step, (x, y) in enumerate(((-0.5, 0.25), (-0.25, 0.5))):
        row = here + x * first + y * second
        tensors = dict(zip(ground.names, ground.unflatten(row), strict=True))
        session.snapshots.add({"position": [step, 0, 0], "network": tensors})
    session.step = 2

    seen = whole(eye, SLICE)

    assert seen.slice is not None
    assert [step for step, _, _ in seen.slice.path] == [0, 1, 2]
    places = [place for _, *place in seen.slice.path]
    for place, right in zip(places, ([-0.5, 0.25], [-0.25, 0.5], [0.0, 0.0]), strict=True):
        assert place == pytest.approx(right, abs=1e-4)
    assert seen.slice.explained_fraction == pytest.approx(1, abs=1e-4)


def test_the_plane_of_the_path_needs_a_path_and_holds_most_of_it() -> None:
    session = tiny.session(epochs=20)
    eye = LandscapeInspector(session)
    along = LandscapeRequest(size=5, plane="path")
    assert whole(eye, along).note == NO_PATH

    for _ in range(4):
        session.snapshots.add(checkpoint.capture_state(session))
        tiny.steps(session, 10)
    seen = whole(eye, LandscapeRequest(size=5, plane="path", refresh_count=1))

    assert seen.slice is not None and seen.slice.explained_fraction > 0.9
    steps = [step for step, _, _ in seen.slice.path]
    assert steps == [0, 10, 20, 30, 40]
    assert max(max(abs(x), abs(y)) for _, x, y in seen.slice.path) == pytest.approx(0.8, abs=0.01)


def test_a_trail_is_bounded_in_number_and_in_memory() -> None:
    trail = WeightSnapshots()
    for step in range(1000):
        trail.add({"position": [step], "network": {"weight": torch.full((2,), float(step))}})
    steps = [step for step, _ in trail.snapshots]

    assert MAX_SNAPSHOTS // 2 <= len(steps) <= MAX_SNAPSHOTS and steps[0] == 0
    assert len({b - a for a, b in pairwise(steps)}) == 1  # evenly spread
    trail.add({"position": [100], "network": {"weight": torch.zeros(2)}})
    assert max(step for step, _ in trail.snapshots) <= 100  # it went back

    large = WeightSnapshots()
    large.add({"position": [0], "network": {"weight": torch.empty(6 << 20)}})
    assert large.is_too_large and not large.snapshots


def test_training_leaves_a_trail_of_one_moment_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    monkeypatch.setattr(progress, "REPORT_INTERVAL", -1.0)
    session = tiny.session(epochs=3)
    for event in train(session):
        now += 0.6 if event is None else 0.0

    steps = [step for step, _ in session.snapshots.snapshots]
    assert steps == [0, 3, 5, 7, 9, 11, 13, 15]


# --- the scan -----------------------------------------------------------------------------------

OPTIMIZERS = [
    ("sgd", {"momentum": 0.9, "weight_decay": 0.1}), ("adam", {}), ("adamw", {"weight_decay": 0.5}),
    ("rmsprop", {}), ("muon", {}), ("lion", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "knobs"), OPTIMIZERS)
def test_the_scan_lands_where_the_optimizers_own_step_does(name: str, knobs: Any) -> None:
    def begun() -> Session:
        lines = ("Linear 8", "BatchNorm1d", "Tanh", "Linear 3")
        session = tiny.session(*lines, optimizer={"name": name, "lr": 0.02, **knobs})
        tiny.steps(session, 3)
        return session

    session = begun()
    with preserving(session):
        ground = LossSurface(session)
        ways = step_directions(ground, *session.advance_to_batch())
    _, found = scanned(session)

    other = begun()
    before = tiny.weights(other)
    statistics = [buffer.clone() for buffer in other.network.buffers()]
    inputs, targets = other.advance_to_batch()
    other.set_learning_rate()
    optimizer_step(other, other.phases[0], inputs, targets, UNOBSERVED)
    moved = tiny.weights(other) - before
    assert torch.allclose(ways["optimizer"] * 0.02, moved, rtol=1e-3, atol=1e-6)
    for buffer, then in zip(other.network.buffers(), statistics, strict=True):
        buffer.copy_(then)
    assert found.loss_after_step == pytest.approx(evaluated(other), rel=1e-4)
    assert found.lr == 0.02 and found.optimizer == name


def test_the_scan_down_the_gradient_is_that_of_autograd() -> None:
    session = tiny.session("Linear 3", batch_size=57)
    inputs, targets = session.next_batch() or pytest.fail()
    loss = nn.functional.cross_entropy(session.network(inputs), targets)
    slopes = torch.autograd.grad(loss, session.parameters)
    here = tiny.weights(session)

    _, found = scanned(session, LandscapeRequest(kind="scan", direction="gradient"))

    row = torch.cat([slope.flatten() for slope in slopes])
    for rate, measured, on_batch in zip(
        found.rates[::8], found.losses[::8], found.batch_losses[::8], strict=True
    ):
        torch.nn.utils.vector_to_parameters(here - rate * row, session.network.parameters())
        assert measured == pytest.approx(evaluated(session), rel=1e-4)
        assert on_batch == pytest.approx(measured, rel=1e-5)  # the batch is all there is
    assert found.current_loss == pytest.approx(float(loss.detach()), rel=1e-5)


def test_a_scan_of_lbfgs_goes_down_the_gradient_and_says_so() -> None:
    seen, found = scanned(tiny.session(optimizer={"name": "lbfgs"}))

    assert found.direction == "gradient" and "L-BFGS" in seen.note


# --- nothing is changed -------------------------------------------------------------------------

WATCHED: list[tuple[str, dict[str, Any]]] = [
    ("momentum", {"optimizer": {"name": "sgd", "momentum": 0.9}}),
    ("adam", {"optimizer": {"name": "adam"}, "training": {"clip_grad_norm": 0.1}}),
    ("muon", {"optimizer": {"name": "muon"}, "regularization": {"gradient_noise": 0.1}}),
    ("lbfgs", {"optimizer": {"name": "lbfgs"}}),
    ("average", {"averaging": {"name": "ema"}, "regularization": {"l2": 0.1}}),
]


@pytest.mark.parametrize(("name", "tables"), WATCHED)
def test_a_run_that_was_looked_at_ends_bitwise_as_one_that_was_not(name: str, tables: Any) -> None:
    lines = ("Linear 8", "BatchNorm1d", "ReLU", "Dropout 0.3", "Linear 3")
    alone = tiny.session(*lines, **tables)
    for _ in range(8):
        tiny.steps(alone, 1)
    right = checkpoint.capture_state(alone)

    seen = tiny.session(*lines, **tables)
    eye = LandscapeInspector(seen)
    for _ in range(8):
        tiny.steps(seen, 1)
        held = [parameter.grad for parameter in seen.parameters]
        numbers = [None if grad is None else grad.clone() for grad in held]
        modes = [module.training for module in seen.network.modules()]
        for wanted in (SLICE, SCAN, LandscapeRequest(size=5, refresh_count=seen.step)):
            eye.inspect(wanted)
        assert all(p.grad is grad for p, grad in zip(seen.parameters, held, strict=True))
        for grad, number in zip(held, numbers, strict=True):
            assert (grad is None and number is None) or torch.equal(grad, number)  # type: ignore[arg-type]
        assert [module.training for module in seen.network.modules()] == modes
    for wanted in (SLICE, SCAN):
        eye.inspect(replace(wanted, refresh_count=99))

    assert same(right, checkpoint.capture_state(seen))


def same(one: Any, other: Any) -> bool:
    """Whether two captured states are the same bit by bit; how long they took does not count."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        keys = set(one) - {"seconds"}
        return keys == set(other) - {"seconds"} and all(same(one[k], other[k]) for k in keys)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_a_gan_is_looked_at_from_its_generator_and_stays_as_it_was() -> None:
    alone = preset("gan", 300)
    for _ in range(3):
        tiny.steps(alone, 1)
    right = checkpoint.capture_state(alone)

    seen = preset("gan", 300)
    eye = LandscapeInspector(seen)
    for _ in range(3):
        tiny.steps(seen, 1)
        slice_, scan = eye.inspect(SLICE), eye.inspect(SCAN)

    assert "generator" in slice_.note and slice_.examples > 0
    assert scan.scan is not None and scan.scan.batch_losses == []
    assert same(right, checkpoint.capture_state(seen))

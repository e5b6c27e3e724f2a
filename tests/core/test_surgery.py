"""From two networks to what changes between them, or why it cannot while the network trains."""

import pytest

from tuilab.core.network.align import align
from tuilab.core.network.feature_map import LOST, FeatureMap, concatenate, resize, select
from tuilab.core.network.line import Line
from tuilab.core.network.surgery import plan_surgery

CNN = ("Conv2d 4 padding=1", "ReLU", "MaxPool2d 2", "Flatten", "Linear 3")

POSSIBLE: list[tuple[str, tuple[Line, ...], tuple[Line, ...], bool]] = [
    ("wider", ("Linear 8", "ReLU", "Linear 3"), ("Linear 12", "ReLU", "Linear 3"), True),
    ("narrower", ("Linear 8", "ReLU", "Linear 3"), ("Linear 5", "ReLU", "Linear 3"), False),
    ("deeper after ReLU", ("Linear 8", "ReLU", "Linear 3"),
     ("Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 3"), True),
    ("deeper and wider", ("Linear 8", "ReLU", "Linear 3"),
     ("Linear 8", "ReLU", "Linear 12", "Linear 3"), True),
    ("deeper after Tanh", ("Linear 8", "Tanh", "Linear 3"),
     ("Linear 8", "Tanh", "Linear 8", "Tanh", "Linear 3"), False),
    ("another activation", ("Linear 8", "ReLU", "Linear 3"),
     ("Linear 8", "GELU", "Linear 3"), False),
    ("a layer less", ("Linear 8", "Linear 8", "Linear 3"), ("Linear 8", "Linear 3"), False),
    ("a bias more", ("Linear 8 bias=false", "Linear 3"), ("Linear 8", "Linear 3"), True),
    ("dropout", ("Linear 8", "Linear 3"), ("Linear 8", "Dropout 0.2", "Linear 3"), True),
    ("frozen", ("Linear 8", "Linear 3"), ("Linear 8 frozen=true", "Linear 3"), True),
    ("batch norm behind", ("Linear 8", "BatchNorm1d", "Linear 3"),
     ("Linear 11", "BatchNorm1d", "Linear 3"), True),
    ("layer norm, even copies", ("Linear 8", "LayerNorm", "Linear 3"),
     ("Linear 16", "LayerNorm", "Linear 3"), True),
    ("layer norm, uneven copies", ("Linear 8", "LayerNorm", "Linear 3"),
     ("Linear 12", "LayerNorm", "Linear 3"), False),
    ("softmax", ("Linear 8", "Softmax", "Linear 3"), ("Linear 16", "Softmax", "Linear 3"), False),
    ("batch norm inserted", ("Linear 8", "Linear 3"), ("Linear 8", "BatchNorm1d", "Linear 3"),
     False),
    ("residual inserted", ("Linear 8", "ReLU", "Linear 3"),
     ("Linear 8", "ReLU", ("Residual", "Linear 16", "ReLU", "Linear 8"), "Linear 3"), True),
    ("residual stream", ("Linear 8", ("Residual", "Linear 16", "ReLU", "Linear 8"), "Linear 3"),
     ("Linear 12", ("Residual", "Linear 16", "ReLU", "Linear 12"), "Linear 3"), True),
    ("inside a repeat", ("Linear 8", ("Repeat 2", "Linear 9", "ReLU", "Linear 8"), "Linear 3"),
     ("Linear 8", ("Repeat 2", "Linear 12", "ReLU", "Linear 8"), "Linear 3"), True),
    ("branches", (("Parallel", "Linear 4", "Linear 5"), "Linear 3"),
     (("Parallel", "Linear 7", "Linear 6"), "Linear 3"), True),
]  # fmt: skip

IMPOSSIBLE: list[tuple[str, tuple[Line, ...], tuple[Line, ...], str]] = [
    ("outputs", ("Linear 8", "Linear 3"), ("Linear 8", "Linear 4"), "the output of the network"),
    ("half a residual", ("Linear 8", ("Residual", "Linear 8"), "Linear 3"),
     ("Linear 8", ("Residual", "Linear 12", "Linear 8"), "Linear 9", "Linear 4"), "the output"),
    ("repetitions", (("Repeat 2", "Linear 2"), "Linear 3"), (("Repeat 3", "Linear 2"), "Linear 3"),
     "line 1: Repeat 2 cannot become Repeat 3"),
    ("a needed layer", ("Linear 8", "Linear 4", "Linear 3"), ("Linear 8", "Linear 3"),
     "line 2: it would take 8 inputs, and its weights are for 4"),
    ("a norm's arguments", ("BatchNorm1d", "Linear 3"), ("BatchNorm1d affine=false", "Linear 3"),
     "line 1: affine of BatchNorm1d cannot change"),
    ("an invalid line", ("Linear 3",), ("Linear x", "Linear 3"), "the changed network has"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after", "preserves"), POSSIBLE)
def test_a_change_says_whether_outputs_stay_the_same(
    name: str, before: tuple[Line, ...], after: tuple[Line, ...], preserves: bool
) -> None:
    plan = plan_surgery(before, after, (2,))
    assert not plan.obstacles, name
    assert plan.surgeries
    assert plan.preserves_output is preserves


@pytest.mark.parametrize(("name", "before", "after", "reason"), IMPOSSIBLE)
def test_what_cannot_change_says_why_and_where(
    name: str, before: tuple[Line, ...], after: tuple[Line, ...], reason: str
) -> None:
    plan = plan_surgery(before, after, (2,))
    assert not plan.is_possible
    assert reason in "; ".join(map(str, plan.obstacles))


def test_a_convolution_of_another_window_cannot_keep_its_weights() -> None:
    plan = plan_surgery(CNN, ("Conv2d 4 5 padding=2", *CNN[1:]), (1, 8, 8))
    assert "kernel_size of Conv2d cannot change" in str(plan.obstacles[0])


def test_a_pool_in_front_of_a_linear_is_refused_at_the_linear() -> None:
    plan = plan_surgery(CNN, (*CNN[:3], "MaxPool2d 2", *CNN[3:]), (1, 8, 8))
    assert [str(obstacle) for obstacle in plan.obstacles] == [
        "line 6: it would take 16 inputs, and its weights are for 64"
    ]


def test_equal_networks_need_nothing() -> None:
    plan = plan_surgery(CNN, CNN, (1, 8, 8))
    assert not plan.surgeries
    assert [placement.before for placement in plan.placements] == [0, 1, 2, 3, 4]


def test_lines_are_paired_with_as_few_changes_as_possible() -> None:
    before = ("Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 3")
    after = ("Linear 8", "ReLU", "Linear 9", "BatchNorm1d", "ReLU", "Linear 3")
    assert align(before, after) == [(0, 0), (1, 1), (2, 2), (None, 3), (3, 4), (4, 5)]
    assert align(("ReLU",), ("Linear 2",)) == [(0, None), (None, 0)]


def test_maps_of_features() -> None:
    wider, narrower = resize(2, 3, 0), resize(4, 2, 0, twins=(0, 1, 0, 3))
    assert wider == FeatureMap(0, (0, 1, 0), (0, 1))
    assert wider.copies == (2, 1, 2)
    assert not wider.is_even
    assert narrower == FeatureMap(0, (0, 1), (0, 1, 0, LOST))
    assert narrower.merged == ((2, 0),)
    assert not narrower.is_lossless
    flat = wider.flatten((2, 2), (3, 2), 0, 1)
    assert flat == FeatureMap(0, (0, 1, 2, 3, 0, 1), (0, 1, 2, 3))
    assert concatenate([None, wider], [(1, 1), (2, 3)], 0) == FeatureMap(0, (0, 1, 2, 1), (0, 1, 2))
    assert select(wider, 3, 2, 0) is None  # widened by a copy, which is dropped again

"""What it takes to make one network of another while it trains: line by line, or why not.

Widening copies units and shares what they pass on among the copies; an inserted layer begins as
the identity where it can (Net2Net, Chen et al. 2016). Where outputs change, the line says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tuilab.core.catalogue.layers import activation as activations
from tuilab.core.catalogue.layers import normalization as norms
from tuilab.core.catalogue.layers.blocks import Parallel, Repeat, Residual
from tuilab.core.catalogue.layers.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.catalogue.layers.embedding import Embedding
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.catalogue.layers.save import Save, pair_input, save_shape
from tuilab.core.catalogue.layers.sequence import (
    GRU,
    LSTM,
    RNN,
    MeanOverPositions,
    SelectPosition,
    Transpose,
)
from tuilab.core.catalogue.layers.shape import Flatten, Upsample
from tuilab.core.catalogue.layers.window import per_axis
from tuilab.core.errors import InputError
from tuilab.core.network.align import align, changed_arguments
from tuilab.core.network.feature_map import LOST, FeatureMap, concatenate, resize, select
from tuilab.core.network.layer import Layer, Shape, format_shape, without_pair
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import LinePath, plan
from tuilab.core.network.read_line import read_line

Start = Literal["kept", "identity", "zero", "fresh"]
"""What the weights of a layer begin as: those from before, y = x, y = 0, or new ones."""

Twins = Mapping[int, Sequence[int]]
"""For layers by their number: for each unit, the first one with the same weights."""

CONVOLUTIONS = (Conv1d, Conv2d, Conv3d)
TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
CHANNEL_NORMS = (norms._BatchNorm, norms._InstanceNorm, norms.GroupNorm)

NONNEGATIVE = (
    activations.ReLU, activations.ReLU6, activations.Sigmoid, activations.Hardsigmoid,
    activations.Softplus, activations.Step, activations.Softmax,
)  # fmt: skip
"""Activations whose outputs are never below zero."""

IDENTITY_ABOVE_ZERO = (
    activations.Identity, activations.ReLU, activations.LeakyReLU, activations.PReLU,
    activations.ELU, activations.CELU,
)  # fmt: skip
"""Activations that pass on what is not below zero."""

ZERO_AT_ZERO = (
    *IDENTITY_ABOVE_ZERO, activations.ReLU6, activations.SELU, activations.GELU, activations.SiLU,
    activations.Mish, activations.Hardswish, activations.Tanh, activations.Softsign,
)  # fmt: skip

CHANGEABLE: dict[type[Layer], tuple[str, ...]] = {
    Linear: ("out_features", "bias"),
    Embedding: ("embedding_dim",),
    **{
        kind: ("out_channels", "bias", "stride", "padding", "dilation", "padding_mode")
        for kind in CONVOLUTIONS
    },
    **{
        kind: ("out_channels", "bias", "stride", "padding", "output_padding", "dilation")
        for kind in TRANSPOSED
    },
}
"""The arguments of layers with weights that can change while they keep them."""

SIZES = ("out_features", "out_channels", "embedding_dim", "bias")
"""Those of them that leave the function as it is."""


@dataclass(frozen=True, slots=True)
class Surgery:
    """One line that changes."""

    path: LinePath
    "In the changed network; of a removed line in the network before."
    text: str
    preserves_output: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a line cannot change while the network trains."""

    path: LinePath
    text: str

    def __str__(self) -> str:
        """Returns the reason with the line's number from 1; `4.1` is inside the block of line 4."""
        number = ".".join(str(index + (not depth)) for depth, index in enumerate(self.path))
        return f"line {number}: {self.text}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the weights of one layer come from; layers are numbered in order, blocks left out."""

    before: int | None
    "The number of the layer before; None if it is new."
    start: Start = "kept"
    inputs: FeatureMap | None = None
    "Of the features that its weights take."
    outputs: FeatureMap | None = None
    "Of the features that it has a weight for each."


@dataclass(frozen=True, slots=True)
class SurgeryPlan:
    """All that changes, and where the weights of every layer come from."""

    surgeries: tuple[Surgery, ...]
    obstacles: tuple[Obstacle, ...]
    placements: tuple[Placement, ...]

    @property
    def is_possible(self) -> bool:
        """Whether every line can change while the network trains."""
        return not self.obstacles

    @property
    def preserves_output(self) -> bool:
        """Whether the network computes the same right after the change."""
        return all(surgery.preserves_output for surgery in self.surgeries)


def plan_surgery(
    before: tuple[Line, ...],
    after: tuple[Line, ...],
    shape: Shape,
    *,
    twins: Twins | None = None,
    reset: Sequence[LinePath] = (),
) -> SurgeryPlan:
    """Returns what changes between two networks, both without `auto`.

    Args:
        shape: of one input.
        twins: which units are equal, so that fewer units need not change the outputs.
        reset: lines of the changed network that begin with new weights.
    """
    for number, lines in enumerate((before, after)):
        if wrong := next((row for row in plan(lines, shape).rows if row.problem), None):
            which = "changed network" if number else "network of the run"
            problem = Obstacle(wrong.path, f"the {which} has a problem: {wrong.problem}")
            return SurgeryPlan((), (problem,), ())
    walk = _Walk(twins or {}, frozenset(reset))
    try:
        end = walk.row(before, after, _Features(shape, shape), (), ())
    except InputError as error:  # behind a line that cannot change, shapes may not fit
        walk.obstacles = walk.obstacles or [Obstacle((0,), str(error))]
        return SurgeryPlan((), tuple(walk.obstacles), ())
    if not walk.obstacles and (end.features is not None or end.before != end.after):
        walk.obstacles.append(
            Obstacle(
                (len(after) - 1,),
                f"the output of the network would be {format_shape(end.after)} instead of "
                f"{format_shape(end.before)}",
            )
        )
    return SurgeryPlan(tuple(walk.surgeries), tuple(walk.obstacles), tuple(walk.placements))


@dataclass(frozen=True, slots=True)
class _Features:
    """What one layer passes on to the next, in both networks."""

    before: Shape
    after: Shape
    features: FeatureMap | None = None
    is_nonnegative: bool = False

    @property
    def last(self) -> int:
        """The last axis."""
        return len(self.after) - 1


@dataclass(slots=True)
class _Walk:
    """Goes through both networks at once."""

    twins: Twins
    reset: frozenset[LinePath]
    surgeries: list[Surgery] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    count: int = 0
    "Layers of the network before that are behind."
    saved: tuple[dict[str, Shape], dict[str, Shape]] = field(default_factory=lambda: ({}, {}))
    is_repeating: bool = False
    "In a later round of a Repeat: its lines have been reported."

    # --- rows and blocks ----------------------------------------------------------------------

    def row(
        self, before: Sequence[Line], after: Sequence[Line], state: _Features,
        path_before: LinePath, path_after: LinePath, first: int = 0,
    ) -> _Features:  # fmt: skip
        """Goes through the lines of a row."""
        for old, new in align(before, after):
            if new is None:
                assert old is not None
                state = self._remove(before[old], state, (*path_before, old + first))
            elif old is None:
                state = self._insert(after[new], state, (*path_after, new + first))
            else:
                paths = (*path_before, old + first), (*path_after, new + first)
                state = self._pair(before[old], after[new], state, *paths)
        return state

    def _pair(
        self, old: Line, new: Line, state: _Features, path_before: LinePath, path: LinePath
    ) -> _Features:
        if isinstance(old, str) and isinstance(new, str):
            first = read_line(old, state.before, self.saved[0]).layer
            second = read_line(new, state.after, self.saved[1]).layer
            return self._keep_layer(first, second, (old, new), state, path)
        assert isinstance(old, tuple) and isinstance(new, tuple)
        return self._keep_block(old, new, state, path_before, path)

    def _keep_block(
        self, old: tuple[Any, ...], new: tuple[Any, ...], state: _Features,
        path_before: LinePath, path: LinePath,
    ) -> _Features:  # fmt: skip
        head, changed = parse(old[0]), parse(new[0])
        if head.is_separate:
            self.saved = ({}, {})
        if changed_arguments(head, changed):
            self._stop(path, f"{old[0]} cannot become {new[0]} in a run")
        if head.frozen != changed.frozen:
            self._report_frozen(path, new[0], changed.frozen)
        if isinstance(head, Parallel):
            return self._keep_branches(old, new, state, path_before, path)
        end, rounds = state, head.times if isinstance(head, Repeat) else 1
        was_repeating = self.is_repeating
        for number in range(rounds):
            self.is_repeating = was_repeating or number > 0
            end = self.row(old[1:], new[1:], end, path_before, path, 1)
        self.is_repeating = was_repeating
        if not isinstance(head, Residual):
            return end
        if (end.features, end.before, end.after) != (state.features, state.before, state.after):
            self._stop(path, "its input and its output, which are added, do not change alike")
        return replace(state, is_nonnegative=False)

    def _keep_branches(
        self, old: tuple[Any, ...], new: tuple[Any, ...], state: _Features,
        path_before: LinePath, path: LinePath,
    ) -> _Features:  # fmt: skip
        if len(old) != len(new):
            self._stop(path, "its number of branches cannot change in a run")
            return self._end_block(old, new, state)
        ends, saved = [], self.saved
        for number in range(1, len(old)):
            self.saved = (dict(saved[0]), dict(saved[1]))
            before, after = (*path_before, number), (*path, number)
            ends.append(self._branch(old[number], new[number], state, before, after))
        self.saved = saved
        joined = self._end_block(old, new, state)
        axis = 0 if len(joined.after) >= 3 else joined.last
        maps = [end.features for end in ends]
        if any(features is not None and features.axis != axis for features in maps):
            self._stop(path, "its branches change along another axis than they are joined")
            return joined
        sizes = [(end.before[axis], end.after[axis]) for end in ends]
        return replace(joined, features=concatenate(maps, sizes, axis))

    def _branch(
        self, old: Line, new: Line, state: _Features, path_before: LinePath, path: LinePath
    ) -> _Features:
        if align([old], [new]) == [(0, 0)]:
            return self._pair(old, new, state, path_before, path)
        return self._insert(new, self._remove(old, state, path_before), path)

    def _end_block(self, old: Line, new: Line, state: _Features) -> _Features:
        before = plan((old,), state.before).output or state.before
        after = plan((new,), state.after).output or state.after
        return _Features(before, after)

    # --- reports ------------------------------------------------------------------------------

    def _stop(self, path: LinePath, text: str) -> None:
        if not self.is_repeating:
            self.obstacles.append(Obstacle(path, text))

    def _report(self, path: LinePath, text: str, preserves: bool, note: str = "") -> None:
        if not self.is_repeating:
            self.surgeries.append(Surgery(path, text, preserves, note))

    def _report_frozen(self, path: LinePath, line: str, is_frozen: bool) -> None:
        name = line.split(" ", 1)[0]
        self._report(path, f"{name} is {'frozen' if is_frozen else 'trained again'}", True)

    def _add_placement(self, start: Start = "kept", **maps: FeatureMap | None) -> None:
        """Enters a layer of the changed network; a kept one is the next of those before."""
        before = self.count if start == "kept" else None
        self.placements.append(Placement(before, start, **maps))
        self.count += start == "kept"

    # --- layers that stay ---------------------------------------------------------------------

    def _keep_layer(
        self, old: Layer, new: Layer, texts: tuple[str, str], state: _Features, path: LinePath
    ) -> _Features:
        end = self._shapes(old, new, state)
        if path in self.reset:
            self._reset(new, state, path)
        elif type(old) is not type(new):
            self._report(path, f"{texts[0]} becomes {texts[1]}", False, "another function")
            self.count += 1
            self._add_placement("fresh")
        else:
            self._report_arguments(old, new, texts, path)
            if isinstance(new, Linear):
                return self._keep_linear(old, new, state, end, path)
            if isinstance(new, (*CONVOLUTIONS, *TRANSPOSED)):
                return self._keep_convolution(new, state, end, path)
            if isinstance(new, Embedding):
                outputs = self._resize(end, end.last)
                self._add_placement(outputs=outputs)
                return replace(end, features=outputs)
            if state.features is None and not _has_no_weights(new) and state.before != state.after:
                self._stop(
                    path, f"its input would be {format_shape(state.after)} instead of "
                    f"{format_shape(state.before)}",
                )  # fmt: skip
            return self._keep_other(new, state, end, path)
        return replace(end, features=self._pass_on(new, state, end, path))

    def _reset(self, layer: Layer, state: _Features, path: LinePath) -> None:
        if _has_no_weights(layer):
            self._stop(path, f"{type(layer).__name__} has no weights to reset")
        self._report(path, f"{type(layer).__name__} begins with new weights", False)
        self.count += 1
        self._add_placement("fresh")

    def _shapes(self, old: Layer, new: Layer, state: _Features) -> _Features:
        before = old.output_shape(pair_input(old, state.before, self.saved[0]))
        after = new.output_shape(pair_input(new, state.after, self.saved[1]))
        save_shape(old, state.before, self.saved[0])
        save_shape(new, state.after, self.saved[1])
        is_nonnegative = isinstance(new, NONNEGATIVE) or (
            state.is_nonnegative and _keeps_sign(new)
        )  # fmt: skip
        return _Features(without_pair(before), without_pair(after), None, is_nonnegative)

    def _report_arguments(
        self, old: Layer, new: Layer, texts: tuple[str, str], path: LinePath
    ) -> None:
        """Reports the arguments of a line that change, or those that cannot."""
        names = changed_arguments(old, new)
        possible = CHANGEABLE.get(type(new), names if _has_no_weights(new) else ())
        if impossible := [name for name in names if name not in possible]:
            listed = ", ".join(impossible)
            self._stop(path, f"{listed} of {type(new).__name__} cannot change in a run")
        elif names:
            keeps = set(names) <= set(SIZES) and getattr(new, "bias", True) >= getattr(
                old, "bias", True
            )
            dropped = self._describe_dropped(old, new)
            note = dropped or ("" if keeps else "another function")
            self._report(path, f"{texts[0]} becomes {texts[1]}", keeps and not dropped, note)
        if old.frozen != new.frozen:
            self._report_frozen(path, texts[1], new.frozen)
        elif not names and old != new:
            self._report(path, f"{texts[0]} becomes {texts[1]}", True, "in training only")

    def _describe_dropped(self, old: Layer, new: Layer) -> str:
        """Returns what is lost with the units that are dropped; empty if nothing is."""
        for name in SIZES[:-1]:
            before, after = getattr(old, name, 0), getattr(new, name, 0)
            features = resize(before, after, 0, self.twins.get(self.count))
            if features is not None and not features.is_lossless:
                return f"the first {after} of {before} units stay"
        return ""

    def _resize(self, end: _Features, axis: int) -> FeatureMap | None:
        return resize(end.before[axis], end.after[axis], axis, self.twins.get(self.count))

    def _keep_linear(
        self, old: Layer, new: Layer, state: _Features, end: _Features, path: LinePath
    ) -> _Features:
        features, last = state.features, state.last
        outputs = self._resize(end, last)
        if features is not None and features.axis != last:
            if outputs is not None:
                self._stop(path, "its input already changes along another axis")
            self._check_size(state, last, path)
            self._add_placement(outputs=outputs)
            return replace(end, features=features)
        if features is None:
            self._check_size(state, last, path)
        self._add_placement(inputs=features, outputs=outputs)
        return replace(end, features=outputs)

    def _keep_convolution(
        self, new: Any, state: _Features, end: _Features, path: LinePath
    ) -> _Features:
        features, outputs = state.features, self._resize(end, 0)
        if new.groups > 1 and (features is not None or outputs is not None):
            self._stop(path, "the channels of a convolution with groups cannot change in a run")
        if features is None:
            self._check_size(state, 0, path)
        elif features.axis != 0:
            self._stop(path, "its input changes along its length, not its channels")
        self._add_placement(inputs=features, outputs=outputs)
        return replace(end, features=outputs)

    def _check_size(self, state: _Features, axis: int, path: LinePath) -> None:
        before, after = state.before[axis], state.after[axis]
        if before != after:
            self._stop(path, f"it would take {after} inputs, and its weights are for {before}")

    def _keep_other(
        self, layer: Layer, state: _Features, end: _Features, path: LinePath
    ) -> _Features:
        features = state.features
        if features is None or _has_no_weights(layer):
            self._add_placement()
        elif isinstance(layer, (RNN, LSTM, GRU)) and features.axis == state.last:
            self._add_placement(inputs=features)
            return end
        elif isinstance(layer, CHANNEL_NORMS) and features.axis == 0:
            self._add_placement(outputs=features)
        elif isinstance(layer, (norms.LayerNorm, norms.RMSNorm)):
            start = len(state.after) - len(norms.normalized_sizes(layer, state.after))
            is_inside = features.axis >= start
            self._add_placement(
                outputs=features.at_axis(features.axis - start) if is_inside else None
            )
        elif isinstance(layer, activations.PReLU) and layer.num_parameters == 1:
            self._add_placement()
        else:
            self._add_placement()
            self._stop(path, f"the width of {type(layer).__name__} cannot change in a run")
            return end
        return replace(end, features=self._pass_on(layer, state, end, path))

    def _pass_on(
        self, layer: Layer, state: _Features, end: _Features, path: LinePath
    ) -> FeatureMap | None:
        """Returns the map after a layer that treats all features alike; stops where none fits."""
        features = state.features
        if features is None:
            return None
        name = type(layer).__name__
        if problem := _describe_mixing(layer, features, state):
            self._report(path, name, False, problem)
        if isinstance(layer, Flatten):
            others = [n for n, _ in enumerate(state.after) if n != features.axis]
            if any(state.before[axis] != state.after[axis] for axis in others):
                self._stop(path, "its input would change along two axes")
            return _flatten(layer, features, state, end)
        if isinstance(layer, Transpose):
            return features.at_axis(1 - features.axis)
        if isinstance(layer, (MeanOverPositions, SelectPosition)) and features.axis == state.last:
            return features.at_axis(end.last)
        is_channel = features.axis == 0 and len(state.after) > 1
        keeps_channels = layer.family in ("pooling", "padding") or isinstance(layer, Upsample)
        is_alike = layer.family in ("activation", "normalization") or isinstance(layer, Save)
        is_alike |= _is_dropout(layer)
        if isinstance(layer, (activations.GLU, MeanOverPositions)):
            is_alike = keeps_channels = False
        if is_alike or (keeps_channels and is_channel):
            return features
        self._stop(path, f"{name} takes a fixed number of features, which would change")
        return None

    # --- layers that come and go --------------------------------------------------------------

    def _remove(self, line: Line, state: _Features, path: LinePath) -> _Features:
        if isinstance(line, tuple):
            self._report(path, f"{line[0]} is removed", False, "unless it changed nothing")
            self.count += _count_layers(line)
            before = plan((line,), state.before).output or state.before
            features = state.features
        else:
            layer = read_line(line, state.before, self.saved[0]).layer
            before = without_pair(
                layer.output_shape(pair_input(layer, state.before, self.saved[0]))
            )
            keeps = _is_identity(layer, state)
            note = "" if keeps else "unless it changed nothing"
            self._report(path, f"{line} is removed", keeps, note)
            save_shape(layer, state.before, self.saved[0])
            axis = state.last if isinstance(layer, Linear) else 0
            if isinstance(layer, (Linear, *CONVOLUTIONS)) and len(before) == len(state.after):
                features = _bypass(state, before[axis], axis, self.twins.get(self.count))
            else:
                features = state.features
            self.count += 1
        if features is not None and len(features.targets) != before[features.axis]:
            self._stop(path, "it cannot be removed: the layers behind need all of its outputs")
        return replace(state, before=before, features=features)

    def _insert(self, line: Line, state: _Features, path: LinePath) -> _Features:
        if isinstance(line, tuple):
            return self._insert_block(line, state, path)
        layer = read_line(line, state.after, self.saved[1]).layer
        after = without_pair(layer.output_shape(pair_input(layer, state.after, self.saved[1])))
        save_shape(layer, state.after, self.saved[1])
        features, text = state.features, f"{line} is inserted"
        end = replace(state, after=after)
        axis = state.last if isinstance(layer, Linear) else 0
        on_axis = features is None or features.axis == axis
        if (isinstance(layer, Linear) and on_axis) or is_centered(layer, state.after, after):
            before, width = state.after[axis], after[axis]
            self._add_placement("identity")
            note = (
                "as the identity" if width >= before else f"it passes on the first {width} inputs"
            )
            self._report(path, text, width >= before, note)
            return replace(end, features=select(features, before, width, axis))
        self._add_placement("fresh")
        keeps = _is_identity(layer, state)
        note = "another function"
        if keeps:
            note = "in training only" if _is_dropout(layer) else ""
        self._report(path, text, keeps, note)
        is_nonnegative = isinstance(layer, NONNEGATIVE) or (
            state.is_nonnegative and _keeps_sign(layer)
        )  # fmt: skip
        if features is not None and after != state.after:
            self._stop(path, f"{line} cannot be inserted: its input has another width as well")
        return replace(end, is_nonnegative=is_nonnegative)

    def _insert_block(self, line: tuple[Any, ...], state: _Features, path: LinePath) -> _Features:
        after = plan((line,), state.after).output
        zero = _find_last_weights(line) if isinstance(parse(line[0]), Residual) else None
        for number in range(_count_layers(line)):
            self._add_placement("zero" if number == zero else "fresh")
        keeps = zero is not None
        note = "its layers add zero at first" if keeps else "another function"
        self._report(path, f"{line[0]} is inserted", keeps, note)
        if after is None or (state.features is not None and after != state.after):
            self._stop(path, f"{line[0]} cannot be inserted in a run")
            after = after or state.after
        return replace(state, after=after, is_nonnegative=False)


def _bypass(
    state: _Features, width: int, axis: int, twins: Sequence[int] | None
) -> FeatureMap | None:
    """Returns the map where the inputs of a removed layer take the place of its outputs.

    Args:
        width: how many outputs it had.
    """
    features = state.features
    if features is not None and features.axis != axis:
        return features
    sources = tuple(range(state.after[axis])) if features is None else features.sources
    if sources == tuple(range(width)) or max(sources) >= width:
        return features
    index = {source: number for number, source in reversed(list(enumerate(sources)))}
    first = range(width) if twins is None else twins
    return FeatureMap(axis, sources, tuple(index.get(unit, LOST) for unit in first))


def _has_no_weights(layer: Layer) -> bool:
    return type(layer).count_parameters is Layer.count_parameters


def _is_dropout(layer: Layer) -> bool:
    return isinstance(layer, Dropout.__mro__[1])


def _keeps_sign(layer: Layer) -> bool:
    """Returns whether outputs are not below zero if the inputs are not."""
    is_padding = layer.family == "padding" and getattr(layer, "value", 0.0) >= 0
    return (
        isinstance(layer, (*IDENTITY_ABOVE_ZERO, Flatten, Save, Transpose, SelectPosition))
        or layer.family == "pooling"
        or is_padding
        or _is_dropout(layer)
    )


def _is_identity(layer: Layer, state: _Features) -> bool:
    """Returns whether a layer without weights of its own leaves its inputs as they are."""
    is_plain = isinstance(layer, (activations.Identity, Save)) or _is_dropout(layer)
    return is_plain or (state.is_nonnegative and isinstance(layer, IDENTITY_ABOVE_ZERO))


def _describe_mixing(layer: Layer, features: FeatureMap, state: _Features) -> str:
    """Returns why outputs change if a layer computes with all features at once; else empty."""
    is_softmax = isinstance(layer, (activations.Softmax, activations.LogSoftmax))
    is_group = isinstance(layer, (norms.GroupNorm, norms.LocalResponseNorm))
    if isinstance(layer, (norms.LayerNorm, norms.RMSNorm)):
        start = len(state.after) - len(norms.normalized_sizes(layer, state.after))
        if features.axis >= start and not features.is_even:
            return "not exactly the same: some features count more often in its mean"
    if is_softmax or is_group:
        return "not exactly the same: it computes with all features at once"
    return ""


def _flatten(layer: Flatten, features: FeatureMap, state: _Features, end: _Features) -> FeatureMap:
    start = layer.start_dim - 1
    stop = layer.end_dim - 1 if layer.end_dim > 0 else len(state.after) + layer.end_dim
    if features.axis < start:
        return features
    if features.axis > stop:
        return features.at_axis(features.axis - (stop - start))
    return features.flatten(state.before, state.after, start, stop)


def center(layer: Any, rank: int) -> tuple[int, ...] | None:
    """Returns the weight of a window that an output has its own position under, for each axis.

    None where a convolution has no such weight.
    """
    axes = zip(per_axis(layer.kernel_size, rank), per_axis(layer.dilation, rank), strict=True)
    centers = []
    for axis, (size, step) in enumerate(axes):
        if layer.padding == "same":
            margin = step * (size - 1) // 2
        else:
            margin = 0 if layer.padding == "valid" else per_axis(layer.padding, rank)[axis]
        if margin % step or margin // step >= size:
            return None
        centers.append(margin // step)
    return tuple(centers)


def is_centered(layer: Layer, before: Shape, after: Shape) -> bool:
    """Returns whether a convolution can be the identity."""
    if not isinstance(layer, CONVOLUTIONS) or layer.groups > 1:
        return False
    rank = len(before) - 1
    is_same_size = before[1:] == after[1:] and set(per_axis(layer.stride, rank)) == {1}
    return is_same_size and center(layer, rank) is not None


def _count_layers(line: Line) -> int:
    """Returns the number of layers of a line, repetitions included and blocks left out."""
    if isinstance(line, str):
        return 1
    head = parse(line[0])
    times = head.times if isinstance(head, Repeat) else 1
    return times * sum(map(_count_layers, line[1:]))


def _find_last_weights(block: tuple[Any, ...]) -> int | None:
    """Returns the number of the layer that makes a Residual add zero if its weights are zero."""
    for index in range(len(block) - 1, 0, -1):
        line = block[index]
        if not isinstance(line, str):
            return None
        layer = parse(line)
        if isinstance(layer, (Linear, *CONVOLUTIONS)):
            return sum(map(_count_layers, block[1:index]))
        if not isinstance(layer, ZERO_AT_ZERO) and not _is_dropout(layer):
            return None
    return None

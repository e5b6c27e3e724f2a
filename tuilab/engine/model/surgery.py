"""The weights of a changed network from those before, after Net2Net (Chen et al. 2016).

A unit that is copied passes on a share of what it did: the shares of its copies add up to 1, so
that the layers behind compute the same. The shares are not quite equal, and other ones for every
unit behind: copies with equal shares would get equal gradients and stay copies forever.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from tuilab.core.errors import InputError
from tuilab.core.network.feature_map import FeatureMap
from tuilab.core.network.layer import Layer, format_shape
from tuilab.core.network.line import Line
from tuilab.core.network.surgery import Placement, SurgeryPlan, center
from tuilab.engine.model.build_network import modules_with_layers

SHARE_NOISE = 0.1
"""Standard deviation of the shares of copies, relative to equal shares."""

MAX_COMPARED = 10_000_000
"""Weights of a layer whose units are compared with one another."""

EQUAL = 1e-6
"""Difference of weights, relative to the largest one, that is a matter of rounding."""

Axes = tuple[int | None, int | None]
"""The axis of a tensor along the units of its layer, and the one along their inputs."""

Tensors = dict[str, Tensor]
"""Tensors of any shape by their names in a network."""


@dataclass(frozen=True, slots=True)
class TensorSource:
    """The tensor before that a tensor of the changed network comes from, and how."""

    name: str
    axes: Axes = (None, None)
    inputs: FeatureMap | None = None
    outputs: FeatureMap | None = None
    shares: Tensor | None = None
    "What each copy of an input passes on: one number for each unit and input, or for each input."

    @property
    def is_unchanged(self) -> bool:
        """Whether it is the same tensor."""
        return self.inputs is None and self.outputs is None

    def map_weights(self, tensor: Tensor) -> Tensor:
        """Returns the weights [...] of the changed layer from those before [...]."""
        units, inputs = self.axes
        mapped = tensor.detach().clone()
        if self.inputs is not None and inputs is not None and self.shares is not None:
            mapped = _select(tensor, inputs, self.inputs) * self.shares.to(tensor)
            if self.inputs.merged:
                before, after = _index(self.inputs.merged, tensor).unbind(1)
                mapped.index_add_(inputs, after, tensor.index_select(inputs, before))
        if self.outputs is not None and units is not None:
            mapped = _select(mapped, units, self.outputs)
        return mapped

    def map_gradients(self, tensor: Tensor, power: int) -> Tensor:
        """Returns what an optimizer remembers of gradients [...] to a power, for changed weights.

        A copy of a unit gets its share of the gradient; a weight of a copied input gets it all.
        """
        units, inputs = self.axes
        mapped = tensor.detach().clone()
        if self.inputs is not None and inputs is not None:
            mapped = _select(mapped, inputs, self.inputs)
        if self.outputs is not None and units is not None:
            factor = 1 / torch.tensor(self.outputs.copies, device=tensor.device, dtype=tensor.dtype)
            for _, after in self.outputs.merged:
                factor[after] += 1
            sizes = [-1 if axis == units else 1 for axis in range(tensor.dim())]
            mapped = _select(mapped, units, self.outputs) * (factor**power).view(sizes)
        return mapped


Sources = dict[str, TensorSource | None]
"""For each tensor of a changed network, where it comes from; None: it is new."""


def _index(numbers: object, like: Tensor) -> Tensor:
    return torch.tensor(numbers, device=like.device, dtype=torch.long)


def _select(tensor: Tensor, axis: int, features: FeatureMap) -> Tensor:
    return tensor.index_select(axis, _index(features.sources, tensor))


def find_sources(
    before: nn.Module, lines_before: tuple[Line, ...],
    after: nn.Module, lines_after: tuple[Line, ...],
    plan: SurgeryPlan, noise: float = SHARE_NOISE,
) -> Sources:  # fmt: skip
    """Returns where each tensor of a changed network comes from.

    Args:
        noise: how far the shares of copies are from equal ones; drawn from torch's generator.

    Raises:
        InputError: a tensor has another shape than its weights from before can take.
    """
    old = [module for module, _ in iter_layers(before, lines_before)]
    new = [module for module, _ in iter_layers(after, lines_after)]
    names = {
        module: name for network in (before, after) for name, module in network.named_modules()
    }
    sources: Sources = dict.fromkeys(after.state_dict())
    tensors = before.state_dict()
    for placement, module in zip(plan.placements, new, strict=True):
        if placement.before is None:
            continue
        origin = old[placement.before]
        for inner_name, inner in module.named_modules():
            twin = origin.get_submodule(inner_name)
            for leaf, tensor in _own_tensors(inner):
                source_name = _join(names[twin], leaf)
                if source_name not in tensors:
                    continue  # a bias that is added: it begins at zero
                source = _make_source(source_name, inner, leaf, placement, noise, tensors)
                shape = source.map_weights(tensors[source_name]).shape
                if shape != tensor.shape:
                    raise InputError(
                        f"the weights {format_shape(shape)} of {type(inner).__name__} do not fit "
                        f"{format_shape(tensor.shape)}"
                    )
                sources[_join(names[inner], leaf)] = source
    return sources


def iter_layers(network: nn.Module, lines: tuple[Line, ...]) -> Iterator[tuple[nn.Module, Layer]]:
    """Yields the module of every line that is not a block, as a plan numbers them."""
    for module, layer in modules_with_layers(network, lines):
        if layer.family != "block":
            yield module, layer


def _own_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(recurse=False)
    yield from module.named_buffers(recurse=False)


def _join(path: str, leaf: str) -> str:
    return f"{path}.{leaf}" if path else leaf


def _make_source(
    name: str, module: nn.Module, leaf: str, placement: Placement, noise: float, tensors: Tensors
) -> TensorSource:
    tensor = tensors[name]
    axes = _find_axes(module, leaf, placement) if tensor.dim() else (None, None)
    inputs = placement.inputs if axes[1] is not None else None
    outputs = placement.outputs if axes[0] is not None else None
    shares = None
    if inputs is not None and axes[1] is not None:
        shares = _draw_shares(tensor, axes[1], inputs, noise)
    return TensorSource(name, axes, inputs, outputs, shares)


def _find_axes(module: nn.Module, leaf: str, placement: Placement) -> Axes:
    """Returns the axes of a tensor of a layer along its units and along its inputs."""
    if isinstance(module, nn.RNNBase):
        return (None, 1) if leaf.startswith("weight_ih_l0") else (None, None)
    if isinstance(module, nn.Embedding):
        return 1, None
    if leaf == "weight" and isinstance(module, _ConvTransposeNd):
        return 1, 0
    if isinstance(module, (nn.Linear, _ConvNd)):
        return (0, 1) if leaf == "weight" else (0, None)
    return (None if placement.outputs is None else placement.outputs.axis), None


def _draw_shares(tensor: Tensor, axis: int, features: FeatureMap, noise: float) -> Tensor:
    """Returns what each copy passes on; over the copies of an input it adds up to 1."""
    copies = torch.tensor(features.copies, dtype=torch.float64)
    sizes = [len(copies) if number == axis else 1 for number in range(tensor.dim())]
    if not noise or max(features.copies) == 1:
        return (1 / copies).view(sizes)
    units = 1 - axis
    sizes[units] = tensor.shape[units]
    draws = torch.randn(sizes, dtype=torch.float64) * noise
    sources = torch.tensor(features.sources)
    sums = torch.zeros_like(draws).index_add_(axis, sources, draws)
    along = [-1 if number == axis else 1 for number in range(tensor.dim())]
    copies = copies.view(along)
    return (1 + draws - sums.index_select(axis, sources) / copies) / copies


def fill(after: nn.Module, lines: tuple[Line, ...], plan: SurgeryPlan) -> None:
    """Gives inserted layers the weights that they begin with, where these are not random."""
    with torch.no_grad():
        for placement, (module, layer) in zip(
            plan.placements, iter_layers(after, lines), strict=True
        ):
            if placement.start == "identity":
                _make_identity(module, layer)
            elif placement.start == "zero":
                for parameter in module.parameters():
                    parameter.zero_()


def _make_identity(module: nn.Module, layer: Layer) -> None:
    """Makes unit i pass on input i; more units than inputs begin with the first ones again."""
    assert isinstance(module, (nn.Linear, _ConvNd))
    weight = module.weight
    middle = center(layer, weight.dim() - 2) if weight.dim() > 2 else ()
    assert middle is not None
    weight.zero_()
    for unit in range(weight.shape[0]):
        weight[(unit, unit % weight.shape[1], *middle)] = 1.0
    if module.bias is not None:
        module.bias.zero_()


def zero_added_biases(after: nn.Module, sources: Sources) -> None:
    """Makes the biases zero that kept layers did not have before."""
    with torch.no_grad():
        for name, parameter in after.named_parameters():
            path, _, leaf = name.rpartition(".")
            beside = sources.get(f"{path}.weight")
            if leaf == "bias" and sources[name] is None and beside is not None:
                parameter.zero_()


def map_tensors(sources: Sources, before: Tensors, fresh: Tensors) -> Tensors:
    """Returns the tensors of a changed network from those before.

    Args:
        fresh: those of the changed network, for what is new in it.
    """
    return {
        name: fresh[name].detach().clone() if source is None
        else source.map_weights(before[source.name])
        for name, source in sources.items()
    }  # fmt: skip


def find_twins(network: nn.Module, lines: tuple[Line, ...]) -> dict[int, tuple[int, ...]]:
    """Returns for each layer by its number, and each of its units, the first with its weights."""
    twins: dict[int, tuple[int, ...]] = {}
    for number, (module, _) in enumerate(iter_layers(network, lines)):
        if not isinstance(module, (nn.Linear, _ConvNd, nn.Embedding)):
            continue
        weight, bias = module.weight.detach(), getattr(module, "bias", None)
        if weight.numel() > MAX_COMPARED:
            continue
        is_transposed = isinstance(module, (nn.Embedding, _ConvTransposeNd))
        rows = (weight.transpose(0, 1) if is_transposed else weight).flatten(1)
        if bias is not None:
            rows = torch.cat([rows, bias.detach()[:, None]], dim=1)
        twins[number] = _find_equal_rows(rows.double())
    return twins


def _find_equal_rows(rows: Tensor) -> tuple[int, ...]:
    """Returns for each row [inputs] the first one that is equal but for rounding.

    Equal rows are neighbors once the rows are sorted by their products with one random vector.
    """
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(rows.shape[1], generator=generator, dtype=rows.dtype).to(rows.device)
    order = torch.argsort(rows @ vector, stable=True)
    ordered = rows[order]
    distances = (ordered[1:] - ordered[:-1]).abs().amax(dim=1)
    are_equal = (distances <= EQUAL * rows.abs().max()).tolist()
    groups, group = [order.tolist()[:1]], 0
    for unit, is_equal in zip(order.tolist()[1:], are_equal, strict=True):
        if is_equal:
            groups[group].append(unit)
        else:
            groups.append([unit])
            group += 1
    first = {unit: min(units) for units in groups for unit in units}
    return tuple(first[unit] for unit in range(len(rows)))

"""Tables of plain numbers from the tensors of one example, with how each number was computed."""

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from tuilab.core.format import format_number
from tuilab.core.protocol.inspect.backprop_messages import Derivation, NumberColumn, NumberTable
from tuilab.engine.inspect.backprop.forward_recorder import ModuleCall
from tuilab.engine.inspect.backprop.replay import SLICE_SIZE, slice_start
from tuilab.engine.model.layers.activation import Step

MAX_TERMS = 12
"""Terms of a sum that are shown; of more, the largest."""

NO_NUMBER = float("nan")

ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
    nn.Softplus, nn.Tanh, nn.Sigmoid, Step, nn.ReLU6, nn.CELU, nn.Hardtanh, nn.Hardsigmoid,
    nn.Softsign, nn.LogSigmoid,
)  # fmt: skip
"""Modules that compute each element by itself."""

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
"""Modules that pass an element on, scaled, or make it zero."""


def build_table(
    title: str, columns: Mapping[str, Tensor | None], slice_number: int, *,
    row_names: list[str] | None = None,
) -> NumberTable:  # fmt: skip
    """Shows a slice of tensors of one shape beside each other; those that are None are left out.

    Args:
        columns: by name, of any shape that they share.
        row_names: of all elements; their indices if it is None.
    """
    tensors = {name: tensor for name, tensor in columns.items() if tensor is not None}
    first_tensor = next(iter(tensors.values()))
    shape, total = list(first_tensor.shape), first_tensor.numel()
    first = slice_start(slice_number, total)
    rows = range(first, min(first + SLICE_SIZE, total))
    names = [row_names[at] if row_names else format_index(at, shape) for at in rows]
    visible_numbers = [
        NumberColumn(name, tensor.reshape(-1)[first : first + SLICE_SIZE].tolist())
        for name, tensor in tensors.items()
    ]
    return NumberTable(title, shape, first, total, names, visible_numbers)


def format_index(flat_index: int, shape: list[int]) -> str:
    """Formats the index of an element in its tensor, counted from 1: `3`, or `2,1,5`."""
    indices = []
    for size in reversed(shape):
        flat_index, at = divmod(flat_index, max(1, size))
        indices.append(str(at + 1))
    return ",".join(reversed(indices))


def activation_derivative(module: nn.Module, inputs: Tensor) -> Tensor | None:
    """Returns the derivative of an activation at each of its inputs [...]; None for others."""
    if not isinstance(module, ACTIVATIONS) or not inputs.is_floating_point():
        return None
    with torch.enable_grad():
        x = inputs.detach()[None].requires_grad_()
        output = module(x)
        if not output.requires_grad:
            return torch.zeros_like(inputs)
        (gradient,) = torch.autograd.grad(output.sum(), x)
    return gradient[0]


def dropout_mask(call: ModuleCall) -> Tensor | None:
    """Returns what a dropout multiplied each element by [...]; NaN where a zero hides it."""
    if not isinstance(call.module, DROPOUTS) or call.inputs is None or call.output is None:
        return None
    return torch.where(call.inputs != 0, call.output / call.inputs, torch.nan)


# --- how a number was computed ------------------------------------------------------------------


def is_linear(module: nn.Module) -> bool:
    """Returns whether a module is a matrix times its inputs plus a bias, and no more."""
    return type(module) is nn.Linear


def derive_linear_output(call: ModuleCall, slice_number: int) -> list[Derivation]:
    """Derives z = w * a + b, term by term."""
    module, inputs, output = call.module, call.inputs, call.output
    assert isinstance(module, nn.Linear) and inputs is not None and output is not None
    elements = _slice_elements(output, slice_number)
    position, unit = elements // module.out_features, elements % module.out_features
    rows = inputs.reshape(-1, module.in_features)[position]
    parameters = call.parameters()
    bias = parameters["bias"][unit] if "bias" in parameters else None
    names = [str(at + 1) for at in range(module.in_features)]
    factors = {"w": parameters["weight"][unit], "a": rows}
    return _derive_sums("z", factors, names, output.reshape(-1)[elements], bias)


def derive_convolution_output(call: ModuleCall, slice_number: int) -> list[Derivation]:
    """Derives the same over the patch that a kernel sees; empty for kernels of other kinds."""
    module, inputs, output = call.module, call.inputs, call.output
    is_plain = (
        type(module) is nn.Conv2d and module.groups == 1 and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )  # fmt: skip
    if not is_plain or inputs is None or output is None or inputs.dim() != 3:
        return []
    assert isinstance(module, nn.Conv2d) and not isinstance(module.padding, str)
    kernel = module.weight.shape[2:]
    patches = unfold(
        inputs[None].float(), kernel, module.dilation, module.padding, module.stride
    )[0]  # fmt: skip
    elements, positions = _slice_elements(output, slice_number), prod(output.shape[1:])
    channel, position = elements // positions, elements % positions
    parameters = call.parameters()
    bias = parameters["bias"][channel] if "bias" in parameters else None
    names = [format_index(at, list(module.weight.shape[1:])) for at in range(patches.shape[0])]
    factors = {"w": parameters["weight"].flatten(1)[channel], "a": patches.T[position]}
    return _derive_sums("z", factors, names, output.reshape(-1)[elements], bias)


def derive_input_gradient(call: ModuleCall, slice_number: int) -> list[Derivation]:
    """Derives dL/da of a Linear layer: what every unit that it went into sends back."""
    module, upstream, gradient = call.module, call.output_gradient, call.input_gradient
    if not isinstance(module, nn.Linear) or upstream is None or gradient is None:
        return []
    elements = _slice_elements(gradient, slice_number)
    position, unit = elements // module.in_features, elements % module.in_features
    names = [str(at + 1) for at in range(module.out_features)]
    factors = {
        "dL/dz": upstream.reshape(-1, module.out_features)[position],
        "w": call.parameters()["weight"].T[unit],
    }
    return _derive_sums("dL/da", factors, names, gradient.reshape(-1)[elements], None)


def derive_weight_gradient(
    call: ModuleCall, gradients: dict[str, Tensor], slice_number: int
) -> list[Derivation]:
    """Derives dL/dW of each unit: this example's part and that of the whole batch.

    Args:
        gradients: by name, each in the shape of its parameter.
    """
    module, inputs, upstream = call.module, call.inputs, call.output_gradient
    whole = gradients.get("weight")
    if not isinstance(module, nn.Linear) or inputs is None or upstream is None or whole is None:
        return []
    elements = _slice_elements(upstream, slice_number)
    position, unit = elements // module.out_features, elements % module.out_features
    rows = inputs.reshape(-1, module.in_features)[position]
    own_part = upstream.reshape(-1)[elements, None] * rows
    columns = {"a": rows, "dL/dz*a": own_part, "dL/dW": whole[unit]}
    terms = _largest_terms(whole[unit])
    count, hidden = terms.shape[1], whole.shape[1] - terms.shape[1]
    values = {name: column.gather(1, terms).tolist() for name, column in columns.items()}
    bias = gradients.get("bias")
    bias_gradients = [] if bias is None else bias[unit].tolist()
    derivations = []
    for row, indices in enumerate(terms.tolist()):
        notes = [f"the {count} largest of {count + hidden}"] if hidden else []
        notes += [f"dL/db = {format_number(bias_gradients[row], 6)}"] if bias_gradients else []
        numbers = [NumberColumn(name, column[row]) for name, column in values.items()]
        names = [str(at + 1) for at in indices]
        derivations.append(Derivation("dL/dW", names, numbers, "; ".join(notes)))
    return derivations


def _slice_elements(tensor: Tensor, slice_number: int) -> Tensor:
    """Returns the flat indices of the shown slice."""
    first = slice_start(slice_number, tensor.numel())
    return torch.arange(first, min(first + SLICE_SIZE, tensor.numel()), device=tensor.device)


def _largest_terms(values: Tensor) -> Tensor:
    """Returns which terms of each row [rows, terms] are shown: the farthest from 0, in order."""
    if values.shape[1] <= MAX_TERMS:
        return torch.arange(values.shape[1], device=values.device).expand_as(values)
    return values.abs().nan_to_num(torch.inf).topk(MAX_TERMS, dim=1).indices.sort(dim=1).values


def _derive_sums(
    title: str, factors: dict[str, Tensor], names: list[str], totals: Tensor, bias: Tensor | None
) -> list[Derivation]:
    """Derives one sum of products for each row of two matrices.

    Args:
        factors: two of [rows, terms].
        names: of the terms.
        totals: what the network computed [rows]; what it has beyond the sum came by other ways.
        bias: [rows].
    """
    one, other = (factor.double() for factor in factors.values())
    products = one * other
    terms = _largest_terms(products)
    columns = [column.gather(1, terms).tolist() for column in (one, other, products)]
    sums = products.sum(1)
    hidden = (sums - products.gather(1, terms).sum(1)).tolist()
    biases = None if bias is None else bias.tolist()
    rest = totals.double() - sums - (0 if bias is None else bias.double())
    has_rest = rest.abs() > 1e-3 * (totals.abs() + products.abs().amax(1) + 1e-9)
    column_names = (*factors, "*".join(factors))
    derivations = []
    for row, indices in enumerate(terms.tolist()):
        more: list[tuple[str, float]] = []
        if len(names) > len(indices):
            more.append((f"{len(names) - len(indices)} others", hidden[row]))
        if biases is not None:
            more.append(("bias", biases[row]))
        if bool(has_rest[row]):
            more.append(("other ways", float(rest[row])))
        blank = [NO_NUMBER] * len(more)
        tails = (blank, blank, [value for _, value in more])
        numbers = [
            NumberColumn(name, [*column[row], *tail])
            for name, column, tail in zip(column_names, columns, tails, strict=True)
        ]
        row_names = [*(names[at] for at in indices), *(name for name, _ in more)]
        total = f"sum = {format_number(float(totals[row]), 6)}"
        derivations.append(Derivation(title, row_names, numbers, total))
    return derivations

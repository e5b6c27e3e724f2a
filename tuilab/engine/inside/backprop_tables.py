"""Tensors of one example as tables of plain numbers, with how each number came about."""

from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from tuilab.engine.inside.backprop_replay import ROWS, begin
from tuilab.engine.inside.backprop_witness import Stop
from tuilab.engine.layers.activation import Step
from tuilab.lab.inside.backprop import Numbers, Origin, Table

TERMS = 12
"""Terms of a sum that are told; of more, the largest."""

NOTHING = float("nan")

EACH = (
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
    nn.Softplus, nn.Tanh, nn.Sigmoid, Step,
)  # fmt: skip
"""Activations: each number by itself."""

DROPS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)
"""What lets numbers through, scaled, or not."""


def table(
    title: str, columns: dict[str, Tensor | None], number: int, *,
    names: list[str] | None = None, shape: list[int] | None = None,
) -> Table:  # fmt: skip
    """Tensors of one shape beside each other, a stretch of them; those that are None are left out.

    Args:
        number: which stretch.
        names: of all elements.
        shape: to be told instead of that of the tensors.
    """
    given = {name: tensor for name, tensor in columns.items() if tensor is not None}
    first_one = next(iter(given.values()))
    own, total = list(first_one.shape), first_one.numel()
    first = begin(number, total)
    rows = range(first, min(first + ROWS, total))
    called = [names[at] if names else index(at, own) for at in rows]
    found = [
        Numbers(name, tensor.reshape(-1)[first : first + ROWS].tolist())
        for name, tensor in given.items()
    ]
    return Table(title, shape or own, first, total, called, found)


def index(place: int, shape: list[int]) -> str:
    """An element's place in its tensor, counted from 1: `3`, or `2,1,5`."""
    places = []
    for size in reversed(shape):
        place, at = divmod(place, max(1, size))
        places.append(str(at + 1))
    return ",".join(reversed(places))


def slope(module: nn.Module, taken: Tensor) -> Tensor | None:
    """The derivative of an activation at every number that it was given."""
    if not isinstance(module, EACH) or not taken.is_floating_point():
        return None
    with torch.enable_grad():
        x = taken.detach()[None].requires_grad_()
        out = module(x)
        if not out.requires_grad:
            return torch.zeros_like(taken)
        (found,) = torch.autograd.grad(out.sum(), x)
    return found[0]


def mask(stop: Stop) -> Tensor | None:
    """What a dropout multiplies every number by; None where a zero hides it."""
    if not isinstance(stop.module, DROPS) or stop.taken is None or stop.given is None:
        return None
    return torch.where(stop.taken != 0, stop.given / stop.taken, torch.nan)


# --- how a number came about --------------------------------------------------------------------


def is_linear(module: nn.Module) -> bool:
    """Whether a module is a matrix times what comes in, and no more."""
    return type(module) is nn.Linear


def sums_of_linear(stop: Stop, number: int) -> list[Origin]:
    """z = w · a + b, term by term."""
    module, taken, given = stop.module, stop.taken, stop.given
    assert isinstance(module, nn.Linear) and taken is not None and given is not None
    rows, out = taken.reshape(-1, module.in_features), given.reshape(-1)
    found = []
    for place in _places(out, number):
        position, unit = divmod(place, module.out_features)
        weight = module.weight.detach()[unit]
        bias = None if module.bias is None else float(module.bias.detach()[unit])
        called = [str(at + 1) for at in range(module.in_features)]
        found.append(_sum("z", ("w", "a"), (weight, rows[position]), called, out[place], bias))
    return found


def sums_of_convolution(stop: Stop, number: int) -> list[Origin]:
    """The same, over the patch that a kernel sees; empty for kernels of other kinds."""
    module, taken, given = stop.module, stop.taken, stop.given
    is_plain = (
        type(module) is nn.Conv2d and module.groups == 1 and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )  # fmt: skip
    if not is_plain or taken is None or given is None or taken.dim() != 3:
        return []
    assert isinstance(module, nn.Conv2d) and not isinstance(module.padding, str)
    patches = unfold(
        taken[None].float(), module.weight.shape[2:], module.dilation, module.padding, module.stride
    )[0]
    found, each = [], prod(given.shape[1:])
    called = [index(at, list(module.weight.shape[1:])) for at in range(patches.shape[0])]
    for place in _places(given.reshape(-1), number):
        channel, position = divmod(place, each)
        weight = module.weight.detach()[channel].reshape(-1)
        bias = None if module.bias is None else float(module.bias.detach()[channel])
        out = given.reshape(-1)[place]
        found.append(_sum("z", ("w", "a"), (weight, patches[:, position]), called, out, bias))
    return found


def sums_back(stop: Stop, number: int) -> list[Origin]:
    """dL/da of a Linear layer: what every unit that it went into sends back."""
    module, up, down = stop.module, stop.upstream, stop.downstream
    if not isinstance(module, nn.Linear) or up is None or down is None:
        return []
    rows, flat = up.reshape(-1, module.out_features), down.reshape(-1)
    called = [str(at + 1) for at in range(module.out_features)]
    found = []
    for place in _places(flat, number):
        position, unit = divmod(place, module.in_features)
        factors = rows[position], module.weight.detach()[:, unit]
        found.append(_sum("dL/da", ("dL/dz", "w"), factors, called, flat[place], None))
    return found


def shares(stop: Stop, gradients: dict[str, Tensor], number: int) -> list[Origin]:
    """dL/dW of one unit: this example's part and that of the whole batch, weight by weight."""
    module, taken, up = stop.module, stop.taken, stop.upstream
    whole = gradients.get("weight")
    if not isinstance(module, nn.Linear) or taken is None or up is None or whole is None:
        return []
    rows, flat, found = taken.reshape(-1, module.in_features), up.reshape(-1), []
    for place in _places(flat, number):
        position, unit = divmod(place, module.out_features)
        chosen, rest = _largest(whole[unit])
        own = flat[place] * rows[position]
        columns = {"a": rows[position], "dL/dz*a": own, "dL/dW": whole[unit]}
        names = [str(at + 1) for at in chosen.tolist()]
        told = [Numbers(name, values[chosen].tolist()) for name, values in columns.items()]
        more = f"the {len(names)} largest of {len(own)}; " if rest else ""
        bias = gradients.get("bias")
        result = "" if bias is None else f"dL/db = {float(bias[unit]):.6g}"
        title = "dL/dz*a of this example, dL/dW of the batch"
        found.append(Origin(title, names, told, (more + result).removesuffix("; ")))
    return found


def _places(flat: Tensor, number: int) -> range:
    first = begin(number, flat.numel())
    return range(first, min(first + ROWS, flat.numel()))


def _largest(values: Tensor) -> tuple[Tensor, int]:
    """Which of many to tell, in order, and how many are left out."""
    if len(values) <= TERMS:
        return torch.arange(len(values), device=values.device), 0
    return values.abs().topk(TERMS).indices.sort().values, len(values) - TERMS


def _sum(
    title: str, factors: tuple[str, str], values: tuple[Tensor, Tensor], called: list[str],
    total: Tensor, bias: float | None,
) -> Origin:  # fmt: skip
    products = values[0].double() * values[1].double()
    chosen, rest = _largest(products)
    names = [called[at] for at in chosen.tolist()]
    columns = [values[0][chosen].tolist(), values[1][chosen].tolist(), products[chosen].tolist()]
    more = float(products.sum() - products[chosen].sum())
    for name, value in ((f"{rest} others", more if rest else None), ("bias", bias)):
        if value is not None:
            names.append(name)
            for column, number in zip(columns, (NOTHING, NOTHING, value), strict=True):
                column.append(number)
    other = float(total) - float(products.sum()) - (bias or 0.0)
    if abs(other) > 1e-3 * (abs(float(total)) + float(products.abs().max()) + 1e-9):
        names.append("other ways")
        for column, number in zip(columns, (NOTHING, NOTHING, other), strict=True):
            column.append(number)
    told = [
        Numbers(name, column)
        for name, column in zip((*factors, "*".join(factors)), columns, strict=True)
    ]
    return Origin(title, names, told, f"sum = {float(total):.6g}")

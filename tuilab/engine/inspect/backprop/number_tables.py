"""Tensors of one example as tables of plain numbers, with how each number came about."""

from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from tuilab.core.protocol.inspect.backprop_messages import Numbers, Origin, Table
from tuilab.engine.inspect.backprop.forward_recorder import Stop
from tuilab.engine.inspect.backprop.replay import ROWS, begin
from tuilab.engine.model.layers.activation import Step

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
    """z = w * a + b, term by term."""
    module, taken, given = stop.module, stop.taken, stop.given
    assert isinstance(module, nn.Linear) and taken is not None and given is not None
    places = _places(given, number)
    position, unit = places // module.out_features, places % module.out_features
    seen = taken.reshape(-1, module.in_features)[position]
    own = stop.own()
    bias = own["bias"][unit] if "bias" in own else None
    called = [str(at + 1) for at in range(module.in_features)]
    factors = {"w": own["weight"][unit], "a": seen}
    return _sums("z", factors, called, given.reshape(-1)[places], bias)


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
    places, each = _places(given, number), prod(given.shape[1:])
    channel, position = places // each, places % each
    own = stop.own()
    bias = own["bias"][channel] if "bias" in own else None
    called = [index(at, list(module.weight.shape[1:])) for at in range(patches.shape[0])]
    factors = {"w": own["weight"].flatten(1)[channel], "a": patches.T[position]}
    return _sums("z", factors, called, given.reshape(-1)[places], bias)


def sums_back(stop: Stop, number: int) -> list[Origin]:
    """dL/da of a Linear layer: what every unit that it went into sends back."""
    module, up, down = stop.module, stop.upstream, stop.downstream
    if not isinstance(module, nn.Linear) or up is None or down is None:
        return []
    places = _places(down, number)
    position, unit = places // module.in_features, places % module.in_features
    called = [str(at + 1) for at in range(module.out_features)]
    factors = {
        "dL/dz": up.reshape(-1, module.out_features)[position],
        "w": stop.own()["weight"].T[unit],
    }
    return _sums("dL/da", factors, called, down.reshape(-1)[places], None)


def shares(stop: Stop, gradients: dict[str, Tensor], number: int) -> list[Origin]:
    """dL/dW of one unit: this example's part and that of the whole batch, weight by weight."""
    module, taken, up = stop.module, stop.taken, stop.upstream
    whole = gradients.get("weight")
    if not isinstance(module, nn.Linear) or taken is None or up is None or whole is None:
        return []
    places = _places(up, number)
    position, unit = places // module.out_features, places % module.out_features
    seen = taken.reshape(-1, module.in_features)[position]
    columns = {"a": seen, "dL/dz*a": up.reshape(-1)[places, None] * seen, "dL/dW": whole[unit]}
    chosen = _largest(whole[unit])
    count, rest = chosen.shape[1], whole.shape[1] - chosen.shape[1]
    told = {name: values.gather(1, chosen).tolist() for name, values in columns.items()}
    bias = gradients.get("bias")
    ends = [] if bias is None else bias[unit].tolist()
    found = []
    for row, places_of_row in enumerate(chosen.tolist()):
        words = [f"the {count} largest of {count + rest}"] if rest else []
        words += [f"dL/db = {ends[row]:.6g}"] if ends else []
        numbers = [Numbers(name, values[row]) for name, values in told.items()]
        names = [str(at + 1) for at in places_of_row]
        found.append(Origin("dL/dW", names, numbers, "; ".join(words)))
    return found


def _places(tensor: Tensor, number: int) -> Tensor:
    """The elements that are told of."""
    first = begin(number, tensor.numel())
    return torch.arange(first, min(first + ROWS, tensor.numel()), device=tensor.device)


def _largest(values: Tensor) -> Tensor:
    """Which of each row to tell: all, or the farthest from zero, in order."""
    if values.shape[1] <= TERMS:
        return torch.arange(values.shape[1], device=values.device).expand_as(values)
    return values.abs().nan_to_num(torch.inf).topk(TERMS, dim=1).indices.sort(dim=1).values


def _sums(
    title: str, factors: dict[str, Tensor], called: list[str], totals: Tensor, bias: Tensor | None
) -> list[Origin]:
    """One sum of products for each row of two matrices.

    Args:
        totals: what the network came to; if it is more than the sum, that came by other ways.
    """
    one, other = (factor.double() for factor in factors.values())
    products = one * other
    chosen = _largest(products)
    columns = [each.gather(1, chosen).tolist() for each in (one, other, products)]
    whole = products.sum(1)
    rest = (whole - products.gather(1, chosen).sum(1)).tolist()
    biases = None if bias is None else bias.tolist()
    more = totals.double() - whole - (0 if bias is None else bias.double())
    is_more = more.abs() > 1e-3 * (totals.abs() + products.abs().amax(1) + 1e-9)
    names_of_columns = (*factors, "*".join(factors))
    found = []
    for row, places in enumerate(chosen.tolist()):
        names = [called[at] for at in places]
        ends: list[tuple[str, float]] = []
        if len(called) > len(places):
            ends.append((f"{len(called) - len(places)} others", rest[row]))
        if biases is not None:
            ends.append(("bias", biases[row]))
        if bool(is_more[row]):
            ends.append(("other ways", float(more[row])))
        blank = [NOTHING] * len(ends)
        tails = (blank, blank, [value for _, value in ends])
        told = [
            Numbers(name, [*column[row], *tail])
            for name, column, tail in zip(names_of_columns, columns, tails, strict=True)
        ]
        names += [name for name, _ in ends]
        found.append(Origin(title, names, told, f"sum = {float(totals[row]):.6g}"))
    return found

"""The learner's own layers: forward by their functions, and back where they have written that."""

from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import learner as lab
from tuilab.core.network.layer import Layer
from tuilab.engine.learner_code.learner_functions import Code
from tuilab.engine.model.layers.named import Builder

Gradients = tuple[Tensor | None, ...]
"""One for each argument of a function; None where none is asked for."""


class LearnerLinear(nn.Linear):
    """torch's weights and the learner's `linear`."""

    def __init__(self, in_features: int, out_features: int, bias: bool) -> None:
        super().__init__(in_features, out_features, bias)
        self.code = Code("forward-pass", "network")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """[n, …, in_features] to [n, …, out_features]."""
        rows = input.reshape(-1, self.in_features)
        bias = rows.new_zeros(self.out_features) if self.bias is None else self.bias
        like = rows.new_empty(len(rows), self.out_features)
        output = self.code.one("linear", rows, self.weight, bias, like=like)
        return output.reshape(*input.shape[:-1], self.out_features)


class LearnerActivation(nn.Module):
    """The learner's activation and its derivative."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function, self.code = function, Code("activations", "network")

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        output: Tensor = _Activate.apply(x, self.code, self.function)  # type: ignore[no-untyped-call]
        return output

    def extra_repr(self) -> str:
        """Which one it is."""
        return self.function


class _Activate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, code: Code, name: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.code, ctx.name = code, name
        return code.one(name, x, like=x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Gradients:
        (x,) = ctx.saved_tensors
        return gradient * ctx.code.one(f"{ctx.name}_derivative", x, like=x), None, None


class LearnerDropout(nn.Module):
    """The learner's dropout, with torch's chance."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p, self.code = p, Code("dropout", "network")

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        noise = torch.rand_like(x) if self.training else torch.ones_like(x)
        output: Tensor = _Drop.apply(x, noise, self.p, self.training, self.code)  # type: ignore[no-untyped-call]
        return output


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, noise: Tensor, p: float, is_training: bool, code: Code
    ) -> Tensor:
        ctx.save_for_backward(noise)
        ctx.others = (p, is_training, code)
        return code.one("dropout", x, p, noise, is_training, like=x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Gradients:
        (noise,), (p, is_training, code) = ctx.saved_tensors, ctx.others
        back = code.one("dropout_backward", gradient, p, noise, is_training, like=gradient)
        return back, None, None, None, None


class LearnerBatchNorm(nn.BatchNorm1d):
    """torch's γ, β and running averages, and the learner's three functions."""

    values_per_channel = 1

    def __init__(self, features: int, eps: float, momentum: float) -> None:
        super().__init__(features, eps, momentum)
        self.code = Code("batch-norm", "network")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """[n, features] to the same."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        learned = self.weight, self.bias, self.running_mean, self.running_var
        if not self.training:
            return self.code.one("forward_eval", input, *learned, self.eps, like=input)
        output, mean, variance = _Normalize.apply(  # type: ignore[no-untyped-call]
            input, *learned, self.momentum, self.eps, self.code
        )
        self.running_mean.copy_(mean)
        self.running_var.copy_(variance)
        self.num_batches_tracked.add_(1)
        return output  # type: ignore[no-any-return]


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor,
        momentum: float, eps: float, code: Code,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        ctx.save_for_backward(x, gamma)
        ctx.eps, ctx.code = eps, code
        given = x, gamma, beta, mean, variance, momentum, eps
        found = code.call("forward_train", *given, like=[x, mean, variance])
        ctx.mark_non_differentiable(*found[1:])
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> Gradients:
        x, gamma = ctx.saved_tensors
        found = ctx.code.call("backward", gradient, x, gamma, ctx.eps, like=[x, gamma, gamma])
        return (*found, None, None, None, None, None)


class LearnerAttention(nn.MultiheadAttention):
    """torch's four matrices and the learner's `multi_head`."""

    def __init__(self, features: int, num_heads: int, causal: bool) -> None:
        super().__init__(features, num_heads, bias=False, batch_first=True)
        self.causal, self.code = causal, Code("attention", "network")

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """[n, length, features] to the same."""
        matrices = (*self.in_proj_weight.chunk(3), self.out_proj.weight)
        return self.code.one("multi_head", x, *matrices, self.num_heads, self.causal, like=x)


BUILDERS: dict[type[Layer], Builder] = {
    lab.OwnLinear: lambda layer, shape: LearnerLinear(shape[-1], layer.out_features, layer.bias),
    lab.OwnActivation: lambda layer, shape: LearnerActivation(layer.function),
    lab.OwnDropout: lambda layer, shape: LearnerDropout(layer.p),
    lab.OwnBatchNorm: lambda layer, shape: LearnerBatchNorm(shape[0], layer.eps, layer.momentum),
    lab.OwnAttention: lambda layer, shape: LearnerAttention(
        shape[-1], layer.num_heads, layer.causal
    ),
}

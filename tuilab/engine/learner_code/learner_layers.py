"""The learner's layers in a run: forward by their functions, and backward where they wrote that."""

from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import learner as catalogue
from tuilab.engine.learner_code.learner_functions import LearnerCode
from tuilab.engine.model.layers.builders import module_class

Gradients = tuple[Tensor | None, ...]
"""One for each argument of a function; None where none is needed."""


@module_class(catalogue.OwnLinear, -1)
class LearnerLinear(nn.Linear):
    """torch.nn.Linear with the learner's `linear`."""

    def __init__(self, in_features: int, out_features: int, bias: bool) -> None:
        super().__init__(in_features, out_features, bias)
        self.code = LearnerCode("forward-pass", "network")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Returns [batch, *positions, out_features] for [batch, *positions, in_features]."""
        rows = input.reshape(-1, self.in_features)
        bias = rows.new_zeros(self.out_features) if self.bias is None else self.bias
        like = rows.new_empty(len(rows), self.out_features)
        output = self.code.call_single("linear", rows, self.weight, bias, like=like)
        return output.reshape(*input.shape[:-1], self.out_features)


@module_class(catalogue.OwnActivation)
class LearnerActivation(nn.Module):
    """The learner's activation function and its derivative."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function, self.code = function, LearnerCode("activations", "network")

    def forward(self, x: Tensor) -> Tensor:
        """Returns a tensor of the shape of x, which may be any."""
        output: Tensor = _ActivationFunction.apply(x, self.code, self.function)  # type: ignore[no-untyped-call]
        return output

    def extra_repr(self) -> str:
        """Returns the name of the function."""
        return self.function


class _ActivationFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, code: LearnerCode, name: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.code, ctx.name = code, name
        return code.call_single(name, x, like=x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Gradients:
        (x,) = ctx.saved_tensors
        return gradient * ctx.code.call_single(f"{ctx.name}_derivative", x, like=x), None, None


@module_class(catalogue.OwnDropout)
class LearnerDropout(nn.Module):
    """The learner's dropout, with torch's random numbers."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p, self.code = p, LearnerCode("dropout", "network")

    def forward(self, x: Tensor) -> Tensor:
        """Returns a tensor of the shape of x, which may be any."""
        noise = torch.rand_like(x) if self.training else torch.ones_like(x)
        output: Tensor = _DropoutFunction.apply(x, noise, self.p, self.training, self.code)  # type: ignore[no-untyped-call]
        return output


class _DropoutFunction(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, noise: Tensor, p: float, is_training: bool, code: LearnerCode
    ) -> Tensor:
        ctx.save_for_backward(noise)
        ctx.others = (p, is_training, code)
        return code.call_single("dropout", x, p, noise, is_training, like=x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Gradients:
        (noise,), (p, is_training, code) = ctx.saved_tensors, ctx.others
        arguments = gradient, p, noise, is_training
        result = code.call_single("dropout_backward", *arguments, like=gradient)
        return result, None, None, None, None


@module_class(catalogue.OwnBatchNorm, 0)
class LearnerBatchNorm(nn.BatchNorm1d):
    """torch.nn.BatchNorm1d with the learner's three functions."""

    values_per_channel = 1

    def __init__(self, features: int, eps: float, momentum: float) -> None:
        super().__init__(features, eps, momentum)
        self.code = LearnerCode("batch-norm", "network")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Returns [batch, features] for [batch, features]."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        state = self.weight, self.bias, self.running_mean, self.running_var
        if not self.training:
            return self.code.call_single("forward_eval", input, *state, self.eps, like=input)
        output, mean, variance = _BatchNormFunction.apply(  # type: ignore[no-untyped-call]
            input, *state, self.momentum, self.eps, self.code
        )
        self.running_mean.copy_(mean)
        self.running_var.copy_(variance)
        self.num_batches_tracked.add_(1)
        return output  # type: ignore[no-any-return]


class _BatchNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor,
        momentum: float, eps: float, code: LearnerCode,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        ctx.save_for_backward(x, gamma)
        ctx.eps, ctx.code = eps, code
        arguments = x, gamma, beta, mean, variance, momentum, eps
        results = code.call("forward_train", *arguments, like=[x, mean, variance])
        ctx.mark_non_differentiable(*results[1:])
        return results

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> Gradients:
        x, gamma = ctx.saved_tensors
        gradients = ctx.code.call("backward", gradient, x, gamma, ctx.eps, like=[x, gamma, gamma])
        return (*gradients, None, None, None, None, None)


@module_class(catalogue.OwnAttention, -1)
class LearnerAttention(nn.MultiheadAttention):
    """torch.nn.MultiheadAttention without bias, with the learner's `multi_head`."""

    def __init__(self, features: int, num_heads: int, causal: bool) -> None:
        super().__init__(features, num_heads, bias=False, batch_first=True)
        self.causal, self.code = causal, LearnerCode("attention", "network")

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Returns [batch, length, features] for [batch, length, features]."""
        matrices = (*self.in_proj_weight.chunk(3), self.out_proj.weight)
        return self.code.call_single(
            "multi_head", x, *matrices, self.num_heads, self.causal, like=x
        )

"""PyTorch's optimizers, patched for layers frozen during training and channels-last memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class PatchedSGD(torch.optim.SGD):
    """torch.optim.SGD; its fused kernel fails when a layer that was frozen at first is unfrozen."""

    def _init_group(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        momentum_buffer_list: list[Tensor | None],
    ) -> bool:
        has_sparse: bool = super()._init_group(  # type: ignore[no-untyped-call]
            group, params, grads, momentum_buffer_list
        )
        missing = [i for i, buffer in enumerate(momentum_buffer_list) if buffer is None]
        if missing and len(missing) < len(params):
            for i in missing:  # so that the first step leaves the gradient itself in the buffer
                buffer = grads[i] * (group["dampening"] / group["momentum"])
                momentum_buffer_list[i] = buffer
        return has_sparse


class PatchedLBFGS(torch.optim.LBFGS):
    """torch.optim.LBFGS; it cannot flatten channels-last gradients, and ignores frozen layers."""

    _params: list[Tensor]
    _requires_grad: tuple[bool, ...] = ()

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Takes one step; a change of the trained parameters discards the curvature estimate."""
        requires_grad = tuple(parameter.requires_grad for parameter in self._params)
        if self._requires_grad and requires_grad != self._requires_grad:
            self.state.clear()
        self._requires_grad = requires_grad
        return super().step(closure)  # type: ignore[no-untyped-call]

    def _gather_flat_grad(self) -> Tensor:
        for parameter in self._params:
            if parameter.grad is not None:
                parameter.grad = parameter.grad.contiguous()
        gradient: Tensor = super()._gather_flat_grad()  # type: ignore[no-untyped-call]
        return gradient

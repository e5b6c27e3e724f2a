"""PyTorch's own optimizers where layers are frozen while they run, or memory is channels-last."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class SGD(torch.optim.SGD):
    """torch's, whose fused kernel fails when a layer that was frozen at first begins to learn."""

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
            for i in missing:  # so that the first step leaves the gradient itself in the memory
                before = grads[i] * (group["dampening"] / group["momentum"])
                momentum_buffer_list[i] = before
        return has_sparse


class LBFGS(torch.optim.LBFGS):
    """torch's, which cannot lay channels-last gradients in a row, nor knows of frozen layers."""

    _params: list[Tensor]
    _learning: tuple[bool, ...] = ()

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """One step; what was learned about the curvature holds for these parameters only."""
        learning = tuple(parameter.requires_grad for parameter in self._params)
        if self._learning and learning != self._learning:
            self.state.clear()
        self._learning = learning
        return super().step(closure)  # type: ignore[no-untyped-call]

    def _gather_flat_grad(self) -> Tensor:
        for parameter in self._params:
            if parameter.grad is not None:
                parameter.grad = parameter.grad.contiguous()
        row: Tensor = super()._gather_flat_grad()  # type: ignore[no-untyped-call]
        return row

"""Statistics of one step of several networks, layer by layer, as `StepProbe` has of one."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from tuilab.core.protocol.events import LayerStatsReported
from tuilab.core.protocol.records import ActivationStats, InputStats, LayerStats
from tuilab.engine.probes.activations import activation_fractions
from tuilab.engine.probes.step_probe import EPSILON
from tuilab.engine.seeds.stacked_layers import Stacker
from tuilab.engine.seeds.stacked_optimizer import row_norms
from tuilab.engine.session import Session


class StackedProbe:
    """Measures gradients, updates and activations of one step; made before it.

    Args:
        parameters: the stacked parameters, in the order of those of a session.
    """

    def __init__(
        self, session: Session, stacker: Stacker, parameters: Sequence[Parameter],
        inputs: Tensor | None,
    ) -> None:  # fmt: skip
        """Adds hooks to the stacked modules.

        Args:
            inputs: those of the step, [nets, batch, *shape], if they are measured.
        """
        self._parameters = parameters
        self._weights = [parameter.detach().clone() for parameter in parameters]
        self._gradient_norms: Tensor | None = None
        self._activations: dict[str, Tensor] = {}
        self._inputs = None
        if inputs is not None and inputs.is_floating_point():
            self._inputs = _input_statistics(inputs)
        self._hooks = [
            stacker.modules[module].register_forward_hook(self._hook(label, module))
            for label, module in session.observed_modules.items()
        ]

    def _hook(self, label: str, module: nn.Module) -> Callable[..., None]:
        measure = torch.func.vmap(partial(activation_fractions, module))

        def hook(_: nn.Module, inputs: Any, output: Tensor) -> None:
            self._activations.setdefault(label, measure(output.detach()))

        return hook

    def on_gradients(self) -> None:
        """Measures the gradients, before they are clipped."""
        gradients = [one.detach() if one.grad is None else one.grad for one in self._parameters]
        has_gradient = [one.grad is not None for one in self._parameters]
        norms = row_norms(gradients)
        self._gradient_norms = norms * torch.tensor(has_gradient, device=norms.device)[:, None]

    def report(self, sessions: Sequence[Session]) -> list[LayerStatsReported]:
        """Returns the statistics of the step that was just taken, for each session."""
        for hook in self._hooks:
            hook.remove()
        norms = row_norms(self._weights)
        torch._foreach_sub_(self._weights, [one.detach() for one in self._parameters])
        assert self._gradient_norms is not None
        kinds = (self._gradient_norms, row_norms(self._weights), norms)
        layers = self._layer_stats(sessions[0], torch.stack(kinds))
        activations = self._read_activations(len(sessions))
        inputs: list[InputStats | None] = [None] * len(sessions)
        if self._inputs is not None:
            inputs = [InputStats(*row) for row in self._inputs.tolist()]
        return [
            LayerStatsReported(session.run, session.step, layers[n], activations[n], inputs[n])
            for n, session in enumerate(sessions)
        ]

    def _layer_stats(self, session: Session, norms: Tensor) -> list[list[LayerStats]]:
        """Returns the statistics of the layers of each network.

        Args:
            norms: of gradients, updates and weights, [3, parameters, nets].
        """
        sizes = [len(parameters) for parameters in session.parameters_by_layer.values()]
        squares = [part.square().sum(1) for part in torch.split(norms.double(), sizes, dim=1)]
        gradient, update, weight = torch.stack(squares, dim=2).sqrt()
        ratio = update / weight.clamp(min=EPSILON)
        values = torch.stack([gradient, ratio, weight], dim=2).tolist()
        labels = list(session.parameters_by_layer)
        return [
            [LayerStats(label, *row) for label, row in zip(labels, rows, strict=True)]
            for rows in values
        ]

    def _read_activations(self, nets: int) -> list[list[ActivationStats]]:
        if not self._activations:
            return [[] for _ in range(nets)]
        rows = torch.stack(list(self._activations.values()), dim=1).tolist()
        return [
            [
                ActivationStats(label, *row)
                for label, row in zip(self._activations, of_net, strict=True)
            ]
            for of_net in rows
        ]


def _input_statistics(inputs: Tensor) -> Tensor:
    """Returns what `input_statistics` does, of each network: [nets, batch, …] to [nets, 3]."""
    rows = inputs.float() if inputs.dim() == 3 else inputs.float().reshape(len(inputs), -1, 1)
    mean = rows.mean(1)
    std = (rows - mean[:, None]).square().mean(1).sqrt()
    return torch.stack([mean.abs().amax(1), std.amax(1), std.amin(1)], dim=1)

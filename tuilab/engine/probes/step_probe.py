"""Statistics of one step, layer by layer: taken at some steps, free in between."""

from math import hypot

import torch
from torch import Tensor

from tuilab.core.protocol.events import LayerStatsReported
from tuilab.core.protocol.records import LayerStats
from tuilab.engine import schedule
from tuilab.engine.probes.activations import ActivationProbe
from tuilab.engine.session import Session
from tuilab.engine.step import StepObserver
from tuilab.engine.tasks.task import OptimizerPhase

EPSILON = 1e-30
"""Keeps the update ratio of a layer of zeros finite."""


class StepProbe(StepObserver):
    """Measures gradients, updates and activations of one step; made before it.

    Everything stays on the device until `report` reads one small tensor.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        # Times 1: a copy of all parameters in one kernel.
        self._weights = torch._foreach_mul([p.detach() for p in session.parameters], 1.0)
        self._gradient_norms: dict[Tensor, Tensor] = {}
        self._activations = ActivationProbe(
            session.network,
            session.observed_modules,
            with_inputs=schedule.are_inputs_measured(session.step + 1),
        )

    def on_gradients(self, phase: OptimizerPhase) -> None:
        """Measures the gradients of a phase."""
        parameters = [p for p in phase.parameters if p.grad is not None]
        norms = torch._foreach_norm([p.grad for p in parameters if p.grad is not None])
        self._gradient_norms.update(zip(parameters, norms, strict=True))

    def report(self) -> LayerStatsReported:
        """Returns the statistics of the step that was just taken."""
        session = self._session
        norms = torch._foreach_norm(self._weights)
        torch._foreach_sub_(self._weights, [p.detach() for p in session.parameters])
        updates = torch._foreach_norm(self._weights)
        zero = norms[0].new_zeros(())
        gradients = [self._gradient_norms.get(p, zero) for p in session.parameters]
        values = torch.stack([*gradients, *updates, *norms]).float().view(3, -1)
        activations, inputs = self._activations.read()
        layers = self._by_layer(values.tolist())
        return LayerStatsReported(session.run, session.step, layers, activations, inputs)

    def _by_layer(self, norms: list[list[float]]) -> list[LayerStats]:
        """Returns the statistics of layers from the norms of their parameters."""
        layers, start = [], 0
        for label, parameters in self._session.parameters_by_layer.items():
            stop = start + len(parameters)
            gradient, update, weight = (hypot(*row[start:stop]) for row in norms)
            layers.append(LayerStats(label, gradient, update / max(weight, EPSILON), weight))
            start = stop
        return layers

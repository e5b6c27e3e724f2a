"""Statistics of one step, layer by layer: taken ten times a second, absent in between."""

import torch
from torch import Tensor

from tuilab.engine.session import Session
from tuilab.lab.messages import Probed
from tuilab.lab.records import LayerStatistics

TINY = 1e-30
"""Keeps the ratio of a layer of zeros finite."""


class StepProbe:
    """Watches one step: `before` the optimizer moves the weights, `after` it has.

    Everything stays on the device until `after` reads one small tensor.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.layers = {
            label: [p for p in parameters if p.grad is not None]
            for label, parameters in session.labelled.items()
        }
        self.parameters = [p for parameters in self.layers.values() for p in parameters]
        self.gradients = torch._foreach_norm(
            [p.grad for p in self.parameters if p.grad is not None]
        )
        self.weights = [p.detach().clone() for p in self.parameters]

    def after(self) -> Probed:
        """The statistics of the step that was just taken."""
        present = [p.detach() for p in self.parameters]
        moves = torch._foreach_norm(torch._foreach_sub(present, self.weights))
        sizes = torch._foreach_norm(self.weights)
        rows = torch.stack([torch.stack(list(n)) for n in (self.gradients, moves, sizes)])
        squares = rows.float().square().cpu()
        return Probed(self.session.run, self.session.step, self._by_layer(squares))

    def _by_layer(self, squares: Tensor) -> list[LayerStatistics]:
        found, start = [], 0
        for label, parameters in self.layers.items():
            stop = start + len(parameters)
            gradient, move, size = squares[:, start:stop].sum(1).sqrt().tolist()
            found.append(LayerStatistics(label, gradient, move / max(size, TINY), size))
            start = stop
        return found

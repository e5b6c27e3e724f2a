"""Statistics of one step, layer by layer: taken ten times a second, absent in between."""

import torch
from torch import Tensor, nn

from tuilab.core.protocol.events import LayerStatsReported
from tuilab.core.protocol.records import LayerStatistics
from tuilab.engine.probes.activations import ActivityProbe
from tuilab.engine.session import Session

TINY = 1e-30
"""Keeps the ratio of a layer of zeros finite."""


class StepProbe:
    """Watches one step: made before it, it sees the gradients, then where the weights went.

    Everything stays on the device until `after` reads one small tensor.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.weights = torch._foreach_mul([p.detach() for p in session.parameters], 1.0)
        self._gradients: dict[Tensor, Tensor] = {}
        self._activity = ActivityProbe(session.network)

    def see(self, parameters: list[nn.Parameter]) -> None:
        """Look at the gradients that these parameters have now, before anything limits them."""
        seen = [p for p in parameters if p.grad is not None]
        sizes = torch._foreach_norm([p.grad for p in seen if p.grad is not None])
        self._gradients.update(zip(seen, sizes, strict=True))

    def after(self) -> LayerStatsReported:
        """The statistics of the step that was just taken."""
        present = [p.detach() for p in self.session.parameters]
        moves = torch._foreach_norm(torch._foreach_sub(present, self.weights))
        sizes = torch._foreach_norm(self.weights)
        nothing = sizes[0].new_zeros(())
        gradients = [self._gradients.get(p, nothing) for p in self.session.parameters]
        rows = torch.stack([torch.stack(list(n)) for n in (gradients, moves, sizes)])
        squares = rows.float().square().cpu()
        seen = self._activity.read()
        return LayerStatsReported(
            self.session.run, self.session.step, self._by_layer(squares), *seen
        )

    def _by_layer(self, squares: Tensor) -> list[LayerStatistics]:
        found, start = [], 0
        for label, parameters in self.session.labelled.items():
            stop = start + len(parameters)
            gradient, move, size = squares[:, start:stop].sum(1).sqrt().tolist()
            found.append(LayerStatistics(label, gradient, move / max(size, TINY), size))
            start = stop
        return found

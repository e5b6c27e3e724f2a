"""The step that training will take next, taken to see it and taken back."""

import torch
from torch import Tensor, nn

from tuilab.engine.inspect.landscape.line_scan import following
from tuilab.engine.inspect.landscape.loss_surface import remembering, undisturbed
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.session import Session
from tuilab.engine.train import optimizer_step


class NextStep(StepProbe):
    """Gradients on the next batch, before anything limits them, and the updates that follow.

    Exactly these come about when training goes on: the same batch, the same chance, the same
    memory of the optimizer. Afterwards the session is bit by bit as it was.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.gradients: dict[nn.Parameter, Tensor] = {}
        "Of the parameters that have one; of several turns in a step, the last."
        self.updates: dict[nn.Parameter, Tensor] = {}
        with undisturbed(session), remembering(session), torch.enable_grad():
            self._take(session)

    def see(self, parameters: list[nn.Parameter]) -> None:
        """Keep the gradients that these parameters have now."""
        for parameter in parameters:
            if parameter.grad is not None:
                self.gradients[parameter] = parameter.grad.detach().clone()

    def _take(self, session: Session) -> None:
        inputs, targets = following(session)
        session.set_rate()
        before = [parameter.detach().clone() for parameter in session.parameters]
        wanted = session.task.targets_for(inputs, targets)
        for turn in session.phases:
            optimizer_step(session, turn, inputs, wanted, self)
        for parameter, then in zip(session.parameters, before, strict=True):
            self.updates[parameter] = parameter.detach() - then

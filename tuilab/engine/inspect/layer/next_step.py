"""The step that training will take next: taken to see it, and put back."""

import torch
from torch import Tensor, nn

from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.step import StepObserver, training_step
from tuilab.engine.tasks.task import OptimizerPhase


class NextStep(StepObserver):
    """Gradients on the next batch, before they are clipped, and the updates that follow.

    Training will come to exactly these: the same batch, the same random numbers, the same memory
    of the optimizer.
    """

    def __init__(self, session: Session) -> None:
        self.gradients: dict[nn.Parameter, Tensor] = {}
        "Of the parameters that have one; where a step has several phases, of the last."
        self.updates: dict[nn.Parameter, Tensor] = {}
        with preserving(session), torch.enable_grad():
            inputs, targets = session.advance_to_batch()
            before = [parameter.detach().clone() for parameter in session.parameters]
            training_step(session, inputs, targets, self)
            for parameter, old in zip(session.parameters, before, strict=True):
                self.updates[parameter] = parameter.detach() - old

    def on_gradients(self, phase: OptimizerPhase) -> None:
        """Keeps the gradients of a phase."""
        for parameter in phase.parameters:
            if parameter.grad is not None:
                self.gradients[parameter] = parameter.grad.detach().clone()

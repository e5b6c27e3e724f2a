"""The loss of one example: its output, its target, and where the backward pass begins."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tuilab.core.catalogue.losses import BCE, CrossEntropy, equivalent_loss
from tuilab.core.format import format_number
from tuilab.core.protocol.inspect.backprop_messages import NumberTable
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.inspect.backprop.number_tables import build_table
from tuilab.engine.inspect.backprop.replay import StepTrace
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN


def describe_loss(
    session: Session, trace: StepTrace, slice_number: int
) -> tuple[list[NumberTable], list[str]]:
    """Returns the table of the output, and sentences on the loss."""
    facts = list(_facts(session, trace))
    call = trace.calls[-1] if trace.calls else None
    if call is None or call.output is None:
        return [], facts
    output = call.output
    columns: dict[str, Tensor | None] = {"z": output}
    if not isinstance(session.task, GAN):
        columns |= {
            "p": _probabilities(session, output.float()), "y": _target_like(output, trace.target)
        }  # fmt: skip
    columns["dL/dz"] = call.output_gradient
    classes = list(session.dataset.classes)
    names = classes if len(classes) == output.numel() else None
    return [build_table("output", columns, slice_number, row_names=names)], facts


def _probabilities(session: Session, output: Tensor) -> Tensor | None:
    loss = equivalent_loss(session.experiment.loss)
    if isinstance(loss, CrossEntropy):
        return output.softmax(-1)
    return output.sigmoid() if isinstance(loss, BCE) else None


def _target_like(output: Tensor, target: Tensor | None) -> Tensor | None:
    """Returns the target in the shape of the output."""
    if target is None or target.shape == output.shape:
        return target
    if target.numel() == output.numel():
        return target.reshape(output.shape)
    if target.is_floating_point() or target.shape != output.shape[:-1]:
        return None
    counts = target != IGNORE_INDEX
    return one_hot(target.clamp(min=0), output.shape[-1]) * counts.unsqueeze(-1)


def _facts(session: Session, trace: StepTrace) -> list[str]:
    facts = []
    loss = _example_loss(session, trace)
    if loss is not None:
        facts.append(f"The loss of this example is {format_number(loss, 6)}.")
    mean = format_number(trace.loss, 6)
    facts.append(f"The loss is the mean over the batch of {trace.batch_size}: {mean}.")
    if trace.penalty is not None:
        facts.append(f"The penalties on the weights add {format_number(trace.penalty)}.")
    if session.experiment.augmentation.mixup:
        facts.append("Mixup: the targets of two examples are mixed; the target shown is its own.")
    return facts


def _example_loss(session: Session, trace: StepTrace) -> float | None:
    """Returns the loss of the example by itself; None if it has none of its own."""
    task, target = session.task, trace.target
    call = trace.calls[-1] if trace.calls else None
    if isinstance(task, GAN) or call is None or call.output is None or target is None:
        return None
    if session.experiment.augmentation.mixup or task.loss_weight(target[None]) == 0:
        return None
    with torch.no_grad():
        return float(task.loss(call.output[None].float(), target[None]))

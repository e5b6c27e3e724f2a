"""The loss of one example: outputs, what they were compared with, and where the way back begins."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tuilab.core.catalogue.losses import BCE, CrossEntropy, meaning
from tuilab.core.protocol.inspect.backprop_messages import Table
from tuilab.engine.data.dataset import IGNORED
from tuilab.engine.inspect.backprop.number_tables import table
from tuilab.engine.inspect.backprop.replay import StepTrace
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN


def told(session: Session, record: StepTrace, number: int) -> tuple[list[Table], list[str]]:
    """The table of the outputs, and the loss in words."""
    facts = list(_facts(session, record))
    stop = record.stops[-1] if record.stops else None
    if stop is None or stop.given is None:
        return [], facts
    output = stop.given
    columns: dict[str, Tensor | None] = {"z": output}
    if not isinstance(session.task, GAN):
        columns |= _compared(session, output.float(), record.wanted)
    columns["dL/dz"] = stop.upstream
    classes = list(session.dataset.classes)
    names = classes if len(classes) == output.numel() else None
    return [table("output", columns, number, names=names)], facts


def _compared(session: Session, output: Tensor, wanted: Tensor | None) -> dict[str, Tensor | None]:
    loss = meaning(session.experiment.loss)
    chances = None
    if isinstance(loss, CrossEntropy):
        chances = output.softmax(-1)
    elif isinstance(loss, BCE):
        chances = output.sigmoid()
    return {"p": chances, "y": _target(output, wanted)}


def _target(output: Tensor, wanted: Tensor | None) -> Tensor | None:
    """What is wanted, in the shape of the output."""
    if wanted is None:
        return None
    if wanted.shape == output.shape:
        return wanted
    if wanted.numel() == output.numel():
        return wanted.reshape(output.shape)
    if wanted.is_floating_point() or wanted.shape != output.shape[:-1]:
        return None
    asked = wanted != IGNORED
    return one_hot(wanted.clamp(min=0), output.shape[-1]) * asked.unsqueeze(-1)


def _facts(session: Session, record: StepTrace) -> list[str]:
    facts = []
    own = _own(session, record)
    if own is not None:
        facts.append(f"The loss of this example is {own:.6g}.")
    facts.append(f"The loss is the mean over the batch of {record.examples}: {record.loss:.6g}.")
    if record.penalty is not None:
        facts.append(f"The penalties on the weights add {record.penalty:.4g}.")
    if session.experiment.augmentation.mixup:
        facts.append("Mixup: the targets of two examples are mixed; the target shown is its own.")
    return facts


def _own(session: Session, record: StepTrace) -> float | None:
    """The loss of the example by itself; None where it has none of its own."""
    task = session.task
    stop = record.stops[-1] if record.stops else None
    if isinstance(task, GAN) or stop is None or stop.given is None or record.wanted is None:
        return None
    if session.experiment.augmentation.mixup or task.weight(record.wanted[None]) == 0:
        return None
    with torch.no_grad():
        return float(task.loss(stop.given[None].float(), record.wanted[None]))

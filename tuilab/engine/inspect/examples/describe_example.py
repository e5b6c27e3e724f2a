"""One example in full: its input, what the network says of it, and the heat map of why."""

from math import isfinite
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.protocol.inspect.examples_messages import (
    MOST_NUMBERS,
    MOST_SIDE,
    Example,
    Row,
    Why,
)
from tuilab.engine.data.dataset import IGNORED, Dataset
from tuilab.engine.inspect.examples.attribution import Reason, reason, ways
from tuilab.engine.inspect.examples.evaluation import answered, fed, in_bytes, still
from tuilab.engine.inspect.examples.loss_survey import chances, each_loss
from tuilab.engine.inspect.layer.labels import features
from tuilab.engine.metrics.losses import predicted
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder

MOST_LABELS = 1024
"""Classes or tokens whose probability is told."""

Fields = dict[str, Any]


def labels(session: Session) -> tuple[str, ...]:
    """What the outputs of a network that tells classes are called."""
    return session.dataset.classes or session.dataset.vocabulary


def told(
    session: Session, raw: Tensor, target: Tensor | None, why: Why, number: int = -1,
    at: Tensor | None = None,
) -> Example:  # fmt: skip
    """One example in full.

    Args:
        raw: [1, ...], not yet prepared.
        target: [1, ...]; None where nobody knows: then the class that is predicted stands in.
        at: the coordinates that the input was made from, where it was.
    """
    inputs, dataset = fed(session, raw), session.dataset
    with still(session):
        output = answered(session, inputs)
    fields = _input(session, raw)
    if at is not None and at.numel() == raw.numel():
        fields |= {"numbers": at.flatten().tolist(), "note": ""}
    if isinstance(session.task, Autoencoder):
        return _reconstruction(session, number, inputs, output, fields)
    is_classes = bool(labels(session)) and not dataset.train.targets.is_floating_point()
    if is_classes:
        fields |= _chances(session, output)
    else:
        fields["answers"] = output.flatten()[:MOST_NUMBERS].tolist()
    aim = predicted(output) if target is None and is_classes else target
    if target is not None:
        fields["targets"] = [float(x) for x in target.flatten()[:MOST_NUMBERS].tolist()]
        fields["loss"] = float(each_loss(session, output, target)[0])
    names = labels(session) if is_classes else ()
    found = reason(session, why, inputs, aim, names)
    return Example(
        number=number, ways=ways(session, inputs, is_classes=is_classes), **fields, **_heat(found)
    )


def node(session: Session, inputs: Tensor, number: int, target: int) -> Example:
    """One node of a graph: which nodes' features its loss depends on."""
    inputs = fed(session, inputs)
    targets = torch.full(inputs.shape[:2], IGNORED, device=inputs.device)
    targets[0, number] = target
    with still(session):
        output = answered(session, inputs)[:, number]
    fields: Fields = {"loss": float(each_loss(session, output, targets[:, number])[0])}
    fields |= _chances(session, output)
    with still(session, is_graded=True):
        leaf = inputs.detach().clone().requires_grad_()
        loss = each_loss(session, answered(session, leaf)[:, number], targets[:, number]).sum()
        [gradient] = torch.autograd.grad(loss, [leaf])
    reach = gradient[0].norm(dim=-1)
    nearest = reach.argsort(descending=True)[: min(24, int((reach > 0).sum()))].tolist()
    names = [f"node {n}{' (itself)' if n == number else ''}" for n in nearest]
    about = "|dL/dx|: the nodes whose features change the loss most"
    return Example(
        number=number, names=names, numbers=inputs[0, nearest].norm(dim=-1).tolist(),
        targets=[float(target)], ways=["saliency"], **fields,
        **_heat(Reason(reach[nearest], about)),
        note="Of each node: the length of its features.",
    )  # fmt: skip


def _chances(session: Session, output: Tensor) -> Fields:
    """The classes with how likely each is; of a sequence of answers, those of the last."""
    sure = chances(session, output)[0]
    last = sure.reshape(-1, sure.shape[-1])[-1]
    names = labels(session)
    guesses = predicted(output)[0].flatten()[:MOST_NUMBERS]
    order = list(range(len(last)))
    if len(last) > MOST_LABELS:
        order = last.topk(MOST_LABELS).indices.sort().values.tolist()
    return {
        "labels": [names[n] if n < len(names) else str(n) for n in order],
        "chances": [_finite(float(last[n])) for n in order],
        "answers": [float(x) for x in guesses.tolist()],
    }


def _finite(number: float) -> float:
    return number if isfinite(number) else 0.0


def _reconstruction(
    session: Session, number: int, inputs: Tensor, output: Tensor, fields: Fields
) -> Example:
    error = (output - inputs).square()
    heat = error[0].mean(0) if error.dim() == 4 else error[0].flatten()[:MOST_NUMBERS]
    if inputs.dim() == 4:
        fields["output"], _ = picture_bytes(unprepared(session.dataset, output)[0])
    else:
        fields["answers"] = output.flatten()[:MOST_NUMBERS].tolist()
    about = "squared error of the reconstruction"
    return Example(number=number, loss=float(error.mean()), **fields, **_heat(Reason(heat, about)))


def _heat(found: Reason) -> Fields:
    heat = found.heat
    if heat is None:
        return {"about": found.about}
    if heat.dim() == 2 and heat.shape[1] > 1:
        if max(heat.shape) > MOST_SIDE:
            heat = F.adaptive_avg_pool2d(heat[None], _fit(heat.shape))[0]
        shape = list(heat.shape)
    else:
        heat = heat.flatten()[:MOST_NUMBERS]
        shape = [1, len(heat)]
    values, reach = in_bytes(heat)
    return {"heat": values, "heat_shape": shape, "reach": reach, "about": found.about}


# --- inputs ---------------------------------------------------------------------------------------


def _input(session: Session, raw: Tensor) -> Fields:
    """The input in plain numbers, named where its parts have names."""
    if raw.dim() == 4:
        prepared = session.dataset.prepared(raw)
        pixels, shape = picture_bytes(unprepared(session.dataset, prepared)[0])
        return {"kind": "picture", "pixels": pixels, "shape": shape}
    left = max(0, raw[0].numel() - MOST_NUMBERS)
    if not raw.is_floating_point():
        names = session.dataset.vocabulary or session.dataset.classes
        tokens = raw[0].flatten()[:MOST_NUMBERS].tolist()
        words = [names[token] if token < len(names) else f"<{token}>" for token in tokens]
        return {"kind": "tokens", "names": words, "left_out": left}
    numbers = raw[0].flatten()[:MOST_NUMBERS].tolist()
    if raw.dim() == 3:
        return {"kind": "series", "numbers": numbers, "left_out": left,
                "shape": list(raw.shape[1:])}  # fmt: skip
    return {"kind": "numbers", "numbers": numbers, "names": called(session), "left_out": left,
            "note": unit_of(session)}  # fmt: skip


def called(session: Session) -> list[str]:
    """What the numbers of an example are called, or a letter and a number each."""
    count = session.dataset.train.inputs[0].numel()
    if named := features(session):
        return named[:MOST_NUMBERS]
    return ["x"] if count == 1 else [f"x{n}" for n in range(1, min(count, MOST_NUMBERS) + 1)]


def unit_of(session: Session) -> str:
    """A sentence on what the numbers of an example are counted in."""
    data = session.experiment.data
    if isinstance(data, Table) and getattr(data, "normalize", False):
        return "Numbers are in spreads from their mean."
    return "Numbers are as the network gets them." if getattr(data, "normalize", False) else ""


def unprepared(dataset: Dataset, prepared: Tensor) -> Tensor:
    """Pictures as bytes again; what never were bytes is stretched to fill them."""
    if dataset.shift is not None and dataset.scale is not None:
        prepared = prepared / dataset.scale + dataset.shift
    else:
        low, high = prepared.amin(), prepared.amax()
        prepared = (prepared - low) / (high - low).clamp(min=1e-12) * 255
    return prepared.float().nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8)


def picture_bytes(picture: Tensor, most: int = MOST_SIDE) -> tuple[bytes, list[int]]:
    """A picture, uint8 [channels, height, width], as bytes, and its shape: not larger than shown.

    Of more than three channels, or of two, the first is shown.
    """
    if picture.shape[0] not in (1, 3):
        picture = picture[:1]
    if max(picture.shape[1:]) > most:
        smaller = F.adaptive_avg_pool2d(picture[None].float(), _fit(picture.shape[1:], most))
        picture = smaller[0].round().to(torch.uint8)
    return bytes(picture.permute(1, 2, 0).flatten().tolist()), list(picture.shape)


def _fit(shape: Any, most: int = MOST_SIDE) -> tuple[int, int]:
    part = most / max(shape)
    return max(1, int(shape[0] * part)), max(1, int(shape[1] * part))


def row(session: Session, raw: Tensor | None, number: int, **measured: Any) -> Row:
    """One example in short, with a small picture of it where it is one."""
    if raw is None or raw.dim() != 3:
        return Row(number, **measured)
    prepared = session.dataset.prepared(raw[None])
    pixels, shape = picture_bytes(unprepared(session.dataset, prepared)[0], 32)
    return Row(number, pixels=pixels, shape=shape, **measured)

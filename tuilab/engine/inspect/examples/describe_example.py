"""One example in full: its input, the prediction, and the attribution map."""

from math import isfinite
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.protocol.inspect.examples_messages import (
    MAX_NUMBERS,
    Attribution,
    Example,
    ExampleSummary,
)
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.inspect.evaluation import forward, predicting, prepare_inputs
from tuilab.engine.inspect.examples.attribution import (
    AttributionMap,
    attribute,
    get_available_attributions,
)
from tuilab.engine.inspect.examples.loss_survey import class_probabilities, per_example_loss
from tuilab.engine.inspect.images import denormalize, encode_image, shrink_to_fit
from tuilab.engine.inspect.layer.labels import get_feature_names
from tuilab.engine.inspect.quantize import quantize_all
from tuilab.engine.metrics.losses import predict_classes
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder

MAX_LABELS = 1024
"""Classes or tokens with a probability."""

MAX_NODES = 24
"""Nodes in the attribution map of a graph."""

THUMBNAIL_SIDE = 32

Fields = dict[str, Any]
"""Fields of an `Example`."""


def get_output_names(session: Session) -> tuple[str, ...]:
    """Returns the names of a classifier's outputs."""
    return session.dataset.classes or session.dataset.vocabulary


def describe_example(
    session: Session, raw: Tensor, target: Tensor | None, attribution: Attribution,
    number: int = -1, coordinates: Tensor | None = None,
) -> Example:  # fmt: skip
    """Describes one example.

    Args:
        raw: [1, ...], not yet prepared.
        target: [1, ...]; None if unknown: the predicted class is attributed instead.
        coordinates: [1, 1 or 2], those that the input was made from, if it was.
    """
    inputs, dataset = prepare_inputs(session, raw), session.dataset
    with predicting(session):
        output = forward(session, inputs)
    fields = _describe_input(session, raw)
    if coordinates is not None and coordinates.numel() == raw.numel():
        fields |= {"numbers": coordinates.flatten().tolist(), "note": ""}
    if isinstance(session.task, Autoencoder):
        return _describe_reconstruction(session, number, inputs, output, fields)
    names = get_output_names(session)
    is_classes = bool(names) and not dataset.train.targets.is_floating_point()
    if is_classes:
        fields |= _describe_probabilities(session, output)
    else:
        fields["predictions"] = output.flatten()[:MAX_NUMBERS].tolist()
    attributed = predict_classes(output) if target is None and is_classes else target
    if target is not None:
        fields["targets"] = [float(x) for x in target.flatten()[:MAX_NUMBERS].tolist()]
        fields["loss"] = float(per_example_loss(session, output, target)[0])
    heat_map = attribute(session, attribution, inputs, attributed, names if is_classes else ())
    attributions = get_available_attributions(session, inputs, is_classes=is_classes)
    return Example(number=number, attributions=attributions, **fields, **_describe_heat(heat_map))


def describe_node(session: Session, inputs: Tensor, number: int, target: int) -> Example:
    """Describes one node of a graph, with the nodes whose features change its loss most.

    Args:
        inputs: [1, nodes, features], not yet prepared.
    """
    inputs = prepare_inputs(session, inputs)
    targets = torch.full(inputs.shape[:2], IGNORE_INDEX, device=inputs.device)
    targets[0, number] = target
    with predicting(session):
        output = forward(session, inputs)[:, number]
    fields: Fields = {"loss": float(per_example_loss(session, output, targets[:, number])[0])}
    fields |= _describe_probabilities(session, output)
    with predicting(session, gradients=True):
        leaf = inputs.detach().clone().requires_grad_()
        output = forward(session, leaf)[:, number]
        loss = per_example_loss(session, output, targets[:, number]).sum()
        [gradient] = torch.autograd.grad(loss, [leaf])
    norms = gradient[0].norm(dim=-1)
    count = min(MAX_NODES, int((norms > 0).sum()))
    nodes = norms.argsort(descending=True)[:count].tolist()
    caption = "|dL/dx|: the nodes whose features change the loss most"
    return Example(
        number=number, names=[f"node {n}{' (itself)' if n == number else ''}" for n in nodes],
        numbers=inputs[0, nodes].norm(dim=-1).tolist(),
        targets=[float(target)], attributions=["saliency"], **fields,
        **_describe_heat(AttributionMap(norms[nodes], caption)),
        note="The numbers are the norms of the nodes' features.",
    )  # fmt: skip


def _describe_probabilities(session: Session, output: Tensor) -> Fields:
    """Returns the probability of each class; for a sequence, at its last position."""
    last = class_probabilities(session, output)[0].reshape(-1, output.shape[-1])[-1]
    names = get_output_names(session)
    predictions = predict_classes(output)[0].flatten()[:MAX_NUMBERS]
    order = list(range(len(last)))
    if len(last) > MAX_LABELS:
        order = last.topk(MAX_LABELS).indices.sort().values.tolist()
    return {
        "labels": [names[n] if n < len(names) else str(n) for n in order],
        "probabilities": [_replace_nonfinite(float(last[n])) for n in order],
        "predictions": [float(x) for x in predictions.tolist()],
    }


def _replace_nonfinite(number: float) -> float:
    return number if isfinite(number) else 0.0


def _describe_reconstruction(
    session: Session, number: int, inputs: Tensor, output: Tensor, fields: Fields
) -> Example:
    error = (output - inputs).square()
    heat = error[0].mean(0) if error.dim() == 4 else error[0].flatten()[:MAX_NUMBERS]
    if inputs.dim() == 4:
        fields["reconstruction"], _ = encode_image(denormalize(session.dataset, output)[0])
    else:
        fields["predictions"] = output.flatten()[:MAX_NUMBERS].tolist()
    heat_map = AttributionMap(heat, "squared error of the reconstruction")
    return Example(number=number, loss=float(error.mean()), **fields, **_describe_heat(heat_map))


def _describe_heat(heat_map: AttributionMap) -> Fields:
    heat = heat_map.heat
    if heat is None:
        return {"heat_caption": heat_map.caption}
    if heat.dim() == 2 and heat.shape[1] > 1:
        heat = F.adaptive_avg_pool2d(heat[None], shrink_to_fit(heat.shape))[0]
        shape = list(heat.shape)
    else:
        heat = heat.flatten()[:MAX_NUMBERS]
        shape = [1, len(heat)]
    values, max_abs = quantize_all(heat)
    return {
        "heat": values, "heat_shape": shape, "heat_max_abs": max_abs,
        "heat_caption": heat_map.caption,
    }  # fmt: skip


# --- inputs ---------------------------------------------------------------------------------------


def _describe_input(session: Session, raw: Tensor) -> Fields:
    """Returns the input, [1, ...], in plain numbers with their names."""
    if raw.dim() == 4:
        prepared = session.dataset.prepare(raw)
        pixels, shape = encode_image(denormalize(session.dataset, prepared)[0])
        return {"kind": "picture", "pixels": pixels, "shape": shape}
    omitted = max(0, raw[0].numel() - MAX_NUMBERS)
    if not raw.is_floating_point():
        names = session.dataset.vocabulary or session.dataset.classes
        tokens = raw[0].flatten()[:MAX_NUMBERS].tolist()
        words = [names[token] if token < len(names) else f"<{token}>" for token in tokens]
        return {"kind": "tokens", "names": words, "omitted": omitted}
    numbers = raw[0].flatten()[:MAX_NUMBERS].tolist()
    if raw.dim() == 3:
        return {"kind": "series", "numbers": numbers, "omitted": omitted,
                "shape": list(raw.shape[1:])}  # fmt: skip
    return {"kind": "numbers", "numbers": numbers, "names": get_input_names(session),
            "omitted": omitted, "note": describe_unit(session)}  # fmt: skip


def get_input_names(session: Session) -> list[str]:
    """Returns the names of an example's numbers; x1, x2, … if they have none."""
    count = session.dataset.train.inputs[0].numel()
    if names := get_feature_names(session):
        return names[:MAX_NUMBERS]
    return ["x"] if count == 1 else [f"x{n}" for n in range(1, min(count, MAX_NUMBERS) + 1)]


def describe_unit(session: Session) -> str:
    """Returns a sentence about the unit of an example's numbers."""
    data = session.experiment.data
    if not getattr(data, "normalize", False):
        return ""
    if isinstance(data, Table):
        return "Numbers are in standard deviations from their mean."
    return "Numbers are as the network gets them."


def summarize_example(
    session: Session, raw: Tensor | None, number: int, **scores: Any
) -> ExampleSummary:
    """Returns one example for a list, with a small image if it is one.

    Args:
        raw: [...], one example, not yet prepared.
        scores: other fields of the summary.
    """
    if raw is None or raw.dim() != 3:
        return ExampleSummary(number, **scores)
    prepared = session.dataset.prepare(raw[None])
    pixels, shape = encode_image(denormalize(session.dataset, prepared)[0], THUMBNAIL_SIDE)
    return ExampleSummary(number, pixels=pixels, shape=shape, **scores)

"""What a network says of its data, as a picture to draw: computed when somebody asks."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tuilab.core.protocol.commands import Probe
from tuilab.core.protocol.inspect.result_messages import Confusion, Curve, Picture, Surface
from tuilab.core.protocol.records import Sample
from tuilab.engine.data.dataset import Part
from tuilab.engine.inspect.result.generated_samples import creation, measured_part, scatter
from tuilab.engine.metrics.losses import flat, predicted, probabilities
from tuilab.engine.session import Session

MOST_POINTS = 400
"""Points drawn over a surface or beside a curve."""

MOST_EXAMPLES = 2000
"""Examples counted in a confusion matrix while training goes on."""

CERTAIN = 0.999
"""Certainty is kept below 1, so that class and certainty fit into one number."""


def picture(session: Session, probe: Probe) -> Picture:
    """The picture that suits the task and the data set; None if there is none."""
    if (made := creation(session, probe)) is not None:
        return made
    kind = session.experiment.data.picture
    if kind == "plane" and session.dataset.inputs_at is not None:
        return _surface(session, probe)
    if kind == "curve" and session.dataset.inputs_at is not None:
        return _curve(session, probe)
    if session.dataset.classes:
        return _confusion(session, probe)
    return scatter(session)


def _surface(session: Session, probe: Probe) -> Surface:
    left, right, bottom, top = session.dataset.bounds
    width, height = max(1, probe.width), max(1, probe.height)
    x = left + (torch.arange(width) + 0.5) * (right - left) / width
    y = top - (torch.arange(height) + 0.5) * (top - bottom) / height
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    output = _output_at(session, torch.stack([columns.flatten(), rows.flatten()], dim=1))
    if session.dataset.classes:
        certainty, winner = probabilities(session.experiment.loss, output).max(dim=1)
        values = winner + certainty.clamp(0, CERTAIN)
    else:
        values = output[:, 0]
    return Surface(
        session.run, session.step, (left, right, bottom, top), width, height,
        values=values.tolist(),
        points=list(_points(session.dataset.train)),
        validation=list(_points(session.dataset.validation)),
    )  # fmt: skip


def _output_at(session: Session, coordinates: Tensor) -> Tensor:
    assert session.dataset.inputs_at is not None
    return session.predict(session.dataset.inputs_at(coordinates.to(session.device)))


def _points(part: Part) -> Iterator[tuple[float, float, float]]:
    if part.coordinates is None or not len(part):
        return
    places = part.coordinates[:MOST_POINTS].tolist()
    targets = part.targets[:MOST_POINTS].flatten().tolist()
    for (x, y), target in zip(places, targets, strict=True):
        yield x, y, float(target)


def _curve(session: Session, probe: Probe) -> Curve:
    left, right = session.dataset.bounds[:2]
    x = torch.linspace(left, right, max(2, 2 * probe.width))
    y = _output_at(session, x.unsqueeze(1))[:, 0]
    train = session.dataset.train
    assert train.coordinates is not None
    places = train.coordinates[:MOST_POINTS, 0].tolist()
    points = list(zip(places, train.targets[:MOST_POINTS, 0].tolist(), strict=True))
    return Curve(session.run, session.step, x.tolist(), y.tolist(), points)


def _confusion(session: Session, probe: Probe) -> Confusion:
    dataset, classes = session.dataset, session.dataset.classes
    part = measured_part(dataset)
    output = session.predict(part.inputs[:MOST_EXAMPLES])
    output, targets = flat(output, part.targets[:MOST_EXAMPLES])
    guesses = predicted(output)
    counts = torch.bincount(targets * len(classes) + guesses, minlength=len(classes) ** 2)
    return Confusion(
        session.run, session.step, list(classes),
        counts=counts.reshape(len(classes), -1).tolist(),
        samples=_samples(session, part, output, guesses, probe.samples),
    )  # fmt: skip


def _samples(
    session: Session, part: Part, output: Tensor, guesses: Tensor, count: int
) -> list[Sample]:
    if part.inputs.dtype != torch.uint8 or part.inputs.dim() != 4:
        return []
    sure = probabilities(session.experiment.loss, output[:count])
    rows = zip(
        part.inputs[:count].cpu(),
        part.targets[:count].tolist(),
        guesses[:count].tolist(),
        sure.gather(1, guesses[:count, None])[:, 0].tolist(),
        strict=True,
    )
    return [
        Sample(_pixels(image), (image.shape[0], image.shape[1], image.shape[2]), *rest)
        for image, *rest in rows
    ]


def _pixels(image: Tensor) -> bytes:
    """Channels last, rows from the top, one byte each."""
    return bytes(image.permute(1, 2, 0).flatten().tolist())

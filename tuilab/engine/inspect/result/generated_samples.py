"""Pictures of what networks make: text, reconstructions, drawings, predicted numbers."""

import torch
from torch import Tensor

from tuilab.core.protocol.commands import Probe
from tuilab.core.protocol.inspect.result_messages import (
    Drawn,
    Picture,
    Reconstructed,
    Scatter,
    Written,
)
from tuilab.core.protocol.records import Pair, Sample
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel

MOST_POINTS = 400
"""Points of a cloud or a scatter diagram."""


def creation(session: Session, probe: Probe) -> Picture | None:
    """What the network of this task makes; None for tasks that only tell classes."""
    match session.task:
        case LanguageModel() as task:
            return _written(session, task)
        case Autoencoder() as task:
            return _reconstructed(session, task, probe.samples)
        case GAN() as task:
            return _drawn(session, task, probe.samples)
    return None


def _written(session: Session, task: LanguageModel) -> Written:
    prompt, text = task.sample()
    return Written(session.run, session.step, prompt, text, task.knobs.temperature)


def _reconstructed(session: Session, task: Autoencoder, count: int) -> Reconstructed:
    part = measured_part(session.dataset)
    inputs = session.dataset.prepared(part.inputs[:count])
    outputs = task.predict(session.arranged(inputs))
    errors = (outputs - inputs).square().flatten(1).mean(1).tolist()
    befores, afters = _bytes(session.dataset, inputs), _bytes(session.dataset, outputs)
    shape = tuple(inputs.shape[1:])
    rows = zip(befores, afters, errors, strict=True)
    pairs = [Pair(before, after, shape, error) for before, after, error in rows]
    return Reconstructed(session.run, session.step, pairs)


def _drawn(session: Session, task: GAN, count: int) -> Drawn:
    dataset = session.dataset
    if dataset.train.inputs.dim() == 4:
        drawn = task.draw(count)
        shape = drawn.shape[1], drawn.shape[2], drawn.shape[3]
        pictures = [Sample(pixels, shape, 0, 0, 0.0) for pixels in _bytes(dataset, drawn)]
        return Drawn(session.run, session.step, pictures)
    drawn = task.draw(MOST_POINTS)
    if drawn.shape[1] != 2:
        return Drawn(session.run, session.step)
    coverage = task.coverage(drawn)
    return Drawn(
        session.run, session.step, bounds=_bounds(dataset),
        real=_places(dataset.train.inputs), drawn=_places(drawn),
        covered=None if coverage is None else int(coverage["modes"]),
        modes=0 if dataset.modes is None else len(dataset.modes),
    )  # fmt: skip


def scatter(session: Session) -> Scatter:
    """Targets of a regression beside what the network says."""
    part = measured_part(session.dataset)
    output = session.predict(part.inputs[:MOST_POINTS])[:, 0]
    targets = part.targets[:MOST_POINTS].reshape(len(output), -1)[:, 0]
    points = list(zip(targets.tolist(), output.tolist(), strict=True))
    return Scatter(session.run, session.step, points)


def measured_part(dataset: Dataset) -> Part:
    """Examples that the network does not train on, where there are any."""
    return next(part for part in (dataset.validation, dataset.test, dataset.train) if len(part))


def _bounds(dataset: Dataset) -> tuple[float, ...]:
    """Left, right, bottom and top of the data in the units of the network's inputs."""
    left, right, bottom, top = dataset.bounds
    assert dataset.inputs_at is not None
    low, high = dataset.inputs_at(torch.tensor([[left, bottom], [right, top]])).tolist()
    return low[0], high[0], low[1], high[1]


def _places(points: Tensor) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points[:MOST_POINTS].tolist()]


def _bytes(dataset: Dataset, prepared: Tensor) -> list[bytes]:
    """Pictures as bytes again, channels last; nothing for what is no picture."""
    if prepared.dim() != 4 or dataset.shift is None or dataset.scale is None:
        return [b""] * len(prepared)
    grey = (prepared / dataset.scale + dataset.shift).round().clamp(0, 255).to(torch.uint8)
    return [bytes(picture.permute(1, 2, 0).flatten().tolist()) for picture in grey.cpu()]

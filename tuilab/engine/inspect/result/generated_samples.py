"""Samples of generative networks: text, images, points among real ones, reconstructions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuilab.core.catalogue.losses import MSE
from tuilab.core.protocol.inspect.examples_messages import MAX_IMAGE_SIDE
from tuilab.core.protocol.inspect.result_messages import (
    Bounds,
    GeneratedImages,
    GeneratedPoints,
    GeneratedText,
    Reconstructions,
)
from tuilab.core.protocol.records import Reconstruction
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.inspect.evaluation import forward, predicting, prepare_inputs
from tuilab.engine.inspect.images import denormalize, encode_image
from tuilab.engine.inspect.plane_grid import build_plane_grid
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel

MAX_POINTS = 400
"""Generated and real points that are shown."""

COVERAGE_POINTS = 2000
"""Generated points that the coverage of modes is measured with."""


def generate_text(task: LanguageModel) -> GeneratedText:
    """Continues the text of a language model, or starts a new one after a complete one."""
    prompt, text = task.sample()
    is_complete = len(text) >= task.config.sample_length
    return GeneratedText(prompt, text, task.config.temperature, is_complete)


def reconstruct(session: Session, task: Autoencoder, count: int) -> Reconstructions:
    """Reconstructs held-out examples."""
    split = get_held_out_split(session.dataset)
    inputs = session.dataset.prepare(split.inputs[:count])
    outputs = task.predict(session.to_memory_format(inputs))
    errors = (outputs - inputs).square().flatten(1).mean(1).tolist()
    if inputs.dim() != 4:
        flat = tuple(inputs.shape[1:])
        return Reconstructions([Reconstruction(b"", b"", flat, error) for error in errors])
    before, shape = encode_images(session.dataset, inputs)
    after, _ = encode_images(session.dataset, outputs)
    rows = zip(before, after, errors, strict=True)
    return Reconstructions([Reconstruction(x, y, tuple(shape), error) for x, y, error in rows])


def generate_images(session: Session, task: GAN, count: int) -> GeneratedImages:
    """Generates images, always from the same noise."""
    images, shape = encode_images(session.dataset, task.generate(count))
    title = f"{len(images)} generated images, always from the same noise"
    return GeneratedImages(images, shape, title=title)


def generate_points(session: Session, task: GAN, judged_side: int = 0) -> GeneratedPoints | None:
    """Generates points, always from the same noise; returns None if they are not of a plane.

    Args:
        judged_side: number of points on each side of a grid that the discriminator judges.
    """
    dataset = session.dataset
    points = task.generate(COVERAGE_POINTS)
    if points.shape[1:] != (2,) or dataset.inputs_at is None:
        return None
    coverage = task.mode_coverage(points) or {}
    return GeneratedPoints(
        _get_input_bounds(session), _to_pairs(dataset.train.inputs), _to_pairs(points),
        covered_modes=int(coverage["modes"]) if coverage else None,
        total_modes=0 if dataset.modes is None else len(dataset.modes),
        precision=coverage.get("high_quality", 0.0),
        width=judged_side, height=judged_side,
        realness=_judge_plane(session, task, judged_side) if judged_side else [],
    )  # fmt: skip


def _judge_plane(session: Session, task: GAN, side: int) -> list[float]:
    """Returns the discriminator's output over the plane as a probability."""
    assert session.dataset.inputs_at is not None
    points = build_plane_grid(session.dataset.bounds, side, side).to(session.device)
    inputs = prepare_inputs(session, session.dataset.inputs_at(points))
    with predicting(session):
        output = forward(session, inputs, task.discriminator)[:, 0]
    is_probability = isinstance(session.experiment.loss, MSE)
    realness: list[float] = (output.clamp(0, 1) if is_probability else output.sigmoid()).tolist()
    return realness


def get_held_out_split(dataset: Dataset) -> Examples:
    """Returns the validation set, or the next one that has examples."""
    return next(split for split in (dataset.validation, dataset.test, dataset.train) if len(split))


def encode_images(
    dataset: Dataset, prepared: Tensor, max_side: int = MAX_IMAGE_SIDE
) -> tuple[list[bytes], list[int]]:
    """Returns normalized images, [n, channels, height, width], as bytes, and their shape."""
    encoded = [encode_image(image, max_side) for image in denormalize(dataset, prepared).cpu()]
    return [pixels for pixels, _ in encoded], encoded[0][1] if encoded else []


def _get_input_bounds(session: Session) -> Bounds:
    """Returns the bounds of the data in units of the network's inputs."""
    left, right, bottom, top = session.dataset.bounds
    assert session.dataset.inputs_at is not None
    corners: Sequence[Sequence[float]] = session.dataset.inputs_at(
        torch.tensor([[left, bottom], [right, top]], device=session.device)
    ).tolist()
    return corners[0][0], corners[1][0], corners[0][1], corners[1][1]


def _to_pairs(points: Tensor) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points[:MAX_POINTS].tolist()]

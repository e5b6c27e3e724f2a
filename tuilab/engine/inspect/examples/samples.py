"""What networks make: a text, drawn pictures or points with their judge, a walk over codes."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers.blocks import Decoder, Encoder
from tuilab.core.catalogue.losses import MSE
from tuilab.core.protocol.inspect.examples_messages import Made
from tuilab.engine.inspect.examples.describe_example import picture_bytes, unprepared
from tuilab.engine.inspect.examples.evaluation import answered, fed, still
from tuilab.engine.model import build_network as networks
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel

PICTURES = 12
"""Pictures that a generator draws."""

POINTS = 300
"""Points of each of the two clouds."""

SIDE = 24
"""Places along each side of the plane that the discriminator judges."""

STEPS = 7
"""Codes along each side of the walk."""

FAR = 2.0
"""The walk goes so many spreads from the mean, each way."""

CODED = 128
"""Examples whose codes tell where the walk goes."""


def made(session: Session) -> tuple[Made | None, str]:
    """What the network of this task makes; else why there is nothing."""
    match session.task:
        case LanguageModel() as task:
            prompt, text = task.sample()
            length = task.knobs.sample_length
            return Made(
                prompt=prompt, text=text, temperature=task.knobs.temperature,
                is_whole=len(text) >= length,
            ), ""  # fmt: skip
        case GAN() as task:
            return _drawn(session, task)
        case Autoencoder():
            return _walk(session)
    return None, "This network tells classes or numbers: it makes nothing to look at."


# --- GAN ------------------------------------------------------------------------------------------


def _drawn(session: Session, task: GAN) -> tuple[Made | None, str]:
    dataset = session.dataset
    if dataset.train.inputs.dim() == 4:
        drawn = task.draw(PICTURES)
        pictures = [picture_bytes(one) for one in unprepared(dataset, drawn)]
        return Made(
            pixels=[pixels for pixels, _ in pictures], shape=pictures[0][1],
            title=f"{len(pictures)} drawn pictures, always from the same noise",
        ), ""  # fmt: skip
    drawn = task.draw(2000)[:, :]
    if drawn.shape[1] != 2 or dataset.inputs_at is None:
        return None, f"Drawn are rows of {drawn.shape[1]} numbers: there is no plane to show them."
    left, right, bottom, top = dataset.bounds
    title = f"{min(POINTS, len(drawn))} drawn points among real ones"
    if (coverage := task.coverage(drawn)) is not None and dataset.modes is not None:
        title = (
            f"{int(coverage['modes'])} of {len(dataset.modes)} modes covered, "
            f"{coverage['good']:.0%} of the drawn points lie at one"
        )
    low, high = dataset.inputs_at(
        torch.tensor([[left, bottom], [right, top]], device=session.device)
    ).tolist()
    return Made(
        bounds=[low[0], high[0], low[1], high[1]], width=SIDE, height=SIDE,
        judged=_judged(session, task), real=_pairs(dataset.train.inputs), drawn=_pairs(drawn),
        title=title,
    ), ""  # fmt: skip


def _judged(session: Session, task: GAN) -> list[float]:
    """How real the discriminator finds the middle of each place of the plane."""
    assert session.dataset.inputs_at is not None
    left, right, bottom, top = session.dataset.bounds
    part = (torch.arange(SIDE) + 0.5) / SIDE
    rows, columns = torch.meshgrid(
        top - part * (top - bottom), left + part * (right - left), indexing="ij"
    )
    points = torch.stack([columns.flatten(), rows.flatten()], dim=1).to(session.device)
    with still(session):
        output = answered(session, fed(session, session.dataset.inputs_at(points)),
                          task.discriminator)[:, 0]  # fmt: skip
    is_number = isinstance(session.experiment.loss, MSE)
    found: list[float] = (output.clamp(0, 1) if is_number else output.sigmoid()).tolist()
    return found


def _pairs(points: Tensor) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points[:POINTS].tolist()]


# --- autoencoder ----------------------------------------------------------------------------------


def halves(session: Session) -> tuple[nn.Module, nn.Module] | None:
    """Encoder and decoder, where the network is written as these two blocks alone."""
    row = list(session.network.children())
    if len(row) != 2:
        return None
    kinds = dict(_kinds(session))
    is_pair = isinstance(kinds.get(row[0]), Encoder) and isinstance(kinds.get(row[1]), Decoder)
    return (row[0], row[1]) if is_pair else None


def _kinds(session: Session) -> Iterable[tuple[nn.Module, object]]:
    return networks.layers(session.network, session.experiment.network)


def _walk(session: Session) -> tuple[Made | None, str]:
    """Decoded codes on a grid over the first two numbers; the others stay at their mean."""
    found = halves(session)
    if found is None:
        return None, (
            "A walk through the codes needs a network of the two blocks Encoder and Decoder."
        )
    encoder, decoder = found
    dataset = session.dataset
    with still(session):
        codes = answered(session, fed(session, dataset.train.inputs[:CODED]), encoder)
        grid, columns, words = codes_to_walk(codes)
        output = answered(session, grid.to(session.parameters[0].dtype), decoder)
    if output.dim() != 4:
        return None, "Codes are decoded to rows of numbers, which are no pictures to look at."
    pictures = [picture_bytes(one, 32) for one in unprepared(dataset, output)]
    return Made(
        pixels=[pixels for pixels, _ in pictures], shape=pictures[0][1], columns=columns,
        title=words,
    ), ""  # fmt: skip


def codes_to_walk(codes: Tensor) -> tuple[Tensor, int, str]:
    """Codes on a grid around the mean of some codes, how many stand side by side, and words."""
    flat = codes.flatten(1)
    mean, spread = flat.mean(0), flat.std(0, correction=0)
    steps = torch.linspace(-FAR, FAR, STEPS, device=codes.device, dtype=flat.dtype)
    if flat.shape[1] == 1:
        grid = (mean + steps[:, None] * spread).reshape(STEPS, *codes.shape[1:])
        return grid, STEPS, f"the code from -{FAR:g} to +{FAR:g} spreads around its mean"
    grid = mean.repeat(STEPS * STEPS, 1)
    across, up = steps.repeat(STEPS), steps.flip(0).repeat_interleave(STEPS)
    grid[:, 0] += across * spread[0]
    grid[:, 1] += up * spread[1]
    words = f"right: code 1, up: code 2, each from -{FAR:g} to +{FAR:g} spreads around its mean"
    return grid.reshape(STEPS * STEPS, *codes.shape[1:]), STEPS, words

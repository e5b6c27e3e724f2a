"""The answers to the result view: what the network has learned, as a picture."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tuilab.core.protocol.inspect.result_messages import (
    Curve,
    DecisionSurface,
    NodeGraph,
    Picture,
    ResultRequest,
    ResultResponse,
    Scatter,
)
from tuilab.core.protocol.records import Sample
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.engine.data.dataset import IGNORE_INDEX, Examples
from tuilab.engine.inspect.images import encode_image
from tuilab.engine.inspect.inspectors import inspector
from tuilab.engine.inspect.plane_grid import build_plane_grid
from tuilab.engine.inspect.result.generated_samples import (
    generate_images,
    generate_points,
    generate_text,
    get_held_out_split,
    reconstruct,
)
from tuilab.engine.inspect.result.graph_layout import place_nodes
from tuilab.engine.metrics.losses import flatten_positions, predict_classes, probabilities
from tuilab.engine.metrics.scores import count_confusions, count_present
from tuilab.engine.session import Session
from tuilab.engine.tasks.autoencoder import Autoencoder
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.label_tasks import MultiLabel
from tuilab.engine.tasks.language_model import LanguageModel

MAX_POINTS = 400
"""Examples shown over a surface or beside a curve."""

MAX_EXAMPLES = 2000
"""Examples counted in a confusion matrix."""

MAX_NODES = 400
"""Nodes of a graph that are drawn."""

MAX_PROBABILITY = 0.999
"""Probabilities are kept below 1, so that class and probability fit into one number."""


@inspector(ResultRequest)
class ResultInspector:
    """Draws the result of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._nodes: tuple[Tensor, list[tuple[float, float]]] | None = None

    def inspect(self, request: ResultRequest) -> ResultResponse:
        """Returns the picture that suits the task and the data set."""
        session = self._session
        kind = session.experiment.data.plot_kind
        picture: Picture | None
        samples: list[Sample] = []
        match session.task:
            case LanguageModel() as task:
                picture = generate_text(task)
            case Autoencoder() as task:
                picture = reconstruct(session, task, request.samples)
            case GAN() as task if session.dataset.train.inputs.dim() == 4:
                picture = generate_images(session, task, request.samples)
            case GAN() as task:
                picture = generate_points(session, task)
            case MultiLabel():
                picture = _count_present(session)
            case _ if kind == "plane" and session.dataset.inputs_at is not None:
                picture = _compute_surface(session, request.width, request.height)
            case _ if kind == "curve" and session.dataset.inputs_at is not None:
                picture = _compute_curve(session, 2 * request.width)
            case _ if session.dataset.adjacency is not None and session.dataset.classes:
                picture = self._describe_graph(session.dataset.adjacency)
            case _ if session.dataset.classes:
                picture, samples = _count_confusions(session, request.samples)
            case _:
                picture = _compute_scatter(session)
        return ResultResponse(session.run, session.step, picture, samples)

    def _describe_graph(self, adjacency: Tensor) -> NodeGraph:
        """Returns the graph with the predicted classes of its nodes.

        Args:
            adjacency: [nodes, nodes] of zeros and ones.
        """
        session = self._session
        train, held_out = session.dataset.train, get_held_out_split(session.dataset)
        output = session.predict(train.inputs)[0]
        labeled, targets = train.targets[0], held_out.targets[0]
        is_labeled, is_held_out = labeled != IGNORE_INDEX, targets != IGNORE_INDEX
        winner = predict_classes(output)
        classes = list(session.dataset.classes)
        counts = count_confusions(targets[is_held_out], winner[is_held_out], len(classes))
        known = torch.where(is_labeled, labeled, torch.where(is_held_out, targets, -1))
        nodes, positions = self._locate_nodes(adjacency)
        probability = probabilities(session.experiment.loss, output).amax(dim=1)
        values = winner + probability.clamp(0, MAX_PROBABILITY)
        edges = adjacency[nodes][:, nodes].triu(1).nonzero()
        return NodeGraph(
            positions, [(first, second) for first, second in edges.tolist()],
            values=values[nodes].tolist(), targets=known[nodes].tolist(),
            is_labeled=is_labeled[nodes].tolist(),
            matrix=ConfusionMatrix(counts.tolist(), classes), total_nodes=len(adjacency),
        )  # fmt: skip

    def _locate_nodes(self, adjacency: Tensor) -> tuple[Tensor, list[tuple[float, float]]]:
        """Returns the nodes [n] that are drawn, and where: placed once, as the graph stays."""
        if self._nodes is None:
            every = -(-len(adjacency) // MAX_NODES)
            nodes = torch.arange(0, len(adjacency), every, device=adjacency.device)
            positions = place_nodes(adjacency[nodes][:, nodes])
            self._nodes = nodes, [(x, y) for x, y in positions.tolist()]
        return self._nodes


def _compute_surface(session: Session, width: int, height: int) -> DecisionSurface:
    left, right, bottom, top = session.dataset.bounds
    width, height = max(1, width), max(1, height)
    grid = build_plane_grid((left, right, bottom, top), width, height)
    output = _predict_at(session, grid)
    if session.dataset.classes:
        probability, winner = probabilities(session.experiment.loss, output).max(dim=1)
        values = winner + probability.clamp(0, MAX_PROBABILITY)
    else:
        values = output[:, 0]
    return DecisionSurface(
        (left, right, bottom, top), width, height,
        values=values.tolist(),
        points=list(_get_points(session.dataset.train)),
        validation=list(_get_points(session.dataset.validation)),
    )  # fmt: skip


def _predict_at(session: Session, coordinates: Tensor) -> Tensor:
    assert session.dataset.inputs_at is not None
    return session.predict(session.dataset.inputs_at(coordinates.to(session.device)))


def _get_points(split: Examples) -> Iterator[tuple[float, float, float]]:
    if split.coordinates is None or not len(split):
        return
    coordinates = split.coordinates[:MAX_POINTS].tolist()
    targets = split.targets[:MAX_POINTS].flatten().tolist()
    for (x, y), target in zip(coordinates, targets, strict=True):
        yield x, y, float(target)


def _compute_curve(session: Session, count: int) -> Curve:
    left, right = session.dataset.bounds[:2]
    x = torch.linspace(left, right, max(2, count))
    y = _predict_at(session, x.unsqueeze(1))[:, 0]
    train = session.dataset.train
    assert train.coordinates is not None
    coordinates = train.coordinates[:MAX_POINTS, 0].tolist()
    points = list(zip(coordinates, train.targets[:MAX_POINTS, 0].tolist(), strict=True))
    return Curve(x.tolist(), y.tolist(), points)


def _count_present(session: Session) -> ConfusionMatrix:
    """Returns how often labels of held-out examples are present and predicted, all together."""
    split = get_held_out_split(session.dataset)
    output = session.predict(split.inputs[:MAX_EXAMPLES])
    counts = count_present(output, split.targets[:MAX_EXAMPLES])
    return ConfusionMatrix(counts.tolist(), ["absent", "present"])


def _count_confusions(session: Session, samples: int) -> tuple[ConfusionMatrix, list[Sample]]:
    classes = list(session.dataset.classes)
    split = get_held_out_split(session.dataset)
    output = session.predict(split.inputs[:MAX_EXAMPLES])
    targets = split.targets[:MAX_EXAMPLES]
    if targets.is_floating_point():  # probabilities of the classes
        targets = targets.argmax(dim=1)
    output, targets = flatten_positions(output, targets)
    predictions = predict_classes(output)
    counts = count_confusions(targets, predictions, len(classes))
    matrix = ConfusionMatrix(counts.tolist(), classes)
    return matrix, _get_samples(session, split, output[:samples], predictions[:samples])


def _get_samples(
    session: Session, split: Examples, output: Tensor, predictions: Tensor
) -> list[Sample]:
    """Returns the first images with their predictions; empty if the data has no images."""
    if split.inputs.dtype != torch.uint8 or split.inputs.dim() != 4:
        return []
    of_classes = probabilities(session.experiment.loss, output)
    rows = zip(
        map(encode_image, split.inputs[: len(output)].cpu()),
        split.targets[: len(output)].tolist(),
        predictions.tolist(),
        of_classes.gather(1, predictions[:, None])[:, 0].tolist(),
        strict=True,
    )
    return [
        Sample(pixels, (shape[0], shape[1], shape[2]), *rest) for (pixels, shape), *rest in rows
    ]


def _compute_scatter(session: Session) -> Scatter:
    """Returns targets and predictions of a regression."""
    split = get_held_out_split(session.dataset)
    output = session.predict(split.inputs[:MAX_POINTS])[:, 0]
    targets = split.targets[:MAX_POINTS].reshape(len(output), -1)[:, 0]
    return Scatter(list(zip(targets.tolist(), output.tolist(), strict=True)))

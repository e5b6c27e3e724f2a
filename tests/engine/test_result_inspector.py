"""The responses to the result view are the outputs of the network."""

import copy

import pytest
import torch
from msgspec.structs import replace

from tests.support.bitwise import find_differences
from tests.support.datasets import CPU
from tests.support.tiny_sessions import load_session, make_dataset, make_experiment, make_session
from tuilab.core.protocol.inspect.result_messages import (
    Curve,
    DecisionSurface,
    NodeGraph,
    ResultRequest,
    ResultResponse,
)
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.inspect.images import encode_image
from tuilab.engine.inspect.result.graph_layout import place_nodes
from tuilab.engine.inspect.result.result_inspector import MAX_NODES, ResultInspector
from tuilab.engine.session import Session


def inspect(session: Session, **fields: int) -> ResultResponse:
    return ResultInspector(session).inspect(replace(ResultRequest(), **fields))


def test_a_surface_goes_row_by_row_from_the_top() -> None:
    session = make_session()

    surface = inspect(session, width=6, height=4).picture

    assert isinstance(surface, DecisionSurface)
    assert (surface.width, surface.height, len(surface.values)) == (6, 4, 24)
    top_left = torch.tensor([[-3 + 0.5, 2 - 0.5]])
    probability, predicted = session.predict(top_left).softmax(1).max(1)
    assert surface.values[0] == pytest.approx(predicted.item() + probability.item(), abs=1e-5)
    assert len(surface.points) == 57
    assert len(surface.validation) == 20


def test_a_curve_follows_the_network_over_its_input() -> None:
    data = make_dataset(features=1)
    for part in (data.train, data.validation, data.test):
        part.coordinates, part.targets = part.inputs, part.inputs.sin()
    data.classes, data.bounds = (), (-3.0, 3.0)
    regression = make_experiment(
        "Linear 4", "Tanh", "Linear 1", task="regression", loss={"name": "mse"},
        data={"name": "sine"},
    )  # fmt: skip
    session = Session("run", regression, data, CPU)

    curve = inspect(session, width=10).picture

    assert isinstance(curve, Curve)
    assert len(curve.x) == len(curve.y) == 20
    assert (curve.x[0], curve.x[-1]) == (-3, 3)
    assert curve.y[0] == pytest.approx(session.predict(torch.tensor([[-3.0]])).item(), abs=1e-5)


def make_images(count: int = 30) -> Dataset:
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)
    targets = torch.arange(count) % 10
    part = Examples(inputs, targets)
    return Dataset(
        part, Examples(inputs[:0], targets[:0]), part, tuple("0123456789"),
        shift=torch.full((1, 1, 1), 127.0), scale=torch.full((1, 1, 1), 1 / 64),
    )  # fmt: skip


def test_a_confusion_matrix_counts_every_example_once_and_samples_have_their_pixels() -> None:
    session = Session(
        "run", make_experiment("Flatten", "Linear 10", data={"name": "glyphs"}), make_images(), CPU
    )

    response = inspect(session, samples=5)

    matrix, samples = response.picture, response.samples
    assert isinstance(matrix, ConfusionMatrix)
    assert matrix.classes == list("0123456789")
    assert sum(map(sum, matrix.counts)) == matrix.total == 30
    assert [sum(row) for row in matrix.counts] == [3] * 10
    assert [sample.target for sample in samples] == [0, 1, 2, 3, 4]
    predicted = session.predict(session.dataset.test.inputs).softmax(1)
    for number, sample in enumerate(samples):
        assert sample.predicted == int(predicted[number].argmax())
        assert sample.probability == pytest.approx(float(predicted[number].max()), abs=1e-5)
    assert samples[0].pixels == bytes(session.dataset.train.inputs[0].flatten().tolist())
    assert samples[0].shape == (1, 28, 28)


def graph_session(**data: int) -> Session:
    return load_session({
        "network": ["GraphConvolution 4"], "data": {"name": "communities", **data},
    })  # fmt: skip


def test_a_graph_has_the_prediction_of_each_node_and_hides_the_test_set() -> None:
    session = graph_session(nodes=90)
    dataset = session.dataset

    graph = inspect(session).picture

    assert isinstance(graph, NodeGraph)
    probability, predicted = session.predict(dataset.train.inputs)[0].softmax(1).max(1)
    assert [int(value) for value in graph.values] == predicted.tolist()
    assert [value % 1 for value in graph.values] == pytest.approx(probability.tolist(), abs=1e-4)
    labels = {split: getattr(dataset, split).targets[0] for split in ("train", "validation")}
    known = labels["train"].maximum(labels["validation"]).clamp_min(-1)
    assert graph.targets == known.tolist() and -1 in graph.targets
    assert graph.is_labeled == (labels["train"] >= 0).tolist()
    assert graph.matrix.total == int((labels["validation"] >= 0).sum())
    edges = torch.zeros(90, 90)
    for first, second in graph.edges:
        edges[first, second] = edges[second, first] = 1
    assert dataset.adjacency is not None and torch.equal(edges, dataset.adjacency)


def test_of_a_large_graph_some_nodes_are_drawn_with_the_edges_between_them() -> None:
    graph = inspect(graph_session(nodes=2 * MAX_NODES + 1)).picture

    assert isinstance(graph, NodeGraph)
    assert MAX_NODES / 2 < len(graph.positions) <= MAX_NODES < graph.total_nodes
    assert max(map(max, graph.edges)) < len(graph.positions)


def test_groups_of_a_graph_are_drawn_apart() -> None:
    groups = torch.arange(3).repeat_interleave(20)
    generator = torch.Generator().manual_seed(0)
    is_same = (groups[:, None] == groups).float()
    edges = (torch.rand(60, 60, generator=generator) < 0.02 + 0.3 * is_same).float().triu(1)
    adjacency = edges + edges.T

    positions = place_nodes(adjacency)

    assert torch.equal(positions, place_nodes(adjacency)), "the same graph has the same positions"
    assert float(positions.min()) == 0 and float(positions.max()) == 1
    distances = torch.cdist(positions, positions)
    assert float(distances[is_same == 0].mean()) > 2 * float(distances[is_same == 1].mean())


@pytest.mark.parametrize("nodes", [1, 2, 5])
def test_a_graph_without_edges_has_finite_positions(nodes: int) -> None:
    positions = place_nodes(torch.zeros(nodes, nodes))

    assert positions.shape == (nodes, 2) and bool(positions.isfinite().all())


def test_large_images_are_downscaled_before_they_are_sent() -> None:
    image = torch.full((3, 200, 100), 7, dtype=torch.uint8)

    pixels, shape = encode_image(image)

    assert shape == [3, 64, 32]
    assert pixels == bytes([7]) * (3 * 64 * 32)


def test_a_request_changes_nothing() -> None:
    session = make_session("Linear 8", "BatchNorm1d", "Dropout 0.5", "Linear 3")
    before = copy.deepcopy(session.network.state_dict())
    random_state = torch.get_rng_state()

    inspect(session)

    assert find_differences(session.network.state_dict(), before) == []
    assert torch.equal(torch.get_rng_state(), random_state)
    assert session.network.training

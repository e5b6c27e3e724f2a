"""Graph convolution against the matrices of the paper."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.catalogue.data.graphs import Karate
from tuilab.core.catalogue.data.images import Glyphs
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network.parse import parse
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.graph import GraphConvolution


def random_graph(nodes: int) -> torch.Tensor:
    upper = torch.bernoulli(torch.full((nodes, nodes), 0.4)).triu(1)
    return upper + upper.T


@given(st.integers(1, 8), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 99))
def test_a_graph_convolution_is_the_papers_product_of_matrices(
    nodes: int, features: int, outputs: int, bias: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    shape, line = (nodes, features), f"GraphConvolution {outputs} bias={bias}"
    network = build_network.build((line,), shape)
    adjacency, x = random_graph(nodes), torch.randn(1, nodes, features)

    build_network.set_adjacency(network, adjacency)
    y = network(x)

    layer = network[0]
    assert isinstance(layer, GraphConvolution)
    with_self = adjacency + torch.eye(nodes)
    root = torch.diag(with_self.sum(dim=1) ** -0.5)
    expected = root @ with_self @ root @ x[0] @ layer.weight.T
    if bias:
        expected = expected + layer.bias
    torch.testing.assert_close(y[0], expected, atol=1e-5, rtol=1e-4)
    assert parse(line).output_shape(shape) == tuple(y.shape[1:])
    assert parse(line).count_parameters(shape) == sum(p.numel() for p in network.parameters())


def test_two_convolutions_reach_neighbors_of_neighbors_and_no_further() -> None:
    path = torch.zeros(4, 4)
    for node in range(3):
        path[node, node + 1] = path[node + 1, node] = 1
    network = build_network.build(("GraphConvolution 3", "GraphConvolution 2"), (4, 5))
    build_network.set_adjacency(network, path)
    x = torch.randn(1, 4, 5, requires_grad=True)

    network(x)[0, 0].sum().backward()

    assert x.grad is not None
    assert x.grad[0].abs().sum(dim=1).gt(0).tolist() == [True, True, True, False]


def test_the_graph_is_not_saved_with_the_weights() -> None:
    lines = ("GraphConvolution 3", ("Residual", "GraphConvolution 3"))
    network = build_network.build(lines, (4, 5))

    build_network.set_adjacency(network, random_graph(4))

    assert not any("adjacency" in name for name in network.state_dict())
    build_network.build(lines, (4, 5)).load_state_dict(network.state_dict())


def test_a_network_without_its_graph_raises() -> None:
    network = build_network.build(("GraphConvolution 3",), (4, 5))

    with pytest.raises(RuntimeError, match="has not been connected to a graph"):
        network(torch.zeros(1, 4, 5))


def test_a_graph_layer_needs_data_with_a_graph() -> None:
    images = Experiment(
        network=("PatchEmbedding 4 8", "GraphConvolution 3", "Flatten", "Linear 10"), data=Glyphs()
    )

    assert find_errors(images) == [
        "network[1]: GraphConvolution needs the edges of a graph, and Glyphs has none; "
        "use Linear, or data with a graph"
    ]


def test_a_graph_layer_is_valid_on_a_graph() -> None:
    data = Karate()
    classes = len(data.classes)
    nodes = Experiment(
        network=("GraphConvolution 16", "ReLU", f"GraphConvolution {classes}"), data=data
    )

    assert find_errors(nodes) == []

"""Graphs: edges with their probabilities, disjoint splits, and Zachary's karate club."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.support.datasets import all_tensors, load_dataset, splits
from tests.support.not_none import not_none
from tuilab.core.catalogue.data.graphs import Communities, Karate
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import iter_struct_knobs
from tuilab.engine.data.dataset import IGNORE_INDEX, Dataset, Examples


def labeled_nodes(part: Examples) -> set[int]:
    return set((part.targets[0] != IGNORE_INDEX).nonzero()[:, 0].tolist()) if len(part) else set()


def classes_of(dataset: Dataset) -> Tensor:
    """Returns the class of each node, from the three splits together."""
    return torch.stack([part.targets[0] for part in splits(dataset) if len(part)]).amax(dim=0)


@given(
    st.integers(20, 200), st.integers(2, 10), st.integers(1, 20), st.floats(0, 0.9),
    st.integers(0, 2**31 - 1),
)  # fmt: skip
def test_every_node_is_a_target_in_exactly_one_split(
    nodes: int, groups: int, labelled: int, validation: float, seed: int
) -> None:
    data = Communities(nodes=nodes, communities=groups, labelled=labelled, validation=validation)
    dataset = load_dataset(data, seed)

    train, held_out, test = map(labeled_nodes, splits(dataset))
    assert train | held_out | test == set(range(nodes))
    assert len(train) + len(held_out) + len(test) == nodes
    assert len(held_out) == round((nodes - len(train)) * validation)
    assert len(dataset.train) == 1
    counts = torch.bincount(classes_of(dataset), minlength=groups)
    known = torch.bincount(dataset.train.targets[0][sorted(train)], minlength=groups)
    assert known.tolist() == [min(labelled, int(count) // 2) for count in counts]


def test_a_graph_has_no_batch_size_knob() -> None:
    assert Karate().batch_size == 0
    assert "batch_size" not in {knob.label for knob in iter_struct_knobs(Karate(), "data")}


def test_all_splits_contain_the_whole_graph() -> None:
    dataset = load_dataset(Communities(nodes=50))

    assert not_none(dataset.adjacency).shape == (50, 50)
    for part in splits(dataset):
        assert torch.equal(part.inputs, dataset.train.inputs)


def test_edges_have_their_probabilities() -> None:
    dataset = load_dataset(Communities(nodes=600, communities=3, p_in=0.2, p_out=0.05))

    edges, classes = not_none(dataset.adjacency), classes_of(dataset)
    same = classes[:, None] == classes
    same.fill_diagonal_(False)
    other = classes[:, None] != classes
    assert torch.equal(edges, edges.T) and not edges.diagonal().any()
    assert set(edges.flatten().tolist()) == {0.0, 1.0}
    assert float(edges[same].mean()) == pytest.approx(0.2, abs=0.01)
    assert float(edges[other].mean()) == pytest.approx(0.05, abs=0.005)


def test_features_are_the_mean_of_the_group_plus_noise() -> None:
    clean = load_dataset(Communities(noise=0, features=5))
    noisy = load_dataset(Communities(noise=1.5, features=5))

    features, classes = clean.train.inputs[0], classes_of(clean)
    assert features.shape == (300, 5)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(300))
    assert len(set(map(tuple, features[classes == 2].tolist()))) == 1
    difference = noisy.train.inputs - clean.train.inputs
    assert float(difference.std()) == pytest.approx(1.5, abs=0.1)


def test_groups_shrink_by_the_imbalance() -> None:
    counts = torch.bincount(
        classes_of(load_dataset(Communities(nodes=700, communities=3, imbalance=0.5)))
    )

    assert counts.tolist() == [400, 200, 100]


@pytest.mark.parametrize("kind", [Communities, Karate])
def test_the_same_seed_gives_the_same_graph(kind: type[Communities] | type[Karate]) -> None:
    first, second, third = (all_tensors(load_dataset(kind(), seed)) for seed in (1, 1, 2))

    assert all(map(torch.equal, first, second))
    assert not torch.equal(first[1], third[1])


def test_too_few_nodes_for_the_groups_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"data\.nodes: 5 nodes are too few for 4 groups of at least two"
    ):
        load_dataset(Communities(nodes=5, communities=4))


def test_the_karate_club_is_zacharys() -> None:
    dataset = load_dataset(Karate(labelled=2))

    edges = not_none(dataset.adjacency)
    degrees = edges.sum(dim=0)
    assert int(edges.sum()) == 2 * 78
    assert torch.equal(edges, edges.T)
    assert [int(degrees[node]) for node in (0, 33, 32, 11)] == [16, 17, 12, 1]
    assert degrees.tolist() == [
        16, 9, 10, 6, 3, 4, 4, 4, 5, 2, 3, 1, 2, 5, 2, 2, 2, 2, 2, 3, 2, 2, 2, 5, 3, 3, 2, 4, 3,
        4, 4, 6, 12, 17,
    ]  # fmt: skip
    classes = classes_of(dataset)
    assert (int(classes[0]), int(classes[33]), int(classes.sum())) == (0, 1, 17)
    assert torch.equal(dataset.train.inputs[0], torch.eye(34))
    assert len(labeled_nodes(dataset.train)) == 4


def test_wrong_labels_are_only_on_labeled_nodes() -> None:
    clean, noisy = (
        load_dataset(Communities(labelled=20)),
        load_dataset(Communities(labelled=20, label_noise=1)),
    )

    assert labeled_nodes(clean.train) == labeled_nodes(noisy.train)
    nodes = sorted(labeled_nodes(clean.train))
    assert (clean.train.targets[0][nodes] != noisy.train.targets[0][nodes]).all()
    assert torch.equal(clean.test.targets, noisy.test.targets)


def test_without_validation_that_split_is_empty() -> None:
    dataset = load_dataset(Karate(validation=0.0))

    assert len(dataset.validation) == 0
    assert len(labeled_nodes(dataset.test)) == 32

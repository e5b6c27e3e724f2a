"""Graphs as one example: features of all nodes, edges as a matrix, labels of a few nodes."""

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data.graphs import Communities, GraphDataSet, Karate
from tuilab.engine.data.dataset import IGNORE_INDEX, Examples, ProgressCallback
from tuilab.engine.data.rng import rng_for
from tuilab.engine.data.sources import RawDataset, source


@source(Communities)
def communities(data: Communities, seed: int, report: ProgressCallback) -> RawDataset:
    """Draws a stochastic block model; the features are the mean of a group plus normal noise."""
    nodes, features = data.shape
    classes = _group_classes(nodes, data.communities, data.imbalance)
    classes = classes[torch.randperm(len(classes), generator=rng_for(seed, "groups"))]
    probabilities = torch.where(classes[:, None] == classes, data.p_in, data.p_out)
    is_edge = torch.rand(probabilities.shape, generator=rng_for(seed, "edges")) < probabilities
    edges = is_edge.triu(1).float()
    generator = rng_for(seed, "features")
    means = torch.randn(data.communities, features, generator=generator)
    means /= means.norm(dim=1, keepdim=True)
    noise = data.noise * torch.randn(nodes, features, generator=generator)
    return _build(data, means[classes] + noise, classes, edges + edges.T, seed)


def _group_classes(nodes: int, count: int, imbalance: float) -> Tensor:
    """Returns the group of each node, [nodes]; group c is (1 - imbalance)^c of the first's size."""
    weights = torch.tensor([(1 - imbalance) ** each for each in range(count)], dtype=torch.float64)
    sizes = (nodes * weights / weights.sum()).round().long().clamp(min=2)
    sizes[0] += nodes - sizes.sum()
    return torch.arange(count).repeat_interleave(sizes)


FRIENDS = {
    0: (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31),
    1: (2, 3, 7, 13, 17, 19, 21, 30), 2: (3, 7, 8, 9, 13, 27, 28, 32), 3: (7, 12, 13),
    4: (6, 10), 5: (6, 10, 16), 6: (16,), 8: (30, 32, 33), 9: (33,), 13: (33,), 14: (32, 33),
    15: (32, 33), 18: (32, 33), 19: (33,), 20: (32, 33), 22: (32, 33), 23: (25, 27, 29, 32, 33),
    24: (25, 27, 31), 25: (31,), 26: (29, 33), 27: (33,), 28: (31, 33), 29: (32, 33),
    30: (32, 33), 31: (32, 33), 32: (33,),
}  # fmt: skip
"""The friendships outside the club (Zachary 1977), each once; 0 is Mr. Hi, 33 the officer."""

WITH_MR_HI = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21)
"""The members who stayed with Mr. Hi when the club split."""


@source(Karate)
def karate(data: Karate, seed: int, report: ProgressCallback) -> RawDataset:
    """Returns the karate club; the features of a node are its one-hot index."""
    edges = torch.zeros(34, 34)
    for member, friends in FRIENDS.items():
        edges[member, list(friends)] = 1.0
    classes = torch.ones(34, dtype=torch.int64)
    classes[list(WITH_MR_HI)] = 0
    return _build(data, torch.eye(34), classes, edges + edges.T, seed)


def _build(
    data: GraphDataSet, features: Tensor, classes: Tensor, adjacency: Tensor, seed: int
) -> RawDataset:
    """Builds the splits: the same graph three times, each with the labels of other nodes."""
    generator = rng_for(seed, "labelled")  # another spelling would draw other nodes
    labeled, unlabeled = _choose_labeled(classes, data.labelled, generator)
    count = round(len(unlabeled) * data.validation)

    def examples(nodes: Tensor) -> Examples:
        targets = torch.full((1, len(classes)), IGNORE_INDEX)
        targets[0, nodes] = classes[nodes]
        examples = min(len(nodes), 1)  # a split without labels is empty
        return Examples(features[None][:examples], targets[:examples])

    return RawDataset(
        examples(labeled),
        examples(unlabeled[count:]),
        validation=examples(unlabeled[:count]),
        adjacency=adjacency,
    )


def _choose_labeled(classes: Tensor, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draws the labeled nodes, at most half of each class, and returns the other nodes as well."""
    order = torch.randperm(len(classes), generator=generator)
    is_labeled = torch.zeros(len(classes), dtype=torch.bool)
    for each in range(int(classes.max()) + 1):
        members = order[classes[order] == each]
        is_labeled[members[: min(count, len(members) // 2)]] = True
    return order[is_labeled[order]], order[~is_labeled[order]]

"""Graphs as one example: features of all nodes, edges as a matrix, labels of a few nodes."""

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data.graphs import Communities, Graph, Karate
from tuilab.engine.data.dataset import IGNORED, Part, Report, Source
from tuilab.engine.data.rng import rng_for


def communities(data: Communities, seed: int, report: Report) -> Source:
    """A stochastic block model; a feature is the place of its group plus normal noise."""
    nodes, features = data.shape
    classes = _groups(nodes, data.communities, data.imbalance)
    classes = classes[torch.randperm(len(classes), generator=rng_for(seed, "groups"))]
    likely = torch.where(classes[:, None] == classes, data.p_in, data.p_out)
    drawn = torch.rand(likely.shape, generator=rng_for(seed, "edges")) < likely
    edges = drawn.triu(1).float()
    chance = rng_for(seed, "features")
    places = torch.randn(data.communities, features, generator=chance)
    places /= places.norm(dim=1, keepdim=True)
    noise = data.noise * torch.randn(nodes, features, generator=chance)
    return _source(data, places[classes] + noise, classes, edges + edges.T, seed)


def _groups(nodes: int, count: int, imbalance: float) -> Tensor:
    """The group of each node: group c has (1 - imbalance)^c as many as the first, but two."""
    weights = torch.tensor([(1 - imbalance) ** each for each in range(count)], dtype=torch.float64)
    sizes = (nodes * weights / weights.sum()).round().long().clamp(min=2)
    sizes[0] += nodes - sizes.sum()
    return torch.arange(count).repeat_interleave(sizes)


FRIENDS = {
    0: (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31),
    1: (2, 3, 7, 13, 17, 19, 21, 30),
    2: (3, 7, 8, 9, 13, 27, 28, 32),
    3: (7, 12, 13),
    4: (6, 10),
    5: (6, 10, 16),
    6: (16,),
    8: (30, 32, 33),
    9: (33,),
    13: (33,),
    14: (32, 33),
    15: (32, 33),
    18: (32, 33),
    19: (33,),
    20: (32, 33),
    22: (32, 33),
    23: (25, 27, 29, 32, 33),
    24: (25, 27, 31),
    25: (31,),
    26: (29, 33),
    27: (33,),
    28: (31, 33),
    29: (32, 33),
    30: (32, 33),
    31: (32, 33),
    32: (33,),
}
"""Who met whom outside the club (Zachary 1977), each pair once; 0 is Mr. Hi, 33 the officer."""

WITH_MR_HI = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21)
"""Who stayed with Mr. Hi when the club broke in two."""


def karate(data: Karate, seed: int, report: Report) -> Source:
    """The club: a feature of a node says nothing but which node it is."""
    edges = torch.zeros(34, 34)
    for one, friends in FRIENDS.items():
        edges[one, list(friends)] = 1.0
    classes = torch.ones(34, dtype=torch.int64)
    classes[list(WITH_MR_HI)] = 0
    return _source(data, torch.eye(34), classes, edges + edges.T, seed)


def _source(data: Graph, features: Tensor, classes: Tensor, adjacency: Tensor, seed: int) -> Source:
    """The parts: the same graph three times, each with the labels of other nodes."""
    told, rest = _told(classes, data.labelled, rng_for(seed, "labelled"))
    held = round(len(rest) * data.validation)

    def part(nodes: Tensor) -> Part:
        targets = torch.full((1, len(classes)), IGNORED)
        targets[0, nodes] = classes[nodes]
        there = min(len(nodes), 1)  # a part without labels has no example
        return Part(features[None][:there], targets[:there])

    return Source(
        part(told), part(rest[held:]), validation=part(rest[:held]), adjacency=adjacency
    )  # fmt: skip


def _told(classes: Tensor, labelled: int, chance: Generator) -> tuple[Tensor, Tensor]:
    """The nodes whose label training is told, at most half of each class; and the others."""
    order = torch.randperm(len(classes), generator=chance)
    told = torch.zeros(len(classes), dtype=torch.bool)
    for each in range(int(classes.max()) + 1):
        members = order[classes[order] == each]
        told[members[: min(labelled, len(members) // 2)]] = True
    return order[told[order]], order[~told[order]]

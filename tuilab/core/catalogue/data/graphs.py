"""Data sets that are one graph: every node an example, few of them labelled."""

import string
from typing import Annotated, ClassVar

from tuilab.core.catalogue.data.data_set import Data, Imbalance, LabelNoise
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape


class Graph(Data, frozen=True, kw_only=True):
    """A graph whose nodes are to be classified from the labels of a few."""

    validation: Annotated[
        float,
        knob("Part of the unlabelled nodes to measure on while training; the rest are the test",
             ge=0, le=0.9),
    ] = 0.3  # fmt: skip
    labelled: Annotated[
        int, knob("Nodes of each class that training is told", ge=1, le=1000, unit="nodes")
    ] = 5
    label_noise: LabelNoise = 0.0

    graph: ClassVar[bool] = True
    batch_size: ClassVar[int] = 0
    "There is one example: the graph."

    @property
    def positions(self) -> Shape:
        return self.shape[:1]


class Communities(Graph, frozen=True, kw_only=True, tag="communities"):
    """A network of people in groups: edges within a group are likelier than between groups.

    Use: node classification where a node's own features say little and its neighbours much:
      compare GraphConvolution with Linear. (Stochastic block model; Holland and others 1983.)
    """

    nodes: Annotated[int, knob("How many nodes", ge=4, le=4000, unit="nodes", log=True)] = 300
    communities: Annotated[int, knob("How many groups, each a class", ge=2, le=10)] = 4
    p_in: Annotated[float, knob("Chance of an edge within a group", ge=0, le=1)] = 0.1
    p_out: Annotated[float, knob("Chance of an edge between two groups", ge=0, le=1)] = 0.01
    features: Annotated[int, knob("Numbers that are known of a node", ge=1, le=256)] = 8
    noise: Annotated[
        float, knob("Spread of a feature within a group; the groups are about 1 apart", ge=0, le=10)
    ] = 1.0
    imbalance: Imbalance = 0.0

    @property
    def shape(self) -> Shape:
        if self.nodes < 2 * self.communities:
            problem = f"{self.nodes} nodes are too few for {self.communities} groups of two or more"
            raise InputError(problem, "data.nodes")
        return (self.nodes, self.features)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(string.ascii_uppercase[: self.communities])


class Karate(Graph, frozen=True, kw_only=True, tag="karate"):
    """A karate club of 34 that broke in two: who went with whom? (Zachary 1977)

    Use: the smallest real graph: from one or two known members of each side, the friendships
      outside the club tell nearly all others. A feature is nothing but who a node is.
    """

    labelled: Annotated[
        int, knob("Members of each side that training is told", ge=1, le=16, unit="nodes")
    ] = 1

    @property
    def shape(self) -> Shape:
        return (34, 34)

    @property
    def classes(self) -> tuple[str, ...]:
        return ("Mr. Hi", "Officer")

    @property
    def title(self) -> str:
        return "Karate club"

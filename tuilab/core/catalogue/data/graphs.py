"""Data sets that are one graph: every node is an example, and few of them are labeled."""

import string
from typing import Annotated, ClassVar

from tuilab.core.catalogue.data.data_set import DataSet, Imbalance, LabelNoise
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape


class GraphDataSet(DataSet, frozen=True, kw_only=True):
    """A graph whose nodes are classified from the labels of a few (semi-supervised)."""

    validation: Annotated[
        float,
        knob("Fraction of the unlabeled nodes used for validation; the others are the test set",
             ge=0, le=0.9),
    ] = 0.3  # fmt: skip
    labelled: Annotated[int, knob("Labeled nodes per class", ge=1, le=1000, unit="nodes")] = 5
    label_noise: LabelNoise = 0.0

    is_graph: ClassVar[bool] = True
    plot_kind: ClassVar[str] = "graph"

    @property
    def target_shape(self) -> Shape:
        return self.shape[:1]


class Communities(GraphDataSet, frozen=True, kw_only=True, tag="communities"):
    """A social network of groups: edges are more likely within a group than between groups.

    Use: node classification where a node's own features say little and its neighbors say much:
      compare GraphConvolution with Linear. (Stochastic block model; Holland et al. 1983.)
    """

    nodes: Annotated[int, knob("Number of nodes", ge=4, le=4000, unit="nodes", log=True)] = 300
    communities: Annotated[int, knob("Number of groups, each a class", ge=2, le=10)] = 4
    p_in: Annotated[float, knob("Probability of an edge within a group", ge=0, le=1)] = 0.1
    p_out: Annotated[float, knob("Probability of an edge between two groups", ge=0, le=1)] = 0.01
    features: Annotated[int, knob("Features per node", ge=1, le=256)] = 8
    noise: Annotated[
        float,
        knob(
            "Standard deviation of a feature within a group; group means are about 1 apart",
            ge=0,
            le=10,
        ),
    ] = 1.0
    imbalance: Imbalance = 0.0

    @property
    def shape(self) -> Shape:
        if self.nodes < 2 * self.communities:
            problem = (
                f"{self.nodes} nodes are too few for {self.communities} groups of at least two"
            )
            raise InputError(problem, "data.nodes")
        return (self.nodes, self.features)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(string.ascii_uppercase[: self.communities])


class Karate(GraphDataSet, frozen=True, kw_only=True, tag="karate"):
    """A karate club of 34 members that split in two: who joined which side? (Zachary 1977)

    Use: the smallest real graph: from one or two labeled members of each side, the friendships
      outside the club predict nearly all others. The features are one-hot node indices.
    """

    labelled: Annotated[int, knob("Labeled members of each side", ge=1, le=16, unit="nodes")] = 1

    shape: ClassVar[Shape] = (34, 34)
    classes: ClassVar[tuple[str, ...]] = ("Mr. Hi", "Officer")
    title: ClassVar[str] = "Karate club"
